"""The health page is judged from the ledger alone: it tells also when nothing of Prefect is there any more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from deployments.receiver import receiver_app
from tests.journeys.house import House


@pytest.fixture
def receiver(house: House) -> Iterator[TestClient]:
    with TestClient(receiver_app(house.hub)) as client:
        yield client


def test_without_worker_or_server_the_page_turns_ill_by_itself_and_well_again(
    house: House, receiver: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given routes that have just run, and a Prefect that nobody could reach
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    names, began = list(house.hub.stack.routes), house.clock.seconds
    for name in names:
        house.hub.ledger.route_finished(name, True, {})
    assert receiver.get("/health").status_code == 200
    # when nothing runs any more, neither routes nor the watch
    patience = {name: house.hub.stack.route(name).late_after_minutes for name in names}
    for minutes in sorted(set(patience.values())):
        house.clock.seconds = began + minutes * 60 + 1
        # then each route is late as soon as its own patience ends, and a monitor that looks at the status alone knows
        answer = receiver.get("/health")
        late = {route["route"] for route in answer.json()["routes"] if route["late"]}
        assert answer.status_code == 503
        assert late == {name for name in names if patience[name] <= minutes}
    page = receiver.get("/health", headers={"accept": "text/html"}).text
    assert "not well" in page
    # and when a worker is back, one run of each is enough
    for name in names:
        house.hub.ledger.route_finished(name, True, {})
    assert receiver.get("/health").status_code == 200


def test_a_run_that_began_and_never_ended_makes_no_route_fresh(house: House, receiver: TestClient) -> None:
    # given runs that were killed: they began, and nobody noted an end
    for name in house.hub.stack.routes:
        house.hub.ledger.route_finished(name, True, {})
    house.clock.sleep(24 * 3600)
    for name in house.hub.stack.routes:
        house.hub.ledger.route_started(name)
    # then their routes are late all the same
    answer = receiver.get("/health")
    assert answer.status_code == 503
    assert all(route["late"] for route in answer.json()["routes"])


def test_a_watch_that_stopped_is_seen_though_every_route_is_fresh(house: House, receiver: TestClient) -> None:
    # given a hub whose watch has run
    ledger, names = house.hub.ledger, list(house.hub.stack.routes)
    ledger.route_finished("watch", True, {})
    # when routes go on, and the watch begins and does not end well: it broke, or no channel took what it had to tell
    for _ in range(7):
        house.clock.sleep(300)
        ledger.route_started("watch")
        ledger.route_finished("watch", False, {}, "no channel takes them")
        for name in names:
            ledger.route_finished(name, True, {})
    # then a monitor learns that nobody would be told of anything
    answer = receiver.get("/health")
    assert answer.status_code == 503
    assert [route["route"] for route in answer.json()["routes"] if route["late"]] == ["watch"]
    assert "watch" in receiver.get("/health", headers={"accept": "text/html"}).text
    # until it ends well again
    ledger.route_finished("watch", True, {})
    house.clock.sleep(5)
    assert receiver.get("/health").status_code == 200
