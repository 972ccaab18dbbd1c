"""A shopper is forgotten for good, and the deals stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from commerce.errors import NotAuthorised
from commerce.ports import Person
from integrations.hubspot.client import HubSpot
from integrations.hubspot.simulator import HubSpotSimulator
from integrations.simulator import Fault
from tasks import privacy
from tasks.inbox import read_hinted
from tests.integrations.hubspot.test_subscribing import add_crm
from tests.small_house import a_small_house
from tests.tasks.test_privacy import NAMES, answers, asks, bought, remembered, state

from .conftest import an_item, deliver

ADA = Person(email="Ada@Example.com ", customer_id="7", source="shop")


def people(account: HubSpotSimulator) -> list[str]:
    return sorted(one["properties"]["email"] for one in account.state()["contacts"])


def two_shoppers(client: HubSpot) -> None:
    deliver(client, [an_item(1001, email="ada@example.com"), an_item(1002, email="grace@example.com")])


def test_the_contact_goes_for_good_with_its_ties_and_the_deals_stay(
    account: HubSpotSimulator, hubspot: HubSpot
) -> None:
    two_shoppers(hubspot)
    contact = next(one["id"] for one in account.state()["contacts"] if "ada" in one["properties"]["email"])
    words = hubspot.forget(ADA)
    assert people(account) == ["grace@example.com"]
    assert (len(account.state()["deals"]), len(account.state()["ties"])) == (2, 1)
    assert account.state()["deleted"] == [contact]
    assert words == (
        f"HubSpot deleted contact {contact}, the one with this e-mail address, for good; its deals name nobody"
    )


def test_asking_twice_and_for_a_stranger_leaves_no_address_there(account: HubSpotSimulator, hubspot: HubSpot) -> None:
    two_shoppers(hubspot)
    hubspot.forget(ADA)
    assert "has no contact" in hubspot.forget(ADA)
    assert "has no contact" in hubspot.forget(Person(email="stranger@example.com"))
    assert "have none" in hubspot.forget(Person(phone="+15035550123", customer_id="7", source="shop"))
    assert account.state()["blocked"] == ["ada@example.com"]


@pytest.mark.parametrize("kind", ["after", "drop_after", "timeout_after"])
def test_a_deletion_whose_answer_is_lost_is_done_once(account: HubSpotSimulator, hubspot: HubSpot, kind: Any) -> None:
    two_shoppers(hubspot)
    account.faults = [Fault(kind=kind, on="gdpr-delete")]
    assert "for good" in hubspot.forget(ADA)
    assert (people(account), len(account.state()["deleted"])) == (["grace@example.com"], 1)


def test_a_token_that_may_not_says_which_scope_it_lacks(account: HubSpotSimulator, hubspot: HubSpot) -> None:
    two_shoppers(hubspot)
    account.scopes.discard("crm.objects.contacts.write")
    with pytest.raises(NotAuthorised) as refused:
        hubspot.forget(ADA)
    assert "crm.objects.contacts.write" in refused.value.hint
    assert "ada" not in str(refused.value)


def test_a_request_to_forget_is_carried_to_a_crm_with_proof_and_nothing_brings_the_person_back(tmp_path: Path) -> None:
    # given a shop whose orders also go to a CRM, and a person with two of them
    house = a_small_house(tmp_path)
    first, second = bought(house), bought(house)
    account = add_crm(house, tmp_path)
    house.deliver("crm")
    assert people(account) == ["ada@example.com"]
    # when the storefront asks to forget her, while the CRM cannot be reached
    asks(house, "customers/redact", first, second)
    account.faults = [Fault(status=503, on="gdpr-delete", times=9)]
    read_hinted(house.hub)
    assert (state(house), people(account)) == ("open", ["ada@example.com"])
    # then she is forgotten as soon as it can be, once, and the proof says by whom
    account.faults.clear()
    house.clock.sleep(privacy.LATER + 1)
    house.watch()
    assert (people(account), len(account.state()["deleted"])) == ([], 1)
    assert sorted(answers(house)) == [("backroom", "redacted"), ("crm", "forgotten"), ("marketing", "forgotten")]
    [proof] = [one.reason for one in house.hub.ledger.privacy_answers(1) if one.destination == "crm"]
    assert proof.startswith("HubSpot deleted contact")
    # and when an order of hers changes, then the deal follows and nobody is named
    house.vendors["shop"].act("refund", {"order": "#1001", "lines": [{"line": 0, "quantity": 1}]})
    house.clock.sleep(5)
    house.orders_everywhere()
    house.deliver("crm")
    assert house.on_their_way() == 0
    worth = {deal["properties"]["dealname"]: deal["properties"]["amount"] for deal in account.state()["deals"]}
    assert (worth, people(account)) == ({"Order #1001": "5.00", "Order #1002": "30.00"}, [])
    assert not [name for name in NAMES if name in str(account.state()["deals"]) + remembered(house)]
    house.hub.close()
