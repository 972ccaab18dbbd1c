"""Going over from V1 keys to V2 keys, or back: the account is the same, and what the hub remembers still counts."""

from __future__ import annotations

from typing import Any

import pytest

from commerce.orders import Order
from commerce.outcomes import Binding, Done, Held
from commerce.ports import Item
from integrations.shipstation.versions import Version, item_in, named_in
from tests.builders import NOON, a_fulfilment_order, a_line, after, an_address, an_event, an_order
from tests.integrations.shipstation.accounts import Account, OverV1, OverV2

MUGS = a_line("MUG-RED", 3)
TEA = a_line("TEA", 1, "5.00")
ORDER = an_order(lines=(MUGS, TEA), fulfilment_orders=(a_fulfilment_order([MUGS, TEA]),))
FIRST = {"v1": 58345234, "v2": 412669417}
"""The number that each simulator gives its first order."""


def same_account(old: Account, new: Account, version: Version) -> None:
    """Put what the old version made into the new one's simulator under the same number, as ShipStation does.

    The hub's memory goes along.
    """
    forgotten = dict(new.world.bindings)
    new.deliver(ORDER)
    new.world.bindings.clear()
    new.world.bindings.update(forgotten)
    for key, binding in old.world.bindings.items():
        new.world.bindings[key] = numbered(binding, FIRST[version], version)


def numbered(binding: Binding, number: int, version: Version) -> Binding:
    """The memory as the other version left it, with the number that the simulator gave."""
    left_by: Version = "v1" if version == "v2" else "v2"
    name = named_in(left_by, str(number))
    parts = [{**part, "shipment_id": name} for part in binding.data["parts"]]
    return binding.model_copy(update={"vendor_id": name, "data": {**binding.data, "parts": parts}})


def gone_over(version: Version) -> Account:
    """An account that was used over the other version until now."""
    old, new = (OverV1(), OverV2()) if version == "v2" else (OverV2(), OverV1())
    old.deliver(ORDER)
    same_account(old, new, version)
    return new


def changed(**fields: Any) -> Order:
    """The same order, changed."""
    return an_order(lines=(MUGS, TEA), fulfilment_orders=(a_fulfilment_order([MUGS, TEA]),), **fields)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_an_order_that_did_not_change_is_left_as_it_is(version: Version) -> None:
    account = gone_over(version)
    written = account.world.written()
    (outcome,) = account.deliver(ORDER)
    assert isinstance(outcome, Done)
    assert account.world.written() == written
    # and the memory is now in this version's words
    assert outcome.binding.vendor_id == str(account.seen()[0].id)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_change_reaches_the_order_that_is_there(version: Version) -> None:
    account = gone_over(version)
    (outcome,) = account.deliver(changed(ship_to=an_address(line1="1 New Street")))
    assert isinstance(outcome, Done)
    assert [(each.key, each.street) for each in account.seen()] == [("shop:51001", "1 New Street")]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_cancellation_reaches_the_order_that_is_there(version: Version) -> None:
    account = gone_over(version)
    account.deliver(changed(cancelled_at=NOON))
    assert account.states() == {"shop:51001": "cancelled"}


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_what_has_a_label_is_still_for_a_person(version: Version) -> None:
    account = gone_over(version)
    account.buy()
    (outcome,) = account.deliver(changed(cancelled_at=NOON))
    assert isinstance(outcome, Held)
    assert outcome.cause == "changed_after_shipping"


def test_a_parcel_has_the_same_name_over_both() -> None:
    # the same label and the same order, read over V1 and over V2
    v1, v2 = OverV1(), OverV2()
    parcels = []
    for account in (v1, v2):
        account.deliver(ORDER)
        account.buy()
        parcels += account.parcels()
    over_v1, over_v2 = parcels
    assert (
        (over_v1.id[:9], over_v1.shipment_id[:3]) == (over_v2.id[:9], over_v2.shipment_id[:3]) == ("label-se-", "se-")
    )
    assert over_v1.order_key == over_v2.order_key
    assert over_v1.lines == over_v2.lines
    assert (over_v1.location_id, over_v1.shipped_at) == (over_v2.location_id, over_v2.shipped_at)


@pytest.mark.parametrize(
    ("version", "given", "named"),
    [
        ("v1", "se-58345234", "58345234"),
        ("v1", "58345234", "58345234"),
        ("v2", "58345234", "se-58345234"),
        ("v2", "se-58345234", "se-58345234"),
        ("v1", "se-12-ab", "se-12-ab"),
        ("v2", "", ""),
    ],
)
def test_ids_have_two_names(version: Version, given: str, named: str) -> None:
    assert named_in(version, given) == named


def test_an_item_in_its_own_words_is_not_touched() -> None:
    binding = Binding(vendor_id="se-1", fingerprint="x", data={"parts": [{"shipment_id": "se-1", "fingerprint": "y"}]})
    item = Item(ref="1", subject="shop:1", events=(an_event(an_order(updated_at=after())),), binding=binding)
    assert item_in("v2", item) is item
    told = item_in("v1", item).binding
    assert told is not None
    assert (told.vendor_id, told.fingerprint, told.data["parts"][0]) == (
        "1",
        "",
        {"shipment_id": "1", "fingerprint": ""},
    )
