"""Orders at HubSpot: each once, in its last state, whatever happens on the way."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from commerce.errors import NotAuthorised, OutcomeUnknown
from integrations.hubspot.client import HubSpot
from integrations.hubspot.simulator import HubSpotSimulator
from integrations.simulator import Fault
from tests.builders import after, eur

from .conftest import an_item, deliver


def stages(account: HubSpotSimulator) -> dict[str, str]:
    return {deal["properties"]["backroom_key"]: deal["properties"]["dealstage"] for deal in account.state()["deals"]}


def test_an_order_is_a_deal_of_its_shopper_and_changes_as_it_changes(
    account: HubSpotSimulator, hubspot: HubSpot
) -> None:
    # given an order that was brought
    first = deliver(hubspot, [an_item()])["shop:51001"]
    state = account.state()
    assert first.state == "done"
    assert state["ties"] == [(state["deals"][0]["id"], state["contacts"][0]["id"])]
    # when it is brought again, then nothing is sent
    calls = len(account.calls)
    again = deliver(hubspot, [an_item(binding=first.binding)])["shop:51001"]
    assert (again.state, again.changed, len(account.calls)) == ("done", False, calls)
    # and when it was cancelled, then the same deal says so
    deliver(hubspot, [an_item(binding=first.binding, cancelled_at=after(hours=1))])
    assert stages(account) == {"shop:51001": "closedlost"}


def test_two_orders_of_one_shopper_are_two_deals_of_one_contact(account: HubSpotSimulator, hubspot: HubSpot) -> None:
    # HubSpot refuses a batch that names a contact twice
    orders = [an_item(1001, email="ada@example.com"), an_item(1002, email="ADA@example.com")]
    assert {one.state for one in deliver(hubspot, orders).values()} == {"done"}
    state = account.state()
    assert (len(state["deals"]), len(state["contacts"]), len(state["ties"])) == (2, 1, 2)


@pytest.mark.parametrize("kind", ["after", "drop_after", "timeout_after"])
@pytest.mark.parametrize("call", ["contacts/batch/upsert", "deals/batch/upsert", "associate/default"])
def test_what_was_taken_without_an_answer_is_there_once(
    account: HubSpotSimulator, hubspot: HubSpot, kind: Any, call: str
) -> None:
    # given an account that takes a call and never says so
    account.faults = [Fault(kind=kind, on=call, times=4)]
    with pytest.raises(OutcomeUnknown):
        deliver(hubspot, [an_item()])
    # when the order is brought again
    assert deliver(hubspot, [an_item()])["shop:51001"].state == "done"
    # then everything is there once
    state = account.state()
    assert (len(state["deals"]), len(state["contacts"]), len(state["ties"])) == (1, 1, 1)


def test_a_change_that_was_taken_without_an_answer_and_then_undone_is_undone_there(
    account: HubSpotSimulator, hubspot: HubSpot
) -> None:
    # given a deal that was brought, and a cancellation that the account took without ever saying so
    first = deliver(hubspot, [an_item()])["shop:51001"]
    account.faults = [Fault(kind="drop_after", on="deals/batch/upsert", times=4)]
    with pytest.raises(OutcomeUnknown):
        deliver(hubspot, [an_item(binding=first.binding, cancelled_at=after(hours=1))])
    assert stages(account) == {"shop:51001": "closedlost"}
    # when the order is again what was accepted last
    deliver(hubspot, [an_item(binding=first.binding, in_doubt=True)])
    # then what we remember proves nothing, and the deal says it too
    assert stages(account) == {"shop:51001": "closedwon"}


def test_a_deal_that_is_refused_holds_only_itself(account: HubSpotSimulator, hubspot: HubSpot) -> None:
    # given five orders, one of them in a currency that the account does not have
    account.currencies = ("USD",)
    strange = an_item(1003, lines=(), shipping=(), currency="EUR", total=eur(5), current_total=eur(5))
    outcomes = deliver(hubspot, [an_item(1001), an_item(1002), strange, an_item(1004), an_item(1005)])
    # then it is held with HubSpot's words, and the others arrived
    held = outcomes["shop:51003"]
    assert (held.state, held.cause) == ("held", "validation_error")
    assert "deal_currency_code" in held.reason
    assert sorted(stages(account)) == ["shop:51001", "shop:51002", "shop:51004", "shop:51005"]


def test_a_contact_that_is_refused_keeps_no_deal_away(account: HubSpotSimulator, hubspot: HubSpot) -> None:
    outcomes = deliver(hubspot, [an_item(1001), an_item(1002, email="not an address")])
    assert outcomes["shop:51002"].state == "done"
    assert "without a contact" in outcomes["shop:51002"].note
    assert len(account.state()["deals"]) == 2


def test_a_test_order_is_nobodys_deal(account: HubSpotSimulator, hubspot: HubSpot) -> None:
    assert deliver(hubspot, [an_item(test=True)])["shop:51001"].state == "skipped"
    assert account.calls == type(account.calls)([], maxlen=account.calls.maxlen)


def test_a_record_that_cannot_be_read_holds_only_itself(hubspot: HubSpot) -> None:
    broken = an_item(1001)
    event = broken.newest.model_copy(update={"data": {"source": "shop"}})
    outcomes = deliver(hubspot, [broken.model_copy(update={"events": (event,)}), an_item(1002)])
    assert outcomes["shop:51001"].cause == "unreadable_order"
    assert outcomes["shop:51002"].state == "done"


def test_the_key_property_is_created_once_whoever_is_faster(account: HubSpotSimulator, connect: Any) -> None:
    for client in (connect(), connect()):
        deliver(client, [an_item()])
    assert account.properties["backroom_key"]["hasUniqueValue"] is True
    created = [call for call in account.calls if call.path == "/crm/v3/properties/deals"]
    assert len(created) == 1


def test_many_calls_keep_to_the_limit_by_themselves(account: HubSpotSimulator, hubspot: HubSpot) -> None:
    for number in range(60):
        deliver(hubspot, [an_item(number)])
    assert len(account.state()["deals"]) == 60
    assert {call.status for call in account.calls} <= {200, 201, 404}


def test_somebody_elses_calls_are_waited_for(account: HubSpotSimulator, hubspot: HubSpot) -> None:
    account.faults = [Fault(status=429, headers={"retry-after": "3"}, body={"errorType": "RATE_LIMIT"})]
    assert deliver(hubspot, [an_item()])["shop:51001"].state == "done"


def test_a_refused_token_stops_everything(account: HubSpotSimulator, hubspot: HubSpot) -> None:
    account.access_token = "another"
    with pytest.raises(NotAuthorised, match="INVALID_AUTHENTICATION"):
        deliver(hubspot, [an_item()])


def test_a_missing_scope_is_named(account: HubSpotSimulator, hubspot: HubSpot) -> None:
    account.scopes -= {"crm.objects.deals.write"}
    with pytest.raises(NotAuthorised) as caught:
        deliver(hubspot, [an_item()])
    assert "crm.objects.deals.write" in caught.value.hint


def test_a_proxys_page_is_no_refusal_of_a_record(account: HubSpotSimulator, hubspot: HubSpot) -> None:
    account.faults = [Fault(status=403, body="<html>blocked</html>")]
    with pytest.raises(NotAuthorised, match="403"):
        deliver(hubspot, [an_item()])


# ---- the check ----


def wrong(client: HubSpot) -> dict[str, str]:
    return {finding.subject: finding.hint for finding in client.check() if not finding.ok}


def test_a_good_account_has_nothing_to_fix(account: HubSpotSimulator, hubspot: HubSpot) -> None:
    assert wrong(hubspot) == {}
    assert {call.method for call in account.calls} <= {"GET", "POST"}
    assert account.properties == {}


def test_each_missing_scope_is_one_line(account: HubSpotSimulator, hubspot: HubSpot) -> None:
    account.scopes -= {"crm.objects.contacts.write"}
    assert list(wrong(hubspot)) == ["scope crm.objects.contacts.write"]


def test_a_property_with_values_that_are_not_unique_is_found(account: HubSpotSimulator, hubspot: HubSpot) -> None:
    account.properties["backroom_key"] = {"name": "backroom_key", "hasUniqueValue": False}
    assert "another name" in wrong(hubspot)["property backroom_key"]


def test_a_stage_that_is_not_there_is_found(connect: Any) -> None:
    assert "closedwon" in wrong(connect(stages={"paid": "geschafft"}))["stages"]
    assert "default" in wrong(connect(pipeline="shop"))["pipeline"]


def test_an_answer_that_is_no_hubspot_is_said(account: HubSpotSimulator, hubspot: HubSpot) -> None:
    account.answer = lambda _: httpx.Response(200, text="<html>hello</html>")  # type: ignore[method-assign]
    assert "JSON" in next(iter(hubspot.check())).message
