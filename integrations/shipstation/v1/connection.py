"""One ShipStation account over V1 as the hub sees it: a destination of orders and a source of parcels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from commerce.errors import IntegrationError, NotAuthorised
from commerce.ports import Finding
from integrations.connector import Services
from integrations.shipstation import keys
from integrations.shipstation.account import Account
from integrations.shipstation.settings import ShipStationSettings
from integrations.shipstation.v1.audit import Audit
from integrations.shipstation.v1.client import PAGE_SIZE, Api
from integrations.shipstation.v1.destination import POST_SIZE, Deliveries
from integrations.shipstation.v1.imported import V1Imported
from integrations.shipstation.v1.parcels import Parcels
from integrations.shipstation.v1.webhooks import Webhooks


class ShipStationV1(Account):
    """Implements Destination, ParcelSource, Auditable, Checkable and Subscribing."""

    batch = POST_SIZE

    def __init__(self, settings: ShipStationSettings, services: Services) -> None:
        self.settings = settings
        self.api = Api(settings, services)
        deliveries = Deliveries(self.api, settings, V1Imported(self.api, services.clock))
        hooks = Webhooks(self.api, settings)
        super().__init__(self.api, deliveries, Parcels(self.api, settings), hooks, Audit(self.api))

    def check(self) -> Iterator[Finding]:
        """Look at key and secret, the plan, carriers, the location map, stores and doubles, writing nothing."""
        try:
            carriers = self.api.carriers()
        except NotAuthorised as error:
            subject = {"plan": "plan", "path": "base_url"}.get(error.code, "credential")
            yield Finding(subject=subject, ok=False, message=str(error), hint=error.hint)
            return
        except IntegrationError as error:
            yield Finding(subject="connection", ok=False, message=str(error), hint=error.hint)
            return
        yield Finding(subject="credential", ok=True, message="API key and secret are accepted (V1)")
        yield Finding(
            subject="carriers",
            ok=bool(carriers),
            message=", ".join(carrier.name or carrier.code for carrier in carriers) or "none connected",
            hint="" if carriers else "connect a carrier in ShipStation, or no labels can be bought",
        )
        yield from self._check_warehouses()
        yield self._check_store()
        yield self._check_doubles()

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

    def _check_store(self) -> Finding:
        stores = {store.store_id: store for store in self.api.stores() if store.active is not False}
        there = ", ".join(f"{id} ({store.name or store.marketplace})" for id, store in sorted(stores.items())) or "none"
        wanted = self.settings.store_id
        if wanted is None:
            return Finding(subject="store", ok=True, message=f"orders land in the first manual store of {there}")
        found = wanted in stores
        return Finding(
            subject="store",
            ok=found,
            message=f"{wanted} {stores[wanted].name if found else 'does not exist or is not active'}",
            hint="" if found else f"set store_id to one of {there}",
        )

    def _check_doubles(self) -> Finding:
        """Whether ShipStation imports the same orders by itself, seen in the latest ones."""
        latest = self.api.orders(sortBy="CreateDate", sortDir="DESC")
        raws = [raw for raw, _ in zip(latest, range(PAGE_SIZE), strict=False)]
        ours = {str(raw.get("orderNumber")) for raw in raws if keys.is_ours(str(raw.get("orderKey") or ""))}
        others = Counter(
            str((raw.get("advancedOptions") or {}).get("storeId"))
            for raw in raws
            if str(raw.get("orderNumber")) in ours and not keys.is_ours(str(raw.get("orderKey") or ""))
        )
        if not others:
            return Finding(subject="doubles", ok=True, message="no other store has orders with our numbers")
        stores = ", ".join(f"store {store} ({count})" for store, count in others.most_common())
        return Finding(
            subject="doubles",
            ok=False,
            message=f"orders with the same numbers as ours come from {stores}: they may be shipped twice",
            hint="disconnect the storefront inside ShipStation (Settings > Selling Channels), or take this route away",
        )
