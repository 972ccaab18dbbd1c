"""The command line: what it says, in what shape, with which exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from rich.console import Console
from typer.testing import CliRunner

from commerce.audits import Difference, Report
from commerce.ports import Unreadable
from deployments import printing
from deployments.cli import app
from integrations.simulator import Fault
from tasks.hub import installed
from tests.builders import NOON, an_order, changed
from tests.journeys.house import House
from tests.small_house import order

HOSTILE = "[red]#1[/red]\x1b[2J\x07\r\u202edlos\u2066\x9b31m\x00 :smile: <b>"
SAFE = "[red]#1[/red]\\x1b[2J\\x07\\r\\u202edlos\\u2066\\x9b31m :smile: <b>"


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal on which nothing is folded."""
    monkeypatch.setattr(printing, "console", Console(width=400))
    monkeypatch.setattr(printing, "complaints", Console(width=400, stderr=True))


@pytest.fixture
def at_home(house: House) -> Iterator[House]:
    """A house that the command line finds."""
    with installed(house.hub):
        yield house


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A command line that finds no hub but that of the stack.toml which a test may write here."""
    monkeypatch.setattr("tasks.hub._installed", None)
    monkeypatch.setenv("BACKROOM_STACK", str(tmp_path / "stack.toml"))
    monkeypatch.setenv("BACKROOM_LEDGER", f"sqlite:///{tmp_path / 'own.db'}")
    return tmp_path / "stack.toml"


def backroom(*arguments: str) -> Result:
    """Run a command as a person would; anything but an exit is the test's error."""
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def read(result: Result) -> Any:
    """The JSON that a machine gets."""
    return json.loads(result.stdout)


def everything_ran(house: House) -> None:
    """Every route has just finished well."""
    for name in house.hub.stack.routes:
        house.hub.ledger.route_finished(name, True, {})


def held(house: House, count: int = 1) -> list[str]:
    """Ids of orders that are held at the warehouse, for they have no address."""
    for _ in range(count):
        order(house, shipping_address=None)
    house.record()
    house.deliver("warehouse")
    return [record.id for record in house.hub.ledger.held("warehouse")]


def test_status_is_0_when_all_is_fresh_and_1_when_something_is_late(at_home: House) -> None:
    assert backroom("status").exit_code == 1
    everything_ran(at_home)
    result = backroom("status")
    assert result.exit_code == 0
    assert "orders-to-shipping" in result.stdout
    assert "0 webhooks waiting; paused: none" in result.stdout
    at_home.hub.ledger.pause("books", "revoked")
    result = backroom("status")
    assert (result.exit_code, "paused: books" in result.stdout) == (1, True)


def test_status_shows_open_alerts_and_which_of_them_people_may_not_have_read(at_home: House) -> None:
    # given a problem that was told, and one that the channel took without saying so
    for name in ("books", "marketing"):
        if name == "marketing":
            at_home.vendors["alerts"].act("fault", {"kind": "drop_after", "on": "services", "times": 9})
        at_home.hub.ledger.pause(name, "revoked")
        at_home.watch()
    lines = backroom("status").stdout.splitlines()
    [told] = [line for line in lines if "books: paused until" in line]
    [untold] = [line for line in lines if "marketing: paused until" in line]
    assert ("not confirmed" in told, "sent, not confirmed" in untold) == (False, True)


def test_status_for_machines(at_home: House) -> None:
    held(at_home)
    found = read(backroom("status", "--json"))
    rows = {row["destination"]: row for row in found["destinations"]}
    assert rows["warehouse"]["held"] == 1
    assert rows["books"]["waiting"] == 1
    assert found["health"]["well"] is False
    assert {route["route"] for route in found["health"]["routes"]} == set(at_home.hub.stack.routes)


def test_trace_tells_the_life_of_an_order(at_home: House) -> None:
    order(at_home)
    at_home.orders_everywhere()
    result = backroom("trace", "#1001")
    assert result.exit_code == 0
    assert "order.placed" in result.stdout
    assert all(name in result.stdout for name in ("warehouse", "books", "marketing"))
    found = read(backroom("trace", "#1001", "--json"))
    assert [event["kind"] for event in found["events"]] == ["order.placed"]
    assert {one["destination"]: one["state"] for one in found["deliveries"]} == dict.fromkeys(
        ("books", "marketing", "warehouse"), "done"
    )
    assert set(found["bindings"]) == {"books", "marketing", "warehouse"}
    # the vendor's own id finds it as well
    assert read(backroom("trace", found["bindings"]["warehouse"]["vendor_id"], "--json")) == found


