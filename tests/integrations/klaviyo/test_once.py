"""Nothing is counted twice: not by two hubs, not by a second integration, not by a repeat, and nothing is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.errors import NotAuthorised, TemporarilyUnavailable, UnexpectedAnswer
from commerce.events import Kind
from commerce.outcomes import Held
from commerce.ports import Person
from integrations.connector import Services
from integrations.klaviyo import Klaviyo
from integrations.klaviyo.settings import KlaviyoSettings
from integrations.klaviyo.simulator import KlaviyoSimulator
from integrations.simulator import Fault
from tests.builders import a_line, an_event, an_order
from tests.integrations.klaviyo.conftest import BASE, Clock, about, an_item, deliver, paths, placed, states, unique_ids


@pytest.mark.parametrize("repeats", ["refuse", "drop"])
def test_two_hubs_at_once_tell_each_fact_once(account, connect, repeats) -> None:
    # given two hubs with the same orders, live and old, as after a claim that has expired
    account.bulk_repeats, account.limits = repeats, False
    items = [*(placed(n) for n in range(15)), *(placed(n, historical=True) for n in range(15, 60))]
    # when both deliver them at the same time
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda client: deliver(client, items), [connect(pace=False), connect(pace=False)]))
    # then each has brought all, and each event is there once
    assert [states(outcomes.values()) for outcomes in told] == [["done"] * 60] * 2
    assert len(unique_ids(account)) == len(set(unique_ids(account))) == 120
    assert account.state()["flows_triggered"] == 30


@pytest.mark.parametrize("repeats", ["refuse", "drop"])
def test_the_live_path_and_a_backfill_that_overlap_tell_each_fact_once(account, klaviyo, repeats) -> None:
    account.bulk_repeats = repeats
    live = [placed(n) for n in range(5)]
    old = [placed(n, historical=True) for n in range(40)]
    assert states(deliver(klaviyo, live).values()) == ["done"] * 5
    assert states(deliver(klaviyo, old).values()) == ["done"] * 40
    assert states(deliver(klaviyo, live).values()) == ["done"] * 5
    assert len(unique_ids(account)) == len(set(unique_ids(account))) == 80
    assert account.state()["flows_triggered"] == 10


def test_a_second_integration_stops_the_first_event(account, klaviyo, connect) -> None:
    # given an account that Klaviyo's own Shopify app fills
    account.do_third_party_metric("Shopify")
    # when orders are delivered
    with pytest.raises(NotAuthorised, match="Shopify already brings Placed Order") as stopped:
        list(klaviyo.deliver([placed(1), placed(2, historical=True)]))
    # then nothing was sent, as nothing could be taken back, and the way out is told
    assert paths(account) == []
    assert "allow_second_integration = true" in stopped.value.hint
    assert "backroom resume marketing" in stopped.value.hint
    # and whoever wants both can have both
    assert states(deliver(connect(allow_second_integration=True), [placed(1)]).values()) == ["done"]


def test_looking_for_a_second_integration_costs_one_call_and_stops_nobody(account, connect) -> None:
    klaviyo = connect()
    for number in range(3):
        deliver(klaviyo, [placed(number)])
    assert account.do_calls()["GET 200"] == 1
    # a key that may not look, and a vendor that cannot say, stop nothing
    account.do_set_scopes(["events:write"])
    assert states(deliver(connect(), [placed(3)]).values()) == ["done"]
    account.do_set_scopes(None)
    account.faults = [Fault(on="GET", status=503, times=4)]
    assert states(deliver(connect(), [placed(4)]).values()) == ["done"]
    account.faults = [Fault(on="GET", status=404, body="<html>")]
    assert states(deliver(connect(), [placed(5)]).values()) == ["done"]


def test_nothing_to_tell_asks_nothing(account, klaviyo) -> None:
    deliver(klaviyo, [about(an_order(), Kind.ORDER_UPDATED)])
    assert not account.calls


@pytest.mark.parametrize("historical", [False, True])
def test_an_order_of_five_hundred_lines_arrives_whole(account, klaviyo, historical) -> None:
    lines = tuple(a_line("TEA", 2, "5", id=f"line-{n}", title=f"Tea, the {n}th" * 15) for n in range(500))
    (outcome,) = deliver(klaviyo, [placed(1, historical=historical, lines=lines)]).values()
    assert outcome.state == "done"
    assert len(account.state()["events"]) == 501
    assert len(paths(account)) == (1 if historical else 501)


def test_history_of_many_big_orders_stays_below_five_megabytes(account, klaviyo) -> None:
    lines = tuple(a_line("TEA", 2, "5", id=f"line-{n}", title="é" * 250) for n in range(9))
    items = [placed(n, historical=True, lines=lines) for n in range(400)]
    assert states(deliver(klaviyo, items).values()) == ["done"] * 400
    assert {path.rpartition(" ")[2] for path in paths(account)} == {"202"}
    assert len(account.state()["events"]) == 4_000


def test_an_order_too_big_for_a_bulk_request_goes_alone(account, klaviyo) -> None:
    lines = tuple(a_line("TEA", 1, "5", id=f"line-{n}") for n in range(1_200))
    (outcome,) = deliver(klaviyo, [placed(1, historical=True, lines=lines)]).values()
    assert outcome.state == "done"
    assert set(paths(account)) == {"/api/events 202"}
    assert account.state()["flows_triggered"] == 0


@pytest.mark.parametrize(
    "text", ["\x00\x07", "<script>alert(1)</script>", "'; DROP TABLE--", "\u202egro.elpmaxe", "💥" * 500, "$value"]
)
def test_hostile_text_arrives_as_it_is(account, klaviyo, text) -> None:
    order = an_order(1, lines=(a_line("TEA", 1, "5", title=text),), discount_codes=(text,), note=text)
    assert states(deliver(klaviyo, [an_item(an_event(order))]).values()) == ["done"]
    assert account.account.events[0].told.properties["ItemNames"] == [text]


@pytest.mark.parametrize("historical", [False, True])
def test_text_that_no_json_can_carry_holds_its_own_order(account, klaviyo, historical) -> None:
    fact = an_event(an_order(1), historical=historical)
    lines = [{**line, "title": "\ud800"} for line in fact.data["lines"]]
    broken = fact.model_copy(update={"data": {**fact.data, "lines": lines}})
    outcomes = deliver(klaviyo, [an_item(broken), *(placed(n, historical=historical) for n in range(2, 20))])
    held = outcomes.pop("shop:51")
    assert isinstance(held, Held)
    assert held.cause == "unmappable_text"
    assert states(outcomes.values()) == ["done"] * 18


@pytest.mark.parametrize("moment", [datetime(1985, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)])
@pytest.mark.parametrize("historical", [False, True])
def test_an_impossible_time_holds_its_own_order(account, klaviyo, moment, historical) -> None:
    items = [placed(n, historical=historical) for n in range(1, 13)]
    odd = an_item(an_event(an_order(99, email="odd@example.com"), historical=historical, occurred_at=moment))
    outcomes = deliver(klaviyo, [*items, odd])
    held = outcomes.pop(odd.subject)
    assert isinstance(held, Held)
    assert "/data/attributes/time" in held.reason
    assert states(outcomes.values()) == ["done"] * 12


def test_a_throttle_that_does_not_say_how_long_is_read_from_the_window(account, klaviyo, clock) -> None:
    account.faults = [Fault(on="POST", status=429, headers={"ratelimit-reset": "9"}, body={"errors": []})]
    assert states(deliver(klaviyo, [placed(1)]).values()) == ["done"]
    assert clock.slept == [9.0]
    account.faults = [Fault(on="POST", status=429, headers={"ratelimit-reset": "soon"}, body="slow down")]
    assert states(deliver(klaviyo, [placed(2)]).values()) == ["done"]
    assert 0 <= clock.slept[1] < 10


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_whatever_goes_wrong_each_event_is_there_once_in_the_end(data: st.DataObject) -> None:
    # given orders, live and old, some known already, and a vendor that misbehaves
    clock = Clock()
    account = KlaviyoSimulator(
        base_url=BASE, clock=clock, bulk_repeats=data.draw(st.sampled_from(["refuse", "drop"])), limits=False
    )
    services = Services(transport=account.transport(), sleep=clock.sleep, clock=clock)
    options = {"name": "marketing", "api_key": "pk_sim", "workers": 1, "bulk_live": data.draw(st.booleans())}
    klaviyo = Klaviyo(KlaviyoSettings.model_validate(options), services)
    items = [placed(n, historical=data.draw(st.booleans())) for n in range(14)]
    deliver(klaviyo, [one for one in items if data.draw(st.booleans())])
    kinds = st.sampled_from(["before", "after", "drop", "drop_after", "timeout_after"])
    account.faults = [
        Fault(kind=kind, on="POST", status=503, times=data.draw(st.integers(1, 5)))
        for kind in data.draw(st.lists(kinds, max_size=4))
    ]
    # when they are delivered again and again, as the hub does with what is in doubt
    left = {item.subject: item for item in items}
    for _ in range(12):
        told: dict[str, str] = {}
        with suppress(TemporarilyUnavailable):
            for item, outcome in klaviyo.deliver(list(left.values())):
                told[item.subject] = outcome.state
        for subject, state in told.items():
            assert state in ("done", "unknown")
            if state == "done":
                del left[subject]
            else:
                left[subject] = left[subject].model_copy(update={"in_doubt": True})
    # then all have arrived, once, and no old one has triggered anything
    assert left == {}
    assert len(unique_ids(account)) == len(set(unique_ids(account))) == 28
    old = {f"shop:placed:{item.subject[5:]}" for item in items if item.newest.historical}
    assert {event["unique_id"] for event in account.state()["events"] if event["backfill"]} >= old


@pytest.mark.parametrize("historical", [False, True])
def test_a_page_of_a_proxy_is_no_success_and_nobodys_fault(account, connect, historical) -> None:
    # given a proxy that answers for Klaviyo, though nicely
    account.faults = [Fault(on="POST", status=200, body="<html>welcome</html>", times=99)]
    items = [placed(n, historical=historical) for n in range(20)]
    # when orders are delivered
    told = []
    with pytest.raises(UnexpectedAnswer, match="instead of 202"):
        told.extend(connect(workers=1).deliver(items))
    # then none is held for it, and the rest was not even tried
    assert told == []
    assert len(paths(account)) == 1


def test_a_content_type_that_is_changed_on_the_way_pauses_instead_of_holding_every_order(account, klaviyo) -> None:
    account.faults = [Fault(on="POST", status=415, body={"errors": [{"title": "Unsupported media type."}]})]
    with pytest.raises(NotAuthorised, match="refuses our content type"):
        list(klaviyo.deliver([placed(1)]))


def test_a_link_to_another_host_is_not_followed(clock) -> None:
    asked: list[httpx.URL] = []

    def answering(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        if request.method == "POST":
            return httpx.Response(202)
        return httpx.Response(200, json={"data": [], "links": {"next": "https://evil.example/api/metrics?page=2"}})

    services = Services(transport=httpx.MockTransport(answering), sleep=clock.sleep, clock=clock)
    client = Klaviyo(KlaviyoSettings.model_validate({"name": "m", "api_key": "pk_1"}), services)
    assert states(deliver(client, [placed(1)]).values()) == ["done"]
    assert {url.host for url in asked} == {"a.klaviyo.com"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"errors": [{"id": None, "code": None, "title": "Odd", "detail": None, "source": None}]}, "Odd"),
        ({"errors": [{"code": 7, "title": ["x"], "detail": "why", "source": {}}]}, "why"),
        ({"errors": []}, "no words"),
        ({"errors": None}, "no words"),
        (["errors"], "no words"),
        ("<html>Bad request</html>", "no words"),
        ("", "no words"),
    ],
)
def test_a_refusal_of_any_shape_holds_its_own_order(account, connect, body, words) -> None:
    account.faults = [Fault(on="POST", status=422, body=body)]
    outcomes = deliver(connect(workers=1), [placed(1), placed(2)])
    held = outcomes.pop("shop:51")
    assert isinstance(held, Held)
    assert words in held.reason
    assert states(outcomes.values()) == ["done"]


@pytest.mark.parametrize("limited_by", ["endpoint", "tier"])
def test_our_own_pace_meets_no_limit_however_klaviyo_counts(clock, limited_by) -> None:
    # given an account with many metrics, and a Klaviyo that enforces its limits
    account = KlaviyoSimulator(base_url=BASE, clock=clock, limited_by=limited_by)
    for number in range(3_000):
        account.do_third_party_metric(name=f"Metric {number}")
    services = Services(transport=account.transport(), sleep=clock.sleep, clock=clock)
    client = Klaviyo(KlaviyoSettings.model_validate({"name": "m", "api_key": "pk_sim", "workers": 1}), services)
    # when it is checked and gets live orders and history
    assert [one.subject for one in client.check() if not one.ok] == []
    for start in range(0, 400, 10):
        old = [placed(n, historical=True) for n in range(1000 + start, 1000 + start + 10)]
        assert states(deliver(client, [*(placed(n) for n in range(start, start + 10)), *old]).values()) == ["done"] * 20
    for number in range(5):
        client.forget(Person(email=f"shopper{number}@example.com", customer_id="1", source="shop"))
    # then it is never asked to slow down
    assert {name for name in account.do_calls() if name.endswith("429")} == set()
