"""One account, two ways to name what is in it: V1's 58345234 is V2's "se-58345234".

Whatever the ledger remembers from one version is told to the other in its own words, so that a merchant may go over
from V1 keys to V2 keys, or back. https://docs.shipstation.com/orders/legacy-migration
"""

from __future__ import annotations

from typing import Literal

from commerce.outcomes import Binding
from commerce.ports import Item

Version = Literal["v1", "v2"]
PREFIX = "se-"


def named_in(version: Version, record_id: str) -> str:
    """The id as this version writes it; one that has no other form stays as it is."""
    number = record_id.removeprefix(PREFIX)
    if not number.isdigit():
        return record_id
    return number if version == "v1" else f"{PREFIX}{number}"


def item_in(version: Version, item: Item) -> Item:
    """The item with whatever it remembers of ShipStation named as this version does."""
    if item.binding is None:
        return item
    parts = [part for part in item.binding.data.get("parts", ()) if isinstance(part, dict)]
    ids = [item.binding.vendor_id, *(str(part.get("shipment_id", "")) for part in parts)]
    if all(named_in(version, each) == each for each in ids):
        return item
    return item.model_copy(update={"binding": _binding_in(version, item.binding)})


def _binding_in(version: Version, binding: Binding) -> Binding:
    """What was accepted over the other version is worth nothing here: the order is compared before it is changed."""
    parts = [
        {**part, "shipment_id": named_in(version, str(part.get("shipment_id", ""))), "fingerprint": ""}
        for part in binding.data.get("parts", ())
    ]
    named = {"vendor_id": named_in(version, binding.vendor_id), "fingerprint": ""}
    return binding.model_copy(update={**named, "data": {**binding.data, "parts": parts}})