def test_trace_of_what_nobody_knows_is_1(at_home: House) -> None:
    result = backroom("trace", "#4711")
    assert result.exit_code == 1
    assert "the log has nothing about '#4711'" in result.stderr
    assert result.stdout == ""


def test_held_list_and_show(at_home: House) -> None:
    assert "nothing is held" in backroom("held", "list").stdout
    assert read(backroom("held", "list", "--json")) == []
    [one] = held(at_home)
    listed = backroom("held", "list")
    assert (listed.exit_code, "#1001" in listed.stdout, one in listed.stdout) == (0, True, True)
    [row] = read(backroom("held", "list", "--destination", "warehouse", "--json"))
    assert (row["id"], row["destination"], row["label"]) == (one, "warehouse", "#1001")
    assert read(backroom("held", "list", "--destination", "books", "--json")) == []
    shown = backroom("held", "show", one)
    assert (shown.exit_code, row["reason"] in shown.stdout) == (0, True)
    assert read(backroom("held", "show", one, "--json")) == [row]


def test_held_show_of_nothing_is_1(at_home: House) -> None:
    result = backroom("held", "show", "warehouse/99")
    assert (result.exit_code, "nothing is held under 'warehouse/99'" in result.stderr) == (1, True)


def test_held_release_by_id_by_cause_and_by_destination(at_home: House) -> None:
    ids = held(at_home, 4)
    assert "1 released" in backroom("held", "release", ids[0]).stdout
    assert "2 released" in backroom("held", "release", ids[1], ids[2]).stdout
    cause = at_home.hub.ledger.held()[0].cause
    assert "1 released" in backroom("held", "release", "--cause", cause, "--destination", "warehouse").stdout
    assert at_home.hub.ledger.held() == []
    assert backroom("held", "release", "--destination", "warehouse").exit_code == 1


def test_held_release_of_nothing_in_particular_is_2_and_releases_nothing(at_home: House) -> None:
    held(at_home)
    result = backroom("held", "release")
    assert (result.exit_code, "say which" in result.stderr) == (2, True)
    assert len(at_home.hub.ledger.held()) == 1


def test_held_dismiss_wants_to_know_why(at_home: House) -> None:
    [one] = held(at_home)
    assert backroom("held", "dismiss", one).exit_code == 2
    assert len(at_home.hub.ledger.held()) == 1
    assert "1 dismissed" in backroom("held", "dismiss", one, "--note", "picked up in person").stdout
    assert at_home.hub.ledger.held() == []
    assert at_home.deliver("warehouse").claimed == 0
    assert backroom("held", "dismiss", one, "--note", "again").exit_code == 1


def test_check_names_what_to_fix(at_home: House) -> None:
    backroom("webhooks")
    everything = backroom("check", "--json")
    found = {one["subject"].split(":")[0] for one in read(everything)}
    assert {"ledger", "sync-inventory", *at_home.hub.stack.connections} <= found
    # given a key that was revoked
    at_home.vendors["marketing"].act("revoke_key", {})
    result = backroom("check")
    assert (result.exit_code, "FIX" in result.stdout) == (1, True)
    # and of one connection, only that is looked at
    assert {one["subject"].split(":")[0] for one in read(backroom("check", "marketing", "--json"))} == {"marketing"}
    assert backroom("check", "marketing").exit_code == 1
    assert backroom("check", "warehouse").exit_code == 0
    result = backroom("check", "nobody")
    assert (result.exit_code, "connections.nobody: not in stack.toml" in result.stderr) == (2, True)


def test_check_goes_on_when_a_vendor_is_down(at_home: House) -> None:
    at_home.vendors["shop"].faults.append(Fault(on="", times=999))
    result = backroom("check", "--json")
    found = {one["subject"].split(":")[0]: one["ok"] for one in read(result)}
    assert result.exit_code == 1
    assert (found["shop"], found["sync-inventory"]) == (False, False)
    assert {"warehouse", "books", "marketing", "inventory", "alerts"} <= set(found)


