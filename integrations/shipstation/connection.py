"""One ShipStation account as the hub sees it: a destination of orders and a source of parcels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from commerce.errors import IntegrationError, NotAuthorised
from commerce.ports import Finding
from integrations.connector import Services
from integrations.shipstation.account import Account
from integrations.shipstation.audit import Audit
from integrations.shipstation.client import Api
from integrations.shipstation.destination import Deliveries
from integrations.shipstation.imported import HINT, NEWEST, Imported
from integrations.shipstation.parcels import Parcels
from integrations.shipstation.schemas import Carrier
from integrations.shipstation.settings import ShipStationSettings
from integrations.shipstation.subscriptions import Subscriptions


class ShipStation(Account):
    """Implements Destination, ParcelSource, Auditable, Subscribing and Checkable."""

    batch = 100

    def __init__(self, settings: ShipStationSettings, services: Services) -> None:
        self.settings = settings
        self.api = Api(settings, services)
        self._imported = Imported(self.api, services.clock)
        deliveries = Deliveries(self.api, settings, self._imported)
        hooks = Subscriptions(self.api, settings)
        super().__init__(self.api, deliveries, Parcels(self.api, settings), hooks, Audit(self.api))

    def check(self) -> Iterator[Finding]:
        """Look at the key, the plan, carriers and the location map, writing nothing."""
        try:
            carriers = self.api.carriers()
        except NotAuthorised as error:
            subject = {"plan": "plan", "path": "base_url", "account": "account"}.get(error.code, "credential")
            yield Finding(subject=subject, ok=False, message=str(error), hint=error.hint)
            return
        except IntegrationError as error:
            yield Finding(subject="connection", ok=False, message=str(error), hint=error.hint)
            return
        yield Finding(subject="credential", ok=True, message="the API key is accepted")
        yield _of_carriers(carriers)
        yield from self._check_warehouses()
        yield self._check_phone()
        yield from self._check_imports()

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

    def _check_imports(self) -> Iterator[Finding]:
        foreign = self._imported.foreign()
        if foreign:
            stores = ", ".join(sorted({str(raw.get("store_id") or "unknown") for raw in foreign}))
            yield Finding(
                subject="selling channels",
                ok=False,
                message=f"{len(foreign)} of the newest {NEWEST} shipments come from elsewhere (store {stores}); orders "
                "that are there already are held",
                hint=f"if that is a storefront which the hub serves: {HINT}",
            )


def _of_carriers(carriers: Sequence[Carrier]) -> Finding:
    usable = [each.friendly_name or each.carrier_id for each in carriers if not each.disabled_by_billing_plan]
    shut = [each.friendly_name or each.carrier_id for each in carriers if each.disabled_by_billing_plan]
    hint = "" if usable else "connect a carrier in ShipStation, or no labels can be bought"
    message = ", ".join([*usable, *(f"{name} (not in the plan)" for name in shut)]) or "none connected"
    return Finding(subject="carriers", ok=bool(usable), message=message, hint=hint)
