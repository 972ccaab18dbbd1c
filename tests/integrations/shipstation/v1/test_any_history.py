"""Whatever shop, warehouse and storefront do in whatever order, over V1 too no unit leaves twice or is forgotten."""

from __future__ import annotations

from collections import Counter

from hypothesis import example, given, settings
from hypothesis import strategies as st

from commerce.allocation import shipments_wanted
from commerce.orders import Order
from commerce.outcomes import Done, Held, Retry
from tests.integrations.shipstation.test_any_history import Shop
from tests.integrations.shipstation.v1.world import V1World, units


class V1Shop(Shop):
    """An order in a storefront, and the warehouse that serves it over V1."""

    world: V1World

    def __init__(self, closed: str) -> None:
        super().__init__(put_supported=True)
        self.world = V1World(closed=closed)

    def doubt(self, at: int) -> None:
        """The next writes get no answer, the first time or every time that they are tried again."""
        self.world.fails(r"POST /orders/", kind="drop_after", times=1 + 3 * at)


def held_by(world: V1World, *states: str) -> Counter[str]:
    """Units of all orders in one of these states."""
    chosen = (each for each in world.orders if each["orderStatus"] in states)
    return sum((Counter(units(each)) for each in chosen), Counter[str]())


def flying(order: Order, world: V1World) -> Counter[str]:
    """What has left without the storefront's knowing."""
    known = {number for each in order.fulfilments for number in each.tracking_numbers}
    labels = [each for each in world.sim.state()["labels"] if each["trackingNumber"] not in known]
    sent = {each["orderId"] for each in labels}
    return sum((Counter(units(each)) for each in world.orders if each["orderId"] in sent), Counter[str]())


STEPS = st.lists(
    st.tuples(st.sampled_from(["refund", "move", "hold", "buy", "buy", "tell", "doubt"]), st.integers(0, 1)),
    max_size=12,
)


@settings(max_examples=120, deadline=None)
@given(STEPS, st.sampled_from(["refuse", "ignore"]))
@example(steps=[("move", 0), ("hold", 0), ("doubt", 0), ("hold", 0)], closed="refuse")  # V1 lifts a hold only once
def test_no_unit_leaves_twice_and_none_is_forgotten(steps: list[tuple[str, int]], closed: str) -> None:
    shop = V1Shop(closed)
    world, in_doubt = shop.world, False
    for name, at in [("tell", 0), *steps]:
        getattr(shop, name)(at)
        for _ in range(8):
            (outcome,) = world.deliver(shop.order, in_doubt=in_doubt)
            in_doubt = not isinstance(outcome, Done | Held)
            if not in_doubt:
                break
        left, waiting = held_by(world, "shipped"), held_by(world, "awaiting_shipment", "on_hold")
        # never more than was ordered, counting what has left
        assert all((left + waiting)[line.id] <= line.quantity for line in shop.order.lines)
        if isinstance(outcome, Held):
            # only for goods that had a label before the shop changed its mind
            assert outcome.cause == "changed_after_shipping"
            assert left
            return
        assert not isinstance(outcome, Retry)
        # just what the storefront wants is ready, less what has left without its knowing
        wanted = sum((each.units for each in shipments_wanted(shop.order).shipments), Counter[str]())
        assert wanted - flying(shop.order, world) == held_by(world, "awaiting_shipment")
