"""Where nobody has told for certain what Shopify does: the simulator does either, and both are tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Switches:
    """One setting for each open question; the defaults are what seems most likely.

    `failed_key`: a repeated idempotency key whose first call had user errors is "spent", or "replays" those errors.
    `busy_seconds`: so long after it first arrived, a key counts as one whose call is still running.
    `key_seconds`: so long Shopify remembers a key.
    `after_part`: the status of a fulfillment order of which a part was sent.
    `twins_count_themselves`: whether `duplicateSkuCount` of two items with one SKU is 2 (or 1).
    """

    failed_key: Literal["spent", "replays"] = "spent"
    busy_seconds: float = 0.0
    key_seconds: float = 86_400.0
    after_part: Literal["IN_PROGRESS", "OPEN"] = "IN_PROGRESS"
    twins_count_themselves: bool = False
