"""From the inventory app to the storefront: absolute levels, only differences, never below what is promised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal

from commerce.errors import HubError, UnexpectedAnswer
from commerce.outcomes import Retry
from commerce.ports import OrderSource, StockDestination, StockSource, Unreadable
from commerce.stock import StockLevel, StockTarget, sellable
from tasks.alerting import pausing
from tasks.hub import Hub
from tasks.recording import record_changed_orders
from tasks.stack import Route, StockRules
from tasks.stock_alerts import tell_negative, tell_refused, tell_stopped
from tasks.tally import Tally

STALE_TRIES = 3
"""How often a level is read again that was sold from between our read and our write."""

FOUND_AFTER = 15.0
"""Seconds until the storefront's search finds an order that its levels know of already. A level is raised only when
the orders were read so long after the level: else what was sold in these seconds would be offered again."""

SMALL_SHOP = 20
"""Below so many SKUs a share says nothing, and any change is believed."""

SHRUNKEN = 0.3
"""A feed that is shorter than what is known by more than this share is a fault."""

FEED = "stock"
"""The cursor that says when the last feed was read that was believed."""


class StockFeedRefused(HubError):
    """The feed looks wrong as a whole: nothing was written."""


def sync_stock(hub: Hub, route: Route, *, allow_big_change: bool = False, dry_run: bool = False) -> Tally:
    """Read every level, record what changed, and write what the storefront shows differently.

    One run at a time, over all processes: else the slower one would write what it read first.
    """
    with hub.ledger.only_one(f"stock:{route.name}"):
        try:
            tally = sync_alone(hub, route, allow_big_change=allow_big_change, dry_run=dry_run)
        except (StockFeedRefused, UnexpectedAnswer) as refused:
            tell_stopped(hub, route, refused)
            raise
        tell_stopped(hub, route)
        return tally


def sync_alone(hub: Hub, route: Route, *, allow_big_change: bool = False, dry_run: bool = False) -> Tally:
    """The run itself."""
    levels, tally = read_stock(hub, route, allow_big_change=allow_big_change)
    wanted = targets(hub, route, levels, tally)
    if not wanted:
        raise StockFeedRefused(
            f"none of the {len(levels)} levels of {route.source} is at a location that is mapped; nothing was changed",
            hint=f"fill routes.{route.name}.stock.locations in stack.toml, see: backroom check",
        )
    tally += set_stock(hub, route, wanted, levels=levels, allow_big_change=allow_big_change, dry_run=dry_run)
    tell_refused(hub, route, tally)
    tell_negative(hub, route, levels, tally)
    return tally


def read_stock(hub: Hub, route: Route, *, allow_big_change: bool = False) -> tuple[list[StockLevel], Tally]:
    """Read every level and record those that changed. Raises StockFeedRefused for an empty or shrunken feed."""
    levels: list[StockLevel] = []
    unreadable: list[Unreadable] = []
    with pausing(hub, route.source):
        for record in hub.playing(route.source, StockSource).stock():
            (levels if isinstance(record, StockLevel) else unreadable).append(record)  # type: ignore[arg-type]
    believed = hub.ledger.cursor(route.source, FEED)
    known = hub.ledger.count_seen(route.source, "stock", believed) if believed else 0
    refuse_unreadable(route, levels, unreadable)
    refuse_shrunken(route, len(levels), 0 if allow_big_change else known)
    recorded = hub.ledger.record_stock(route.source, levels, unreadable)
    hub.ledger.set_cursor(route.source, FEED, min(level.as_of for level in levels))
    tally = Tally()
    tally.counts.update(recorded=recorded.changed, read=len(levels))
    tally.unreadable(unreadable)
    return levels, tally


def refuse_unreadable(route: Route, levels: Sequence[StockLevel], unreadable: Sequence[Unreadable]) -> None:
    """A feed of which nothing can be read is a fault of the whole, and one example says more than a count."""
    if unreadable and not levels:
        first = unreadable[0]
        raise StockFeedRefused(
            f"none of the {len(unreadable)} rows of {route.source} can be read, for example: {first.reason}; "
            "nothing was changed",
            hint=first.hint,
        )


def refuse_shrunken(route: Route, rows: int, known: int) -> None:
    """A feed that is empty, or much shorter than what is known, is a fault and never a sold-out shop."""
    if rows == 0:
        raise StockFeedRefused(
            f"{route.source} sent no stock at all; nothing was changed", hint="check the inventory app, then run again"
        )
    if known > SMALL_SHOP and rows < known * (1 - min(SHRUNKEN, route.stock.most_change)):
        raise StockFeedRefused(
            f"{route.source} sent {rows} levels where {known} are known; nothing was changed",
            hint="if so many were really removed, run sync-inventory with allow_big_change",
        )


def targets(hub: Hub, route: Route, levels: Sequence[StockLevel], tally: Tally) -> list[StockTarget]:
    """What the storefront should offer, one target for each SKU and storefront location, sorted by SKU."""
    rules = route.stock
    unseen = unseen_units(hub, route, levels)
    grouped: dict[tuple[str, str], list[StockLevel]] = {}
    for level in levels:
        place = rules.locations.get(level.location)
        if place is None:
            note_unmapped(route, level, tally)
            continue
        grouped.setdefault((rules.skus.get(level.sku, level.sku), place), []).append(level)
    return [target(rules, key, found, unseen_at(unseen, key)) for key, found in sorted(grouped.items())]


def target(rules: StockRules, key: tuple[str, str], levels: Sequence[StockLevel], unseen: int) -> StockTarget:
    """The target of one SKU at one storefront location; several inventory locations that serve it add up.

    Two halves of a thing at two places are no whole one.
    """
    sku, place = key
    amounts = [level.on_hand if rules.offer == "on_hand" else level.available for level in levels]
    whole = (amount.to_integral_value(rounding=ROUND_FLOOR) for amount in amounts)
    together = amounts[0] if len(amounts) == 1 else sum(whole, Decimal(0))
    kept_back = rules.buffers.get(sku, rules.location_buffers.get(place, rules.buffer))
    quantity, because = sellable(
        together,
        figure=rules.offer.replace("_", " "),
        buffer=kept_back,
        unseen=unseen,
        floor=rules.floors.get(sku, 0),
    )
    return StockTarget(sku=sku, location_id=place, quantity=quantity, because=because)


def unseen_units(hub: Hub, route: Route, levels: Sequence[StockLevel]) -> dict[tuple[str, str], int]:
    """Units by (SKU, storefront location) that are promised to shoppers and that the inventory app cannot know of.

    What it knew is what it knew when its levels were read, however long the run has taken since.
    """
    lag = route.stock.order_lag_minutes
    read_at = min((level.as_of for level in levels), default=datetime.fromtimestamp(hub.clock(), UTC))
    if hub.hearing(route.source).ahead is None:  # a file, read by our clock; orders are stamped by the storefront's
        read_at -= hub.hearing(route.destination).known()
    since = None if lag is None else read_at - timedelta(minutes=lag)
    return hub.ledger.units_ordered_since(route.destination, since)


def unseen_at(unseen: Mapping[tuple[str, str], int], key: tuple[str, str]) -> int:
    """Unseen units at one location. Those of orders that have no location yet may leave from any, so all keep them."""
    return unseen.get(key, 0) + unseen.get((key[0], ""), 0)


def note_unmapped(route: Route, level: StockLevel, tally: Tally) -> None:
    """A location that nobody decided about is an exception, not something to ignore."""
    if level.location in route.stock.ignored_locations:
        return
    tally.counts["unmapped"] += 1
    tally.note(
        level.key,
        level.sku,
        "unmapped",
        f"inventory location {level.location} is mapped to no storefront location",
        f'add "{level.location}" to routes.{route.name}.stock.locations or ignored_locations in stack.toml',
    )


def set_stock(
    hub: Hub,
    route: Route,
    wanted: Sequence[StockTarget],
    *,
    levels: Sequence[StockLevel] = (),
    allow_big_change: bool = False,
    dry_run: bool = False,
) -> Tally:
    """Write what differs from what the storefront shows. Raises StockFeedRefused when too much would change.

    With `levels`, each target is worked out again after the storefront was looked at, less what was sold until then;
    where that changes it, an order came or went about the time of the look, which is looked at again. What is sold
    after that look makes the write fail, and it begins again. So a sale is never overwritten. A dry run notes each
    write with its before and after, and sends none.
    """
    client = hub.playing(route.destination, StockDestination)
    tally = Tally()
    todo = list(wanted)
    for tries_left in reversed(range(STALE_TRIES)):
        with pausing(hub, route.destination):
            shown = client.shown(todo)
            if levels and any(raises(one, shown) for one in todo):
                hub.sleep(FOUND_AFTER)
            seen, todo = set(todo), less_sold(hub, route, levels, todo)
            moved = {one for one in todo if one not in seen} if tries_left and not dry_run else set()
            different = differences([one for one in todo if one not in moved], shown, tally)
            if not allow_big_change:
                refuse_big_change(route, len(different) + len(moved), len(wanted))
            now = {key: value for key, value in shown.items() if isinstance(value, int)}
            if dry_run:
                return noted_only(different, now, tally)
            todo = [*written(client, different, now, tally), *(one for one in todo if one in moved)]
        if not todo:
            break
    for target in todo:
        tally.counts["retry"] += 1
        tally.note(target.sku, target.sku, "retry", "is being sold faster than it can be set; the next run tries again")
    return tally


def raises(target: StockTarget, shown: Mapping[tuple[str, str], int | Unreadable]) -> bool:
    """Whether more would be offered than is."""
    now = shown.get((target.sku, target.location_id))
    return isinstance(now, int) and now < target.quantity


def less_sold(hub: Hub, route: Route, levels: Sequence[StockLevel], todo: Sequence[StockTarget]) -> list[StockTarget]:
    """The targets as they are once the log has every order that the storefront took until now."""
    if not levels or not isinstance(hub.client(route.destination), OrderSource):
        return list(todo)
    record_changed_orders(hub, route.destination)
    keys = {(target.sku, target.location_id) for target in todo}
    return [one for one in targets(hub, route, levels, Tally()) if (one.sku, one.location_id) in keys]


def written(
    client: StockDestination, different: Sequence[StockTarget], shown: dict[tuple[str, str], int], tally: Tally
) -> list[StockTarget]:
    """Write once, note what became of each; what was sold from meanwhile is returned."""
    stale = []
    for target, outcome in client.set_stock(different, shown):
        if isinstance(outcome, Retry):
            stale.append(target)
            continue
        tally.counts[outcome.state] += 1
        if outcome.state != "done":
            tally.note(target.sku, target.sku, outcome.state, outcome.reason, getattr(outcome, "hint", ""))
        else:
            was = shown.get((target.sku, target.location_id))
            tally.note(target.sku, target.sku, "done", f"{was} -> {target.quantity}: {target.because}")
    return stale


def noted_only(different: Sequence[StockTarget], shown: dict[tuple[str, str], int], tally: Tally) -> Tally:
    """What a dry run says of each write it did not send."""
    for target in different:
        was = shown.get((target.sku, target.location_id))
        tally.counts["would change"] += 1
        tally.note(target.sku, target.sku, "would change", f"{was} -> {target.quantity}: {target.because}")
    return tally


def differences(
    wanted: Sequence[StockTarget], shown: dict[tuple[str, str], int | Unreadable], tally: Tally
) -> list[StockTarget]:
    """The targets that the storefront does not show yet; what cannot be set is noted with its reason."""
    different = []
    for target in wanted:
        now = shown.get((target.sku, target.location_id))
        if now is None:
            tally.counts["skipped"] += 1
            tally.note(target.sku, target.sku, "skipped", "the storefront has no such SKU", "add it there, or map it")
        elif isinstance(now, Unreadable):
            tally.counts["skipped"] += 1
            tally.note(target.sku, target.sku, "skipped", now.reason, now.hint)
        elif now == target.quantity:
            tally.counts["unchanged"] += 1
        else:
            different.append(target)
    return different


def refuse_big_change(route: Route, changes: int, wanted: int) -> None:
    """Stop and ask before a fault upstream reprices half the shelf."""
    if wanted > SMALL_SHOP and changes > wanted * route.stock.most_change:
        raise StockFeedRefused(
            f"{changes} of {wanted} stock levels would change, more than {route.stock.most_change:.0%}; "
            "nothing was changed",
            hint="if that is right, run sync-inventory with allow_big_change",
        )