def test_what_is_paused_by_hand_gets_nothing_says_why_and_loses_nothing(at_home: House) -> None:
    # given a warehouse that somebody paused
    result = backroom("pause", "warehouse", "--note", "the label printer burns")
    assert (result.exit_code, result.stdout) == (0, "warehouse is paused\n")
    again = backroom("pause", "warehouse", "--note", "still")
    assert again.stdout == "warehouse was paused already: by hand: the label printer burns\n"
    # when an order comes
    order(at_home)
    at_home.record()
    for name in ("warehouse", "books"):
        at_home.deliver(name)
    # then it waits for the warehouse and for nobody else, and people are reminded
    assert at_home.vendors["warehouse"].state()["shipments"] == []
    assert len(at_home.vendors["books"].state()["documents"]) == 1
    at_home.watch()
    [told] = [alert for alert in at_home.hub.ledger.open_alerts() if alert.alert.fingerprint == "paused:warehouse"]
    assert "the label printer burns" in told.alert.what
    # and goes when it may
    assert backroom("resume", "warehouse").exit_code == 0
    at_home.deliver("warehouse")
    assert len(at_home.vendors["warehouse"].state()["shipments"]) == 1
    assert backroom("pause", "warehous").exit_code == 2


def test_resume_goes_on_and_clears_the_alert(at_home: House) -> None:
    at_home.hub.ledger.pause("books", "revoked", "connect again")
    at_home.watch()
    result = backroom("resume", "books")
    assert (result.exit_code, result.stdout) == (0, "books goes on\n")
    assert (at_home.hub.ledger.paused(), at_home.hub.ledger.open_alerts()) == ([], [])
    assert backroom("resume", "books").stdout == "books was not paused\n"
    result = backroom("resume", "boks")
    assert (result.exit_code, "connections.boks: not in stack.toml" in result.stderr) == (2, True)


def test_reconnect_drops_dead_tokens_and_goes_on(at_home: House) -> None:
    # given books whose kept tokens died
    order(at_home)
    at_home.record()
    at_home.deliver("books")
    at_home.hub.ledger.pause("books", "its refresh token is dead")
    at_home.watch()
    assert at_home.hub.ledger.tokens("books").load() is not None
    # when it begins again
    assert backroom("reconnect", "books").exit_code == 0
    # then nothing is left of them, and nothing is paused
    assert at_home.hub.ledger.tokens("books").load() is None
    assert (at_home.hub.ledger.paused(), at_home.hub.ledger.open_alerts()) == ([], [])
    result = backroom("reconnect", "boks")
    assert (result.exit_code, "connections.boks: not in stack.toml" in result.stderr) == (2, True)


def test_webhooks_are_made_once_and_need_an_address(at_home: House) -> None:
    result = backroom("webhooks")
    assert (result.exit_code, "http://127.0.0.1:8720/hooks/shop" in result.stdout) == (0, True)
    made = at_home.vendors["shop"].state()["webhook_subscriptions"]
    backroom("webhooks")
    assert at_home.vendors["shop"].state()["webhook_subscriptions"] == made
    without = at_home.hub.stack.hub.model_copy(update={"receiver": ""})
    at_home.hub.stack = at_home.hub.stack.model_copy(update={"hub": without})
    result = backroom("webhooks")
    assert (result.exit_code, "hub.receiver: is not set" in result.stderr) == (2, True)


def test_a_vendor_that_refuses_keeps_no_other_from_being_subscribed(at_home: House) -> None:
    at_home.vendors["shop"].faults.append(Fault(on="graphql", status=403, times=99))
    assert backroom("webhooks").exit_code == 1
    [hook] = at_home.vendors["inventory"].state()["webhooks"]
    assert hook["url"] == "http://127.0.0.1:8720/hooks/inventory"


def test_a_vendor_that_refuses_is_1_with_its_words(at_home: House) -> None:
    at_home.vendors["shop"].faults.append(Fault(on="graphql", status=403, times=99))
    result = backroom("webhooks")
    assert result.exit_code == 1
    assert (
        result.stderr == "shopify: forbids this app to call the shop (403)\n"
        "  is the app installed in this very shop? then: backroom resume shop\n"
    )


