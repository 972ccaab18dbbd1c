"""What an account does for the hub, whichever version of the API it is reached by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

from commerce.audits import Duties, Found
from commerce.orders import Order
from commerce.outcomes import Outcome
from commerce.ports import Finding, Item, Page
from integrations.shipstation.settings import ShipStationSettings


class Closing(Protocol):
    """The API's client."""

    def close(self) -> None:
        """Give the connections back."""


class Delivering(Protocol):
    """Who brings orders there."""

    def deliver(self, items: Sequence[Item]) -> Iterator[tuple[Item, Outcome]]:
        """See `Destination.deliver`."""


class Reading(Protocol):
    """Who reads parcels from there."""

    def changed(self, since: datetime) -> Iterator[Page]:
        """See `ParcelSource.changed_parcels`."""


class Hooking(Protocol):
    """Who looks after the webhooks."""

    def check(self, address: str) -> Iterator[Finding]:
        """See `Subscribing.check_webhooks`."""

    def ensure(self, address: str) -> Mapping[str, str]:
        """See `Subscribing.ensure_webhooks`."""


class Holding(Protocol):
    """Who says what the account holds."""

    def found(self, source: str, since: datetime, until: datetime, orders: Sequence[Order]) -> Iterator[Found]:
        """See `Auditable.audit`."""


class Account:
    """Implements Destination, ParcelSource, Auditable and Subscribing by its parts."""

    keeps: Literal["state", "events"] = "state"
    topics: frozenset[str] = frozenset({"order"})

    settings: ShipStationSettings

    def __init__(
        self, api: Closing, deliveries: Delivering, parcels: Reading, webhooks: Hooking, holding: Holding
    ) -> None:
        self._closing, self._deliveries, self._parcels, self._webhooks = api, deliveries, parcels, webhooks
        self._holding = holding

    @property
    def duties(self) -> Duties:
        """What the account owes each order."""
        return Duties(keeps="shipments", payment=self.settings.payment)

    def close(self) -> None:
        """Give the connections back."""
        self._closing.close()

    def deliver(self, items: Sequence[Item]) -> Iterator[tuple[Item, Outcome]]:
        """See `Destination.deliver`."""
        return self._deliveries.deliver(items)

    def changed_parcels(self, since: datetime) -> Iterator[Page]:
        """See `ParcelSource.changed_parcels`."""
        return self._parcels.changed(since)

    def audit(self, source: str, since: datetime, until: datetime, orders: Sequence[Order]) -> Iterator[Found]:
        """See `Auditable.audit`."""
        return self._holding.found(source, since, until, orders)

    def check_webhooks(self, address: str) -> Iterator[Finding]:
        """See `Subscribing.check_webhooks`."""
        return self._webhooks.check(address)

    def ensure_webhooks(self, address: str) -> Mapping[str, str]:
        """See `Subscribing.ensure_webhooks`."""
        return self._webhooks.ensure(address)
