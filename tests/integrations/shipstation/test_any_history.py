"""Whatever shop, warehouse and storefront do in whatever order, no unit leaves twice and none is forgotten."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.allocation import shipments_wanted
from commerce.orders import Order
from commerce.outcomes import Done, Held, Retry
from tests.builders import NOON, a_fulfilment_order, a_line, an_order, changed
from tests.integrations.shipstation.conftest import World, told, units

MUGS = a_line("MUG-RED", 3)
TEA = a_line("TEA", 2, "5.00")
PLACES = {"loc-1": "Warehouse", "loc-2": "West coast"}


class Shop:
    """An order in a storefront, and the warehouse that serves it."""

    def __init__(self, put_supported: bool) -> None:
        self.world = World(put_supported=put_supported)
        self.told: set[str] = set()
        routes = tuple(a_fulfilment_order([line], id=line.id) for line in (MUGS, TEA))
        self.order = an_order(lines=(MUGS, TEA), fulfilment_orders=routes)

    def refund(self, at: int) -> None:
        """One unit that has not left is taken out of the order."""
        route = self.order.fulfilment_orders[at]
        (line,) = route.lines
        if line.remaining:
            lines = (changed(each, current=each.current - (each.id == line.line_id)) for each in self.order.lines)
            self._reroute(at, lines=(changed(line, remaining=line.remaining - 1),))
            self.order = changed(self.order, lines=tuple(lines))

    def move(self, at: int) -> None:
        """One route goes to the other location."""
        place = "loc-1" if self.order.fulfilment_orders[at].location_id == "loc-2" else "loc-2"
        self._reroute(at, location_id=place, location=PLACES[place])

    def hold(self, at: int) -> None:
        """One route is held, or released."""
        status = self.order.fulfilment_orders[at].status
        self._reroute(at, status={"open": "on_hold", "on_hold": "open"}.get(status, status))

    def _reroute(self, at: int, **fields: object) -> None:
        routes = list(self.order.fulfilment_orders)
        routes[at] = changed(routes[at], **fields)
        self.order = changed(self.order, fulfilment_orders=tuple(routes))

    def buy(self, at: int) -> None:
        """The warehouse buys one label."""
        self.world.sim.do_buy_labels(limit=1)

    def tell(self, at: int) -> None:
        """Tracking comes back to the storefront."""
        new = [parcel for parcel in self.world.parcels(since=NOON) if parcel.id not in self.told]
        self.told |= {parcel.id for parcel in new}
        self.order = told(self.order, new)

    def doubt(self, at: int) -> None:
        """The next write gets no answer."""
        self.world.fails("PUT|POST", kind="drop_after")


def held_by(world: World, status: str) -> Counter[str]:
    """Units of all shipments with this status."""
    chosen = (each for each in world.shipments if each["shipment_status"] == status)
    return sum((Counter(units(each)) for each in chosen), Counter[str]())


STEPS = st.lists(
    st.tuples(st.sampled_from(["refund", "move", "hold", "buy", "buy", "tell", "doubt"]), st.integers(0, 1)),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(STEPS, st.booleans())
def test_no_unit_leaves_twice_and_none_is_forgotten(steps: list[tuple[str, int]], put_supported: bool) -> None:
    shop = Shop(put_supported)
    world, in_doubt = shop.world, False
    for name, at in [("tell", 0), *steps]:
        getattr(shop, name)(at)
        for _ in range(4):
            (outcome,) = world.deliver(shop.order, in_doubt=in_doubt)
            in_doubt = not isinstance(outcome, Done | Held)
            if not in_doubt:
                break
        left, waiting = held_by(world, "label_purchased"), held_by(world, "pending")
        # never more than was ordered, counting what has left
        assert all((left + waiting)[line.id] <= line.quantity for line in shop.order.lines)
        if isinstance(outcome, Held):
            # only for goods that had a label before the shop changed its mind
            assert outcome.cause == "changed_after_shipping"
            assert left
            return
        assert not isinstance(outcome, Retry)
        assert _to_be_shipped(shop.order, world) == waiting - _kept_back(world)


def _to_be_shipped(order: Order, world: World) -> Counter[str]:
    """What the storefront wants, less what has left without its knowing."""
    known = {number for each in order.fulfilments for number in each.tracking_numbers}
    labels = {label["shipment_id"]: label["tracking_number"] for label in world.sim.state()["labels"]}
    flying = (each for each in world.shipments if labels.get(each["shipment_id"], next(iter(known), "")) not in known)
    sent = [each for each in flying if each["shipment_status"] == "label_purchased"]
    wanted = sum((each.units for each in shipments_wanted(order).shipments), Counter[str]())
    return wanted - sum((Counter(units(each)) for each in sent), Counter[str]())


def _kept_back(world: World) -> Counter[str]:
    held = (each for each in world.shipments if each["shipment_status"] == "pending" and each["hold_until_date"])
    return sum((Counter(units(each)) for each in held), Counter[str]())
