"""What ShipStation says when it says no: every shape of it, and whose fault it is."""

from __future__ import annotations

from typing import Any

import pytest

from commerce.errors import NotAuthorised, RateLimited
from commerce.outcomes import Done, Held, Unknown
from tests.builders import an_order
from tests.integrations.shipstation.conftest import World

NUMBER = "5b1f0c7e-8a55-4c0e-9a0c-2d5c1d0c9c11"


def an_error(**fields: Any) -> dict[str, Any]:
    """The usual envelope."""
    error = {
        "error_source": "ShipStation",
        "error_type": "validation",
        "error_code": "field_value_required",
        "message": "ship_to.postal_code is required.",
    }
    return {"request_id": NUMBER, "errors": [{**error, **fields}]}


SAID: dict[str, tuple[Any, str]] = {
    "the envelope": (an_error(), f"ship_to.postal_code is required. [request {NUMBER}]"),
    "another source": (an_error(error_source="shipengine"), "ship_to.postal_code is required."),
    "several": (
        {"errors": [{"message": "One."}, {"message": "Two."}]},
        "One.; Two.",
    ),
    "a message and a field": ({"errors": [{"message": "is required", "field": "ship_to.name"}]}, "ship_to.name: is"),
    "sentences": ({"errors": ["Not like this."]}, "Not like this."),
    "a bare message": ({"message": "The request is invalid."}, "The request is invalid."),
    "a list": ([1], "status 400"),
    "nulls": ({"request_id": None, "errors": [None, {"message": None}]}, "status 400"),
    "HTML": ("<html><body>Bad Request</body></html>", "Bad Request"),
    "nothing": ("", "status 400: no words"),
    "broken JSON": ('{"errors": [', "status 400"),
}


@pytest.mark.parametrize(("body", "words"), SAID.values(), ids=SAID.keys())
def test_a_refused_order_is_held_with_what_shipstation_said(world: World, body: Any, words: str) -> None:
    world.fails("POST /v2/shipments", status=400, body=body)
    (held,) = world.deliver(an_order())
    assert isinstance(held, Held)
    assert held.cause == "refused"
    assert words in held.reason


def test_errors_without_ids_and_codes_are_understood() -> None:
    world = World(bare_errors=True)
    world.deliver(an_order(1001))
    world.deliver(an_order(1001, note="Leave with the porter"))
    (outcome,) = world.deliver(an_order(1002), in_doubt=True)
    assert isinstance(outcome, Done)
    assert world.shipments[0]["notes_from_buyer"] == "Leave with the porter"


ACCOUNT: dict[str, tuple[int, dict[str, Any], str]] = {
    "bad key": (401, an_error(error_type="security", error_code="unauthorized", message="Bad key."), "the API key"),
    "bad key, as text": (401, {}, "the API key"),
    "plan": (403, an_error(error_type="account_status", error_code="forbidden", message="No."), "does not include"),
    "plan, in no envelope": (403, {"message": "Forbidden"}, "the plan does not include this API: Forbidden"),
    "trial over": (400, an_error(error_type="account_status", error_code="trial_expired", message="Over."), "account"),
    "unpaid": (400, an_error(error_code="subscription_inactive", message="Inactive."), "the account: Inactive."),
}


@pytest.mark.parametrize(("status", "body", "words"), ACCOUNT.values(), ids=ACCOUNT.keys())
def test_an_accounts_trouble_blames_no_order(world: World, status: int, body: Any, words: str) -> None:
    world.deliver(an_order(1001))
    world.fails("POST /v2/shipments", status=status, body=body)
    with pytest.raises(NotAuthorised, match=words) as refused:
        world.deliver(an_order(1002), an_order(1003))
    assert refused.value.hint


@pytest.mark.parametrize(("status", "subject"), [(401, "credential"), (403, "plan"), (400, "account")])
def test_an_accounts_trouble_is_one_line_of_the_check(world: World, status: int, subject: str) -> None:
    body = an_error(error_type="account_status" if status != 401 else "security", message="No.")
    world.fails("carriers", status=status, body=body)
    (finding,) = world.shipstation.check()
    assert (finding.subject, finding.ok) == (subject, False)
    assert NUMBER in finding.message
    if status == 403:
        assert "the plan does not include this API" in finding.message


@pytest.mark.parametrize("body", ["Internal Server Error", "", an_error(error_type="system", message="Oops.")])
def test_a_server_error_on_a_write_is_looked_up_and_tells_the_request(world: World, body: Any) -> None:
    world.fails("POST /v2/shipments", kind="after", status=500, body=body)
    (outcome,) = world.deliver(an_order())
    assert isinstance(outcome, Unknown)
    assert (NUMBER in outcome.reason) is isinstance(body, dict)


def test_a_limit_that_a_carrier_has_is_waited_for_as_told(world: World) -> None:
    body = an_error(error_source="carrier", error_code="rate_limit_exceeded", message="The carrier is busy.")
    world.fails("POST", status=429, headers={"Retry-After": "7"}, body=body)
    (outcome,) = world.deliver(an_order())
    assert isinstance(outcome, Done)
    assert world.time.slept == [7.0]


def test_a_limit_without_a_wait_is_backed_off_from_and_told_with_its_request(world: World) -> None:
    world.fails("POST", status=429, body=an_error(error_code="rate_limit_exceeded", message="Slow down."), times=9)
    with pytest.raises(RateLimited, match=NUMBER):
        world.deliver(an_order())
    assert all(0 <= seconds <= 10 for seconds in world.time.slept)
    assert world.shipments == []