WRONG = {
    "no file": (None, "there is no", "copy stack.example.toml to stack.toml"),
    "no TOML": ("[hub", "is not valid TOML", ""),
    "an unknown table": ("[routs]\n", "routs: stack.toml has no such table", ""),
    "an unknown vendor": ('[connections.shop]\nvendor = "spotify"\n', "connections.shop.vendor", ""),
    "a wrong setting": ("[hub]\noverlap_minutes = 0\n", "hub.overlap_minutes", ""),
    "a secret that is not set": (
        '[connections.inventory]\nvendor = "katana"\n',
        "BACKROOM_INVENTORY_API_KEY: is not set",
        "set BACKROOM_INVENTORY_API_KEY",
    ),
}


@pytest.mark.parametrize(("text", "names", "hint"), WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("command", [["status"], ["held", "list", "--json"], ["receive"], ["check"]], ids=" ".join)
def test_a_wrong_stack_stops_every_command_and_is_named(
    nowhere: Path, command: list[str], text: str | None, names: str, hint: str
) -> None:
    if text is not None:
        nowhere.write_text(text, encoding="utf-8")
    result = backroom(*command)
    assert result.exit_code == 2
    assert names in result.stderr
    assert hint in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_ledger_that_does_not_answer_is_said_without_a_traceback(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere.write_text("", encoding="utf-8")
    monkeypatch.setenv("BACKROOM_LEDGER", "postgresql+psycopg://hub:s3cret@127.0.0.1:1/backroom")
    result = backroom("status")
    assert result.exit_code == 1
    assert "the ledger cannot be used: " in result.stderr
    assert "s3cret" not in result.output
    assert "Traceback" not in result.output


def test_a_ledger_of_another_kind_is_a_wrong_setting(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere.write_text("", encoding="utf-8")
    monkeypatch.setenv("BACKROOM_LEDGER", "mysql://hub@127.0.0.1/backroom")
    result = backroom("migrate")
    assert (result.exit_code, "hub.ledger: cannot be kept in 'mysql'" in result.stderr) == (2, True)


def test_migrate_makes_the_tables(nowhere: Path) -> None:
    nowhere.write_text("", encoding="utf-8")
    assert backroom("migrate").stdout == "the ledger is up to date\n"
    assert (nowhere.parent / "own.db").exists()


@pytest.mark.parametrize("arguments", [["nonsense"], ["held", "nonsense"], ["status", "--jsn"], ["trace"]])
def test_a_wrong_command_is_2(arguments: list[str]) -> None:
    assert backroom(*arguments).exit_code == 2


def test_what_strangers_wrote_steers_no_terminal(at_home: House) -> None:
    # given an order and a held record whose words come from somewhere else
    at_home.hub.ledger.record_orders(
        "shop",
        [changed(an_order(1001), number=HOSTILE)],
        unreadable=[Unreadable(subject="shop:7", label=HOSTILE, reason=HOSTILE, hint=HOSTILE)],
    )
    at_home.hub.ledger.pause("books", HOSTILE, HOSTILE)
    for command in (["held", "list"], ["held", "show", "shop/shop:7"], ["check"]):
        # then people see what it is, and no control character reaches the terminal
        result = backroom(*command)
        assert SAFE in result.stdout, command
        assert printable(result.output), command
        # and machines get just what it was, in plain ASCII
        result = backroom(*command, "--json")
        assert result.stdout.isascii()
        assert HOSTILE.replace("\x00", "") in "\n".join(strings(read(result)))
    result = backroom("trace", HOSTILE)
    assert printable(result.output)


def test_a_hostile_argument_steers_no_terminal_either(at_home: House) -> None:
    for command in (["trace", HOSTILE], ["held", "show", HOSTILE], ["resume", HOSTILE], ["check", HOSTILE]):
        result = backroom(*command)
        assert result.exit_code in (1, 2)
        assert printable(result.output), command


def printable(text: str) -> bool:
    """Whether a terminal shows it all, and obeys none of it."""
    return printing.STEERING.search(text) is None


def strings(found: Any) -> Iterator[str]:
    """Every text in some JSON."""
    if isinstance(found, str):
        yield found
    elif isinstance(found, dict):
        for value in found.values():
            yield from strings(value)
    elif isinstance(found, list):
        for value in found:
            yield from strings(value)


def test_a_replay_says_how_many_wait_and_a_dry_run_changes_nothing(at_home: House) -> None:
    order(at_home)
    at_home.orders_everywhere()
    tried = backroom("replay", "warehouse", "--order", "#1001", "--dry-run")
    assert (tried.exit_code, tried.stdout) == (0, "1 would be brought again\n")
    assert at_home.on_their_way() == 0
    done = backroom("replay", "warehouse", "--since", "2026-11-01")
    assert (done.exit_code, done.stdout) == (0, "1 wait; the next run of the route brings them\n")
    assert at_home.on_their_way() == 1


def test_a_replay_to_nowhere_or_of_nothing_says_so(at_home: House) -> None:
    assert backroom("replay", "inventory", "--order", "#1").exit_code == 2
    assert backroom("replay", "warehouse").exit_code == 2
    assert backroom("replay", "warehouse", "--order", "#404").exit_code == 1
    result = backroom("replay", "warehouse", "--since", "2126-01-01")
    assert (result.exit_code, "still to come" in result.stderr) == (2, True)


def test_a_replay_that_will_bring_nothing_says_why(at_home: House) -> None:
    for _ in range(2):
        order(at_home)
    at_home.orders_everywhere()
    # to a destination that is paused, the work waits for whoever resumes it
    at_home.hub.ledger.pause("warehouse", "the key was revoked")
    waits = backroom("replay", "warehouse", "--order", "#1001")
    assert (waits.exit_code, "then: backroom resume warehouse" in waits.stdout) == (0, True)
    # and an order whose person is forgotten is not brought, as it would arrive without a name
    assert at_home.hub.ledger.redact("shop", at_home.hub.ledger.trace("#1002").subjects)
    nothing = backroom("replay", "books", "--order", "#1002")
    assert (nothing.exit_code, "its person is forgotten" in nothing.stdout) == (1, True)


def a_report(house: House, **changes: Any) -> int:
    """A kept report; its id."""
    lost = Difference(
        verdict="missing",
        subject="shop:1",
        label=HOSTILE.replace("\x00", ""),
        slot="receipt",
        expected="30.00 USD posted",
    )
    fields: dict[str, Any] = {"counts": {"missing": 1}, "differences": (lost,), "orders": 1, "expected": 1, **changes}
    ends = {"source": "shop", "destination": "books", "since": NOON, "until": NOON, "made_at": NOON}
    return house.hub.ledger.keep_report(Report(**ends, **fields)).id


def test_reports_are_listed_shown_and_signed_once(at_home: House) -> None:
    wrong, clean = a_report(at_home), a_report(at_home, counts={}, differences=())
    listed = backroom("reconcile", "list")
    assert listed.exit_code == 0
    assert "1 missing" in listed.stdout
    assert "everything is there" in listed.stdout
    assert [one["id"] for one in read(backroom("reconcile", "list", "--json"))] == [clean, wrong]
    # the exit code says whether somebody has to look
    shown = backroom("reconcile", "show", f"{wrong}")
    assert shown.exit_code == 1
    assert SAFE in shown.stdout
    assert read(backroom("reconcile", "show", f"{wrong}", "--json"))["counts"] == {"missing": 1}
    assert backroom("reconcile", "show", f"{clean}").exit_code == 0
    # what differs is signed with a word about it, and once
    refused = backroom("reconcile", "sign", f"{wrong}", "--by", "Ada")
    assert refused.exit_code == 1
    assert "--note" in refused.stderr
    assert backroom("reconcile", "sign", f"{wrong}", "--by", "Ada", "--note", "posted by hand").exit_code == 0
    assert "signed before, by Ada" in backroom("reconcile", "sign", f"{wrong}", "--by", "Bob", "--note", "x").stderr
    assert backroom("reconcile", "sign", f"{clean}", "--by", "Ada").exit_code == 0
    assert backroom("reconcile", "list").stdout.count("Ada") == 2


def test_what_was_not_compared_cannot_be_signed(at_home: House) -> None:
    down = a_report(at_home, problem="is down", counts={}, differences=())
    refused = backroom("reconcile", "sign", f"{down}", "--by", "Ada", "--note", "fine")
    assert refused.exit_code == 1
    assert "compares nothing: is down" in refused.stderr
    assert backroom("reconcile", "show", "99").exit_code == 1
