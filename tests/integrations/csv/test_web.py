"""A file on the web: whole, from its own host, with our secret for that host alone."""

from __future__ import annotations

import httpx
import pytest

from commerce.errors import NotAuthorised, Rejected, TemporarilyUnavailable, UnexpectedAnswer
from integrations.connector import Services
from integrations.csv.client import Csv
from integrations.csv.settings import CsvSettings
from integrations.csv.simulator import CsvSimulator, build
from integrations.simulator import Fault
from tests.integrations.csv.conftest import BASE, STOCK, Connect, Time, levels

WHOLE = {"MUG-RED": "7", "MUG-BLUE": "-1", "HAT": "2.5"}


def stops(client: Csv, words: str, kind: type[Exception] = UnexpectedAnswer) -> None:
    """The run ends with these words before it yields anything."""
    with pytest.raises(kind, match=words):
        next(iter(client.stock()))


@pytest.mark.parametrize("packed", [True, False])
def test_a_file_is_fetched_with_a_token(connect: Connect, server: CsvSimulator, packed: bool) -> None:
    server.do_put(STOCK, packed=packed)
    assert levels(connect()) == WHOLE
    stops(connect(token="wrong"), "401", NotAuthorised)
    stops(connect(token=""), "401", NotAuthorised)


def test_a_file_is_fetched_with_name_and_password(clock: Time) -> None:
    files = build(base_url=BASE, clock=clock, username="ada", password="s3cret")
    files.do_put(STOCK)
    services = Services(transport=files.transport(), sleep=clock.sleep, clock=clock)
    good = CsvSettings(name="sheet", url=f"{BASE}/stock.csv", username="ada", password="s3cret")
    assert levels(Csv(good, services)) == WHOLE
    bad = CsvSettings(name="sheet", url=f"{BASE}/stock.csv", username="ada", password="wrong")
    stops(Csv(bad, services), "401", NotAuthorised)


def test_the_address_may_belong_to_another_server(connect: Connect) -> None:
    assert levels(connect(url="stock.csv", base_url=f"{BASE}/")) == WHOLE


def test_what_is_unchanged_is_not_sent_twice(connect: Connect, server: CsvSimulator) -> None:
    # given a client that has read the file
    client = connect()
    levels(client)
    server.calls.clear()
    # when it reads again, then the server says that nothing has changed
    assert levels(client) == WHOLE
    assert server.do_calls() == {"GET 304": 1}
    # and when it has, the new one comes
    server.do_put("sku,quantity\nHAT,9\n")
    assert levels(client) == {"HAT": "9"}


def test_nothing_has_changed_is_no_answer_to_who_has_nothing(connect: Connect, server: CsvSimulator) -> None:
    server.faults.append(Fault(status=304))
    stops(connect(), "nothing has changed, although we have nothing")


def test_a_file_that_was_read_and_is_old_by_now_stops_the_run(
    connect: Connect, server: CsvSimulator, clock: Time
) -> None:
    client = connect(max_age_hours=3)
    assert levels(client) == WHOLE
    clock.now += 3 * 3600
    stops(client, r"the file is stale: written 4\.0 hours ago")
    assert server.do_calls()["GET 304"] == 1


def test_a_server_that_does_not_say_when_cannot_promise_an_age(connect: Connect, server: CsvSimulator) -> None:
    server.do_habits(says_when=False)
    assert levels(connect()) == WHOLE
    stops(connect(max_age_hours=26), "nobody says when the file was written")


def test_fewer_bytes_than_promised_are_half_a_file(connect: Connect, server: CsvSimulator) -> None:
    server.do_cut(3)
    stops(connect(), "40 bytes came where 43 were promised")
    server.do_cut(0)
    assert levels(connect()) == WHOLE


def test_a_file_that_changes_while_it_is_fetched_is_fetched_again(
    connect: Connect, server: CsvSimulator, clock: Time
) -> None:
    server.do_write_while_read(["CUP,4\n"])
    assert levels(connect()) == {**WHOLE, "CUP": "4"}
    assert clock.slept == [2.0]
    # and one that always does is left for the next run
    server.do_write_while_read(["A,1\n", "B,1\n", "C,1\n"])
    stops(connect(), "changed while it was fetched", TemporarilyUnavailable)


