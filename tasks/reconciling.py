"""Comparing a storefront with every destination, by what both say themselves, and bringing again what is not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from commerce.audits import MOST_SHOWN, Auditable, Difference, Duties, Found, LookingBack, Report, signed, sums
from commerce.comparing import differences
from commerce.errors import HubError, NotConfigured
from commerce.events import Kind
from commerce.expecting import expected_of
from commerce.orders import Order
from commerce.ports import OrderSource, Page, Unreadable
from ledger.standing import Standing
from tasks.alerting import in_words, pausing
from tasks.differing import tell_of, telling_of_no_comparison
from tasks.hub import Hub
from tasks.recording import ORDERS, record_pages
from tasks.stack import Route

STILL_NEWS = timedelta(days=2)
"""An order that is found to be missing from the log is news for so long, then it is history and nobody is mailed."""

JUST_NOW = "recorded just now: neither a webhook nor a read had brought it"

EXPLAINS = {
    "held": ("held", "waits for a person"),
    "dismissed": ("dismissed", "closed by a person"),
    "elsewhere": ("history", "recorded for other destinations only"),
    "forgotten": ("forgotten", "its person is, so that nothing can be brought again"),
}
"""What the ledger may know of a subject that makes a difference no surprise: the word for it, and what it means."""


MOVED = "changed: in the storefront, while it was compared"


@dataclass(frozen=True)
class Window:
    """The orders of a source that are compared: created within [since, until)."""

    source: str
    since: datetime
    until: datetime

    def holds(self, at: datetime | None) -> bool:
        """Whether something was made within it."""
        return at is not None and self.since <= at < self.until


@dataclass
class Truth:
    """What the storefront says now. `older` are orders from before the window whose money moved within it, `lost` are
    those that the log did not have."""

    orders: dict[str, Order] = field(default_factory=dict)
    older: dict[str, Order] = field(default_factory=dict)
    unreadable: dict[str, Unreadable] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)

    def compared(self, duties: Duties) -> dict[str, Order]:
        """Those that a destination is compared with: older ones only where money is kept."""
        return self.orders | (self.older if duties.keeps in ("documents", "deals") else {})


def reconcile(
    hub: Hub,
    source: str,
    destinations: Sequence[str] = (),
    since_days: int = 7,
    until_days: int = 1,
    *,
    repair: bool = False,
) -> list[Report]:
    """Compare the orders of some days with each destination; one kept report for each, told and perhaps repaired.

    Raises NotConfigured, and IntegrationError when the storefront itself cannot be read.
    """
    routes = routes_to_compare(hub, source, destinations)
    window = window_of(hub, source, since_days, until_days)
    if window.since == window.until or hub.ledger.cursor(source, ORDERS) is None:
        return []  # before the very first reading everything would be missing
    with telling_of_no_comparison(hub, source):
        known = truth(hub, window)
    return [compare(hub, window, known, route, repair=repair) for route in routes]


def window_of(hub: Hub, source: str, since_days: int, until_days: int) -> Window:
    """From the start of the day `since_days` ago to the end of the day `until_days` ago (UTC).

    What was created before `hub.start` was left out on purpose, so that a new hub's window may be empty. Raises
    NotConfigured.
    """
    now = hub.time_at(source)
    today = datetime.combine(now.date(), time(), UTC)
    since, until = today - timedelta(days=since_days), today - timedelta(days=until_days - 1)
    if since >= until:
        raise NotConfigured("since_days", "must not be less than until_days")
    until = min(until, now)
    return Window(source, min(max(since, hub.stack.hub.start or since), until), until)


def routes_to_compare(hub: Hub, source: str, destinations: Sequence[str]) -> list[Route]:
    """The routes that carry orders of the source to a destination that can be asked. Raises NotConfigured."""
    carrying = [route for route in hub.stack.carrying("orders") if route.source == source]
    takers = {route.destination: route for route in carrying}
    if not takers:
        raise NotConfigured("source", f"no route of stack.toml carries orders of {source}")
    for name in destinations:
        if name not in takers:
            raise NotConfigured("destinations", f"{name!r} takes no orders of {source}; known: {', '.join(takers)}")
        hub.playing(name, Auditable)
    chosen = destinations or [name for name in takers if isinstance(hub.client(name), Auditable)]
    return [takers[name] for name in chosen]


def truth(hub: Hub, window: Window) -> Truth:
    """Read the window from the storefront again, and record what the log does not have, or has differently."""
    found = Truth()
    now = hub.time_at(window.source)
    client = hub.playing(window.source, OrderSource)
    with pausing(hub, window.source), hub.giving_way(window.source):
        for page in client.orders_created(window.since, window.until):
            known = hub.ledger.known([order.key for order in page.orders])
            lost = [order for order in page.orders if order.key not in known]
            old = [order for order in lost if now - order.created_at > STILL_NEWS]
            news = tuple(order for order in page.orders if order not in old)
            record_pages(hub, window.source, [Page(orders=tuple(old))], cursor="", historical=True)
            record_pages(hub, window.source, [Page(orders=news, unreadable=page.unreadable)], cursor="")
            found.orders |= {order.key: order for order in page.orders}
            found.unreadable |= {one.subject: one for one in page.unreadable}
            found.lost |= {order.key for order in lost}
        if isinstance(client, LookingBack):
            found.older = older(hub, window, client)
    return found


def older(hub: Hub, window: Window, client: LookingBack) -> dict[str, Order]:
    """Orders from before the window that the log has and whose money moved within it; recorded as they are now."""
    found: dict[str, Order] = {}
    start = hub.stack.hub.start  # what was created before it was left out on purpose
    for page in client.older_orders(window.since):
        ours = [order for order in page.orders if start is None or order.created_at >= start]
        known = hub.ledger.known([order.key for order in ours])
        moved = [order for order in ours if order.key in known and money_moved(order, window)]
        record_pages(hub, window.source, [Page(orders=tuple(moved))], cursor="")
        found |= {order.key: order for order in moved}
    return found


def money_moved(order: Order, window: Window) -> bool:
    """Whether it was paid, refunded, edited or cancelled within the window, and created before it."""
    moments = [one.at for one in order.payments] + [one.at for one in order.refunds]
    moments += [one.at for one in order.agreements]
    return order.created_at < window.since and any(map(window.holds, [*moments, order.cancelled_at]))


def compare(hub: Hub, window: Window, known: Truth, route: Route, *, repair: bool = False) -> Report:
    """Compare one destination, keep the report, and tell people when something is not explained.

    A destination that cannot be read gives a report that says so.
    """
    made_at = hub.ledger.moment_now()  # as what waits was recorded by that clock
    report = Report(
        source=window.source,
        destination=route.destination,
        since=window.since,
        until=window.until,
        made_at=made_at,
        orders=len(known.orders),
        recorded=len(known.lost),
    )
    try:
        client = hub.playing(route.destination, Auditable)
        with hub.giving_way(route.destination):
            found = read(hub, client, window, known, route.destination)
        report = judged(hub, report, known, route, client.duties, found)
        if repair:
            report = report.model_copy(update={"repaired": bring_again(hub, report)})
    except HubError as error:
        report = report.model_copy(update={"problem": str(error)})
    except Exception as error:  # noqa: BLE001  a fault of ours in one reading leaves the others their reports
        report = report.model_copy(update={"problem": in_words(error)})
    kept = hub.ledger.keep_report(report)
    tell_of(hub, kept, set() if kept.problem else {*known.orders, *known.older})
    return kept


def read(hub: Hub, client: Auditable, window: Window, known: Truth, destination: str) -> list[Found]:
    """What the destination holds, without that of orders which the storefront has and the window does not."""
    paused = {pause.connection: pause.reason for pause in hub.ledger.paused()}
    if destination in paused:
        raise HubError(f"{destination} is paused: {paused[destination]}")
    orders = known.compared(client.duties)
    found = list(client.audit(window.source, window.since, window.until, list(orders.values())))
    strangers = {one.subject for one in found if one.subject not in orders}
    judged_ones = {one.subject for one in found if one.subject in strangers and window.holds(one.made_at)}
    judged_ones -= set(known.unreadable)
    ids = [subject.partition(":")[2] for subject in sorted(judged_ones)]
    there: set[str] = set()
    with hub.giving_way(window.source):
        for page in hub.playing(window.source, OrderSource).orders_by_id(ids) if ids else ():
            there |= {order.key for order in page.orders} | {one.subject for one in page.unreadable}
    return [one for one in found if one.subject in orders or one.subject in judged_ones - there]


def judged(hub: Hub, report: Report, known: Truth, route: Route, duties: Duties, found: Sequence[Found]) -> Report:
    """The report with everything that is not as it should be, and what explains it."""
    orders = known.compared(duties)
    expected = [one for order in orders.values() for one in expected_of(order, duties)]
    raw = [*differences(expected, found), *_unreadable(known, duties)]
    kind = Kind.ORDER_PLACED if duties.keeps == "facts" else None
    subjects = sorted({one.subject for one in raw})
    standings = hub.ledger.standings(route.destination, subjects, kind)
    deadline = report.made_at - timedelta(minutes=route.deadline_minutes)
    told = [explained(one, standings.get(one.subject), deadline, known.lost) for one in raw]
    surprising = {one.subject for one in told if not one.explained} - known.lost
    moved = moved_meanwhile(hub, report.source, [orders[one] for one in sorted(surprising) if one in orders])
    told = [one.model_copy(update={"explained": MOVED}) if one.subject in moved else one for one in told]
    counts = Counter(one.explained.partition(":")[0] or one.verdict for one in told)
    wanted = [one for one in expected if one.needed]
    alive = [one for one in found if one.state != "cancelled" or duties.keeps == "deals"]
    verdicts = Counter(one.verdict for one in raw)
    # What has left is owed no more: shipments are judged by their units, and counted as far as they were right.
    owed = len(alive) - verdicts["extra"] + verdicts["missing"] if duties.keeps == "shipments" else len(wanted)
    return report.model_copy(
        update={
            "older": len(orders) - len(known.orders),
            "expected": owed,
            "found": len(alive),
            "expected_amounts": sums(signed(one.slot, one.amount) for one in wanted if one.amount),
            "found_amounts": sums(signed(one.slot, one.amount) for one in alive if one.amount),
            "counts": dict(counts),
            "differences": tuple(sorted(told, key=lambda one: bool(one.explained))[:MOST_SHOWN]),
        }
    )


def moved_meanwhile(hub: Hub, source: str, orders: Sequence[Order]) -> set[str]:
    """Those that have changed in the storefront since they were read: their destination may have been asked after it.

    Of more differences than a report shows no such change is the cause.
    """
    if not orders or len(orders) > MOST_SHOWN:
        return set()
    read_at = {order.key: order.updated_at for order in orders}
    with hub.giving_way(source):
        pages = list(hub.playing(source, OrderSource).orders_by_id([order.id for order in orders]))
    return {order.key for page in pages for order in page.orders if order.updated_at != read_at.get(order.key)}


def _unreadable(known: Truth, duties: Duties) -> Iterator[Difference]:
    for one in known.unreadable.values():
        words = "held: the storefront's order cannot be read"
        slot = {"shipments": "shipment", "documents": "receipt", "deals": "deal", "facts": "placed"}[duties.keeps]
        yield Difference(verdict="missing", subject=one.subject, label=one.label, slot=slot, explained=words)


def explained(one: Difference, known: Standing | None, deadline: datetime, lost: set[str]) -> Difference:
    """The difference with what the ledger knows of it: held, dismissed and the like are no surprises.

    Skipped is one: the code that delivers found nothing to do, and the order says that there is.
    """
    if one.explained:
        return one
    if one.subject in lost:
        return one.model_copy(update={"found": f"{one.found}; {JUST_NOW}"})
    if known is None or one.verdict == "extra":
        return one
    if known.state == "on its way":
        if known.since < deadline:
            return one.model_copy(update={"found": f"{one.found}; waits since {known.since:%Y-%m-%d %H:%M} UTC"})
        return one.model_copy(update={"explained": "waiting: on its way"})
    if known.state == "skipped":
        return one.model_copy(update={"found": f"{one.found}; skipped: {known.reason or 'nothing to do there'}"})
    if known.state in EXPLAINS:
        word, reason = EXPLAINS[known.state]
        return one.model_copy(update={"explained": f"{word}: {known.reason or reason}"})
    return one


def bring_again(hub: Hub, report: Report) -> int:
    """Bring again what is missing or different, looked up there first; how many orders. Extra things are never touched.

    Only such as are surprises: what is held waits for its person.
    """
    wrong = {one.subject for one in report.differences if one.verdict != "extra" and not one.explained}
    return hub.ledger.replay(report.destination, subjects=sorted(wrong)) if wrong else 0
