"""One ShipStation account as the hub sees it: a destination of orders and a source of parcels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from commerce.errors import IntegrationError, NotAuthorised
from commerce.outcomes import Outcome
from commerce.ports import Finding, Item, Page
from integrations.connector import Services
from integrations.shipstation.client import Api
from integrations.shipstation.destination import Deliveries
from integrations.shipstation.parcels import Parcels
from integrations.shipstation.settings import ShipStationSettings

TOLD_BY = ("label_created_v2", "fulfillment_shipped_v2")
"""Webhooks that bring tracking numbers early; what they miss is polled."""


class ShipStation:
    """Implements Destination, ParcelSource and Checkable."""

    keeps: Literal["state", "events"] = "state"
    topics: frozenset[str] = frozenset({"order"})
    batch = 100

    def __init__(self, settings: ShipStationSettings, services: Services) -> None:
        self.settings = settings
        self.api = Api(settings, services)
        self._deliveries = Deliveries(self.api, settings)
        self._parcels = Parcels(self.api, settings)

    def close(self) -> None:
        """Give the connections back."""
        self.api.close()

    def deliver(self, items: Sequence[Item]) -> Iterator[tuple[Item, Outcome]]:
        """See `Destination.deliver`."""
        return self._deliveries.deliver(items)

    def changed_parcels(self, since: datetime, until: datetime) -> Iterator[Page]:
        """See `ParcelSource.changed_parcels`."""
        return self._parcels.changed(since, until)

    def check(self) -> Iterator[Finding]:
        """Look at the key, the plan, carriers, the location map and webhooks, writing nothing."""
        try:
            carriers = self.api.carriers()
        except NotAuthorised as error:
            subject = {"plan": "plan", "path": "base_url"}.get(error.code, "credential")
            yield Finding(subject=subject, ok=False, message=str(error), hint=error.hint)
            return
        except IntegrationError as error:
            yield Finding(subject="connection", ok=False, message=str(error), hint=error.hint)
            return
        yield Finding(subject="credential", ok=True, message="the API key is accepted")
        yield Finding(
            subject="carriers",
            ok=bool(carriers),
            message=", ".join(carrier.friendly_name or carrier.carrier_id for carrier in carriers) or "none connected",
            hint="" if carriers else "connect a carrier in ShipStation, or no labels can be bought",
        )
        yield from self._check_warehouses()
        yield self._check_phone()
        yield self._check_webhooks()

    def _check_warehouses(self) -> Iterator[Finding]:
        known = {warehouse.warehouse_id: warehouse.name for warehouse in self.api.warehouses()}
        there = ", ".join(f"{id} ({name})" for id, name in sorted(known.items())) or "none"
        maps = {**self.settings.warehouses, "default_warehouse": self.settings.default_warehouse}
        wanted = {place: warehouse for place, warehouse in maps.items() if warehouse}
        if not wanted:
            hint = f"set default_warehouse or warehouses in stack.toml; ShipStation has {there}"
            yield Finding(subject="warehouses", ok=False, message="no location is mapped to a warehouse", hint=hint)
        for place, warehouse in wanted.items():
            yield Finding(
                subject=f"warehouse of {place}",
                ok=warehouse in known,
                message=f"{warehouse} {known.get(warehouse, 'does not exist')}".strip(),
                hint="" if warehouse in known else f"ShipStation has {there}",
            )

    def _check_phone(self) -> Finding:
        if self.settings.fallback_phone:
            return Finding(subject="fallback_phone", ok=True, message="is sent for orders without a phone number")
        return Finding(
            subject="fallback_phone",
            ok=False,
            message="is not set: orders without a phone number will be held",
            hint="set it to the shop's own number in stack.toml",
        )

    def _check_webhooks(self) -> Finding:
        there = {subscription.event for subscription in self.api.subscriptions()}
        missing = [event for event in TOLD_BY if event not in there]
        told = f"{', '.join(missing)} not subscribed: tracking comes with the next poll" if missing else "subscribed"
        return Finding(subject="webhooks", ok=True, message=told)
