"""A process that dies between the rotation of a refresh token and the commit, at a vendor that leaves no way back."""

from __future__ import annotations

import httpx
import pytest

from deployments.connecting import Attempt, answer_in
from integrations.simulator import Simulator
from tasks import delivering
from tests.gauntlet import oracle
from tests.journeys.house import House
from tests.journeys.mortal import Killed, Life, reborn
from tests.journeys.test_a_day import OpenHouse

REDIRECT = "http://localhost:8730/callback"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the dead tidy nothing up
def test_one_alert_asks_for_a_person_and_everything_arrives_after_that(open_house: OpenHouse) -> None:
    # given orders for the books, and a process that is killed when its new refresh token comes in
    house = open_house()
    house.record()
    life, books = reborn(house), house.vendors["books"]
    house.hub.transports = {**house.hub.transports, "books": deadly(books, life)}
    with pytest.raises(Killed):
        house.deliver("books")
    # when the next ones run, again and again
    reborn(house)
    for _ in range(5):
        house.clock.sleep(900)
        assert "invalid_grant" in delivering.deliver_batch(house.hub, "books").paused
        house.watch()
    # then the work waits, and a person was told once, with the command that helps
    assert [row.done + row.held for row in house.hub.ledger.status() if row.destination == "books"] == [0]
    [message] = [one["text"] for one in house.vendors["alerts"].state()["messages"] if "books" in one["text"]]
    assert "paused" in message
    assert "backroom connect books" in message
    # and when that person has granted access anew
    attempt = Attempt(house.hub, "books", REDIRECT)
    with httpx.Client(transport=books.transport()) as browser:
        attempt.take(answer_in(browser.get(attempt.address).headers["location"], REDIRECT))
    house.settle_down()
    # then the books have every order once
    assert wrong_in_the_books(house) == []


def deadly(vendor: Simulator, life: Life) -> httpx.MockTransport:
    """The vendor, whose answer to a renewal kills whoever asked."""
    inner = vendor.transport()

    def handle(request: httpx.Request) -> httpx.Response:
        answer = inner.handle_request(request)
        if "oauth" in request.url.path:
            life.dead = True
            raise Killed
        return answer

    return httpx.MockTransport(handle)


def wrong_in_the_books(house: House) -> list[str]:
    found = oracle.Findings()
    orders = {oracle.key_of(order): order for order in house.vendors["shop"].state()["orders"] if not order["test"]}
    oracle.judge_books(found, orders, house.vendors["books"].state())
    return found.lines()
