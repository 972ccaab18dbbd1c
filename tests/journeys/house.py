"""The whole hub in one process: simulators as transports, one clock, a ledger in a file; nothing of ours replaced."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from commerce.errors import TemporarilyUnavailable
from deployments import demo_stack, verdict
from deployments.shop import ShopPlan
from deployments.simulators import build
from integrations.simulator import Simulator
from ledger import Ledger
from tasks import delivering, recording, stocking, watching
from tasks.hub import Hub, subscribe_routes
from tasks.stack import read_stack
from tasks.tally import Tally

BASE = "http://127.0.0.1:8710"
ORDER_DESTINATIONS = ("warehouse", "books", "marketing")


class Clock:
    """Time that moves only when told; sleeping moves it."""

    def __init__(self, start: datetime) -> None:
        self.seconds = start.timestamp()
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Note the wait, and let it pass."""
        self.slept.append(seconds)
        self.seconds += seconds

    def moment(self) -> datetime:
        """Now."""
        return datetime.fromtimestamp(self.seconds, UTC)


@dataclass
class House:
    """A hub and its vendors."""

    hub: Hub
    vendors: dict[str, Simulator]
    clock: Clock
    before: dict[str, Any] = field(default_factory=dict)

    def record(self) -> Tally:
        """Read what changed in the storefront."""
        return recording.record_changed_orders(self.hub, "shop")

    def deliver(self, destination: str) -> Tally:
        """Bring everything that is due to one destination; what the vendor cannot take now waits for the next time."""
        tally = Tally()
        with suppress(TemporarilyUnavailable):
            while (batch := delivering.deliver_batch(self.hub, destination)).claimed:
                tally += batch
        return tally

    def orders_everywhere(self) -> dict[str, Tally]:
        """Record, then deliver to the warehouse, the books and marketing."""
        self.record()
        return {name: self.deliver(name) for name in ORDER_DESTINATIONS}

    def settle_down(self) -> None:
        """Run the order routes until nothing is on its way any more, letting waits pass."""
        for _ in range(30):
            self.orders_everywhere()
            if not self.on_their_way():
                return
            self.clock.sleep(61)
        raise AssertionError(f"still on their way: {self.hub.ledger.status()}")

    def on_their_way(self) -> int:
        """Records that wait for a destination and for no person."""
        return sum(row.waiting + row.retry + row.unknown for row in self.hub.ledger.status())

    def stock(self, **options: Any) -> Tally:
        """Bring the inventory app's levels to the storefront."""
        return stocking.sync_stock(self.hub, self.hub.stack.route("sync-inventory"), **options)

    def tracking(self) -> Tally:
        """Bring parcels to the storefront."""
        tally = recording.record_changed_parcels(self.hub, "warehouse")
        tally += self.deliver("shop")
        return tally

    def watch(self) -> Tally:
        """Look for problems, and tell."""
        return watching.watch(self.hub)

    def judge(self, plan: ShopPlan) -> verdict.Verdict:
        """What landed where, from the vendors' own state."""
        held = [
            {"destination": one.destination, "subject": one.subject, "label": one.label, "reason": one.reason}
            for one in self.hub.ledger.held()
        ]
        names = ("shop", "warehouse", "books", "marketing", "inventory")
        states = {name: self.vendors[name].state() for name in names}
        return verdict.judge(states, self.before, held, plan)


class Wrong:
    """A clock that is off by so many seconds; somebody may turn it."""

    def __init__(self, clock: Clock, off: float = 0.0) -> None:
        self.clock, self.off = clock, off

    def __call__(self) -> float:
        return self.clock() + self.off


def a_house(
    home: Path,
    plan: ShopPlan,
    now: datetime,
    *,
    limits: bool = False,
    ledger_url: str = "",
    off: Mapping[str, float] | None = None,
) -> House:
    """A hub over a shop that was filled as planned, at the moment `now`, with nothing brought anywhere yet.

    `off`: by how many seconds the clocks of vendors, of the "hub" and of the "ledger" differ from the right time.
    """
    clock, wrong = Clock(now), dict(off or {})
    vendors = build(BASE, limits=limits, clock=clock)
    for name in [name for name in wrong if name in vendors]:
        vendors[name] = build(BASE, limits=limits, clock=Wrong(clock, wrong[name]))[name]
    fill(vendors, plan, home)
    clock.sleep(60)  # whatever has happened by now is older than the hub
    stack = read_stack(_toml(home), demo_stack.SECRETS.get)
    url = ledger_url or f"sqlite:///{home / 'ledger.db'}"
    ledger = Ledger(url, token_keys=[Fernet.generate_key().decode()], clock=Wrong(clock, wrong.get("ledger", 0.0)))
    ledger.migrate()
    transports = {name: vendor.transport() for name, vendor in vendors.items()}
    hub = Hub(stack, ledger, transports, sleep=clock.sleep, clock=Wrong(clock, wrong.get("hub", 0.0)))
    subscribe_routes(hub)
    return House(hub, vendors, clock, vendors["shop"].state())


def fill(vendors: dict[str, Simulator], plan: ShopPlan, home: Path) -> None:
    """What the demo does over HTTP: shop, stock, orders, warehouses, and the stack.toml that connects them."""
    shop = vendors["shop"].act("setup", {"shop": plan.shop, "locations": plan.locations})
    vendors["shop"].act("create_products", {"products": plan.products})
    inventory = vendors["inventory"].act("setup", plan.inventory)
    vendors["books"].act("preferences", {"home_currency": plan.shop["currency"]})
    vendors["shop"].act("place_orders", {"orders": plan.orders})
    happen(vendors["shop"], plan.events_before)
    names = [place["name"] for place in plan.locations]
    warehouses = dict(zip(names, vendors["warehouse"].act("warehouses", {"names": names}), strict=True))
    demo_stack.write(home, BASE, "http://127.0.0.1:8720", shop["locations"], inventory, warehouses, pace=False)


def happen(shop: Simulator, events: list[tuple[str, dict[str, Any]]]) -> None:
    """Let things happen in the storefront."""
    for action, arguments in events:
        shop.act(action, arguments)


def _toml(home: Path) -> dict[str, Any]:
    import tomllib

    return tomllib.loads((home / "stack.toml").read_text(encoding="utf-8"))
