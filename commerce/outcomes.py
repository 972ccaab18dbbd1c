"""What became of one record at one destination."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from commerce.values import Frozen


class Binding(Frozen):
    """What a destination holds for one of our subjects.

    `fingerprint` is that of the last accepted payload. `data` is whatever the connector needs next time (a sync
    token, ids of refund documents ...), JSON only and no personal data.
    """

    vendor_id: str
    fingerprint: str = ""
    url: str = ""
    data: dict[str, Any] = Field(default_factory=dict)


class Done(Frozen):
    """The destination has it. `changed` is False when it already had just that and nothing was sent."""

    state: Literal["done"] = "done"
    binding: Binding
    changed: bool = True
    note: str = ""


class Skipped(Frozen):
    """There is nothing to do here, for a reason that a person may want to see ("nothing to ship")."""

    state: Literal["skipped"] = "skipped"
    reason: str


class Retry(Frozen):
    """Surely not applied; try again. `after` is in seconds, None leaves it to the hub's own back-off."""

    state: Literal["retry"] = "retry"
    reason: str
    after: float | None = None


class Held(Frozen):
    """A person must look. `cause` groups equal problems ("unknown_sku"), `reason` and `hint` are for people."""

    state: Literal["held"] = "held"
    cause: str
    reason: str
    hint: str = ""


class Unknown(Frozen):
    """A write got no answer. The next try looks for it by our key before it writes."""

    state: Literal["unknown"] = "unknown"
    reason: str


Outcome = Done | Skipped | Retry | Held | Unknown
