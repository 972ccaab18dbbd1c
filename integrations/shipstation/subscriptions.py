"""The account's webhooks that are ours: found, made, moved and thinned out through the API.

Nothing stops duplicates there, other apps of the merchant have webhooks in the same list, and nobody is told when one
is deleted. So ours carry our name, and the list is read before anything is made.
https://docs.shipstation.com/apis/docs/guides/webhooks-overview
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from commerce.errors import Rejected
from commerce.ports import Finding
from integrations.shipstation.client import Api
from integrations.shipstation.schemas import Subscription
from integrations.shipstation.settings import ShipStationSettings

TOLD_BY = ("label_created_v2", "fulfillment_shipped_v2")
"""Webhooks that bring tracking numbers early; what they miss is polled. There is none for voids."""


@dataclass(frozen=True)
class Subscriptions:
    """Implements Subscribing for one connection."""

    api: Api
    settings: ShipStationSettings

    @property
    def name(self) -> str:
        """What ours are called in ShipStation's screens."""
        return f"backroom {self.settings.name}"

    def check(self, address: str) -> Iterator[Finding]:
        """See `Subscribing.check_webhooks`."""
        there = self.api.subscriptions()
        missing = [event for event in TOLD_BY if not self._sent_to(address, event, there)]
        for event in missing:
            yield Finding(
                subject=f"webhook {event}",
                ok=False,
                message=f"ShipStation does not send it to {address}; tracking comes with the next poll",
                hint="make it again: backroom webhooks",
            )
        if not missing:
            yield Finding(subject="webhooks", ok=True, message=f"all {len(TOLD_BY)} are sent to {address}")

    def ensure(self, address: str) -> dict[str, str]:
        """See `Subscribing.ensure_webhooks`. Raises Rejected when ShipStation does not like the address."""
        there = self.api.subscriptions()
        return {event: self._ensure(event, address, there) for event in TOLD_BY}

    def _ensure(self, event: str, address: str, there: list[Subscription]) -> str:
        good = self._sent_to(address, event, there)
        if good:
            for double in good[1:]:
                self.api.unsubscribe(double.webhook_id)
            return "kept"
        moved = next((one for one in there if one.event == event and self._was_ours(one, address)), None)
        if moved is not None:
            self.api.resubscribe(moved.webhook_id, name=self.name, url=address)
            return "moved"
        try:
            self.api.subscribe(event, name=self.name, url=address)
        except Rejected:
            # Another hub of ours, or an earlier try without an answer, may have been quicker.
            if not self._sent_to(address, event, self.api.subscriptions()):
                raise
        return "created"

    def _sent_to(self, address: str, event: str, there: list[Subscription]) -> list[Subscription]:
        return [one for one in there if (one.event, one.url) == (event, address) and self._covers(one)]

    def _covers(self, one: Subscription) -> bool:
        """Whether it tells of all stores, or at least of the one that orders land in."""
        own = (self.settings.store_id or "").removeprefix("se-")
        return not one.store_id or one.store_id == own

    def _was_ours(self, one: Subscription, address: str) -> bool:
        """Whether it was made by this connection when the hub had another address. Others' are never touched."""
        if not self._covers(one):
            return False
        return one.name == self.name or (not one.name and _path(one.url) == _path(address))


def _path(url: str) -> str:
    try:
        return httpx.URL(url).path
    except httpx.InvalidURL:
        return ""