def test_a_server_that_knows_no_head_is_believed(connect: Connect, server: CsvSimulator) -> None:
    server.do_habits(knows_head=False)
    assert levels(connect()) == WHOLE


def test_a_page_to_log_in_is_no_file(connect: Connect, server: CsvSimulator) -> None:
    server.do_login_page()
    stops(connect(), "answers with a web page instead of a file")


def test_a_redirect_is_followed_on_the_same_host_only(connect: Connect, server: CsvSimulator) -> None:
    # given an address that has moved within its server
    server.do_put(STOCK, name="new.csv")
    for within in ("/new.csv", f"{BASE}/new.csv"):
        server.do_redirect(within)
        assert levels(connect()) == WHOLE
    # then another host, another scheme and another port get neither us nor our token
    for elsewhere in ("https://evil.test/stock.csv", "http://files.test/new.csv", "https://files.test:8443/x", ""):
        server.do_redirect(elsewhere)
        stops(connect(), "sends us to another host")
    assert {call.path for call in server.calls} == {"/stock.csv", "/new.csv"}


def test_redirects_that_go_round_end(connect: Connect, server: CsvSimulator) -> None:
    server.do_redirect("/stock.csv")
    stops(connect(), "from one address to the next without end")
    assert len(server.calls) == 4


def test_a_file_that_is_gone_stops_the_run(connect: Connect, server: CsvSimulator) -> None:
    server.do_remove()
    stops(connect(), "404", Rejected)


def test_a_server_that_is_down_is_asked_again(connect: Connect, server: CsvSimulator) -> None:
    server.faults.append(Fault(status=503, times=2))
    assert levels(connect()) == WHOLE
    server.faults.append(Fault(kind="drop", times=9))
    stops(connect(), "no answer", TemporarilyUnavailable)


def test_a_file_beyond_all_measure_is_not_kept(connect: Connect, server: CsvSimulator) -> None:
    large = "sku,quantity\n" + "A,5\n" * 300_000
    server.do_put(large)
    stops(connect(most_megabytes=1), "more than|larger than")
    server.do_put(large, packed=True)
    stops(connect(most_megabytes=1), "larger than 1 MB")


def test_the_secret_part_of_a_link_is_sent_and_never_shown(clock: Time) -> None:
    # given a store of files that quotes the signature when it refuses one
    seen: list[httpx.URL] = []

    def refuses(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        return httpx.Response(403, text=f"SignatureDoesNotMatch {request.url.params['sig']} {request.url.query!r}")

    services = Services(transport=httpx.MockTransport(refuses), sleep=clock.sleep, clock=clock)
    settings = CsvSettings(name="sheet", url=f"{BASE}/stock.csv?v=1", query="?sig=topsecret")
    # when
    with pytest.raises(NotAuthorised) as refused:
        list(Csv(settings, services).stock())
    # then
    assert str(seen[0]) == f"{BASE}/stock.csv?v=1&sig=topsecret"
    assert "topsecret" not in f"{refused.value} {settings!r}"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({}, "exactly one of path and url"),
        ({"path": "stock.csv", "url": "https://files.test/stock.csv"}, "exactly one of path and url"),
        ({"url": "http://files.test/stock.csv"}, "url must be https"),
        ({"url": "ftp://files.test/stock.csv"}, "url must begin with https://"),
        ({"url": "stock.csv"}, "url must begin with https://"),
        ({"url": "https://ada:pw@files.test/stock.csv"}, "must not hold a password"),
        ({"url": "https://files.test:port/stock.csv"}, "url is no web address"),
        ({"url": "https://files.test/a.csv", "username": "ada", "token": "t"}, "not both"),
        ({"path": "stock.csv", "decimal": ",", "thousands": ","}, "cannot be the same sign"),
        ({"path": "stock.csv", "delimiter": "::"}, "delimiter"),
        ({"path": "stock.csv", "max_age_hours": 0}, "max_age_hours"),
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        CsvSettings(name="sheet", **wrong)


@pytest.mark.parametrize("good", ["http://127.0.0.1:8710/csv/a.csv", "http://localhost/a.csv", "http://[::1]/a.csv"])
def test_plain_http_is_for_this_machine_or_for_who_says_so(good: str) -> None:
    assert CsvSettings(name="sheet", url=good).url == good
    assert CsvSettings(name="sheet", url="http://nas.lan/a.csv", allow_http=True).allow_http
