"""History on purpose: first a plan, then page by page, resumable, as history, so that nobody is mailed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from commerce.errors import NotConfigured
from commerce.ports import Destination, Estimating, OrderSource, Page
from commerce.values import Frozen, Moment
from tasks.alerting import pausing
from tasks.hub import Hub
from tasks.recording import ORDERS, reads_from, record_changed_orders, record_pages
from tasks.tally import Tally


class Plan(Frozen):
    """What a backfill will do."""

    source: str
    since: Moment
    until: Moment
    destinations: tuple[str, ...]
    orders: int
    calls: dict[str, int]
    """Calls by connection, roughly: pages or a bulk operation read, batches sent."""

    def rows(self) -> list[dict[str, str]]:
        """The plan as a table."""
        head = [{"what": "orders", "how many": f"{self.orders}", "where": self.source}]
        return head + [
            {"what": "calls, about", "how many": f"{count}", "where": name} for name, count in self.calls.items()
        ]


def plan(hub: Hub, source: str, since: datetime, until: datetime, destinations: Sequence[str]) -> Plan:
    """Count what there is. Raises NotConfigured for a destination that takes no orders of this source."""
    reading = hub.playing(source, OrderSource)
    takers = [route.destination for route in hub.stack.carrying("orders") if route.source == source]
    if not takers:
        raise NotConfigured("source", f"no route of stack.toml carries orders of {source}")
    wrong = sorted(set(destinations) - set(takers))
    if wrong:
        raise NotConfigured("destinations", f"{wrong[0]!r} takes no orders of {source}; known: {', '.join(takers)}")
    if since >= until:
        raise NotConfigured("since", "is after the last day")
    chosen = tuple(destinations) or tuple(takers)
    count = reading.count_created(since, until)
    calls = {source: reading.calls_for(count) if isinstance(reading, Estimating) else 2 + count // 50}
    for name in chosen:
        calls[name] = 1 + count // hub.playing(name, Destination).batch
    return Plan(source=source, since=since, until=until, destinations=chosen, orders=count, calls=calls)


def record_history(hub: Hub, todo: Plan) -> Iterator[Tally]:
    """Record the window page by page as history, for the plan's destinations only; a tally for each page.

    A second run over the same window records nothing twice, so a killed one is simply run again. What happens now is
    recorded first, for everyone: an order that was placed a minute ago is no history, whatever the window says. So is
    one that changed so lately that the search for changes may not have shown it: recorded as history for some, it
    would never be news for the others.
    """
    yield record_changed_orders(hub, todo.source)
    lately = reads_from(hub, todo.source, ORDERS)  # by the storefront's own stamps
    with pausing(hub, todo.source), hub.giving_way(todo.source):
        for page in hub.playing(todo.source, OrderSource).orders_created(todo.since, todo.until):
            fresh = tuple(order for order in page.orders if order.updated_at >= lately)
            if fresh:
                record_pages(hub, todo.source, [Page(orders=fresh)], cursor="")
            yield record_pages(hub, todo.source, [page], cursor="", historical=True, only=todo.destinations)
