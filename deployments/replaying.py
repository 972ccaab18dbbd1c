"""`backroom replay`: from what people say to what the ledger brings again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from commerce.errors import HubError, NotConfigured
from tasks.hub import Hub, the_hub


def replay_to(
    destination: str,
    since: datetime | None,
    orders: Sequence[str] | None,
    *,
    dry_run: bool = False,
    hub: Hub | None = None,
) -> int:
    """How many subjects the destination gets again; `since` without a zone is UTC.

    Raises NotConfigured for a destination without a route, for a moment to come and when nothing was named, HubError
    for an unknown order.
    """
    opened = hub or the_hub()
    takers = {route.destination for route in opened.stack.routes.values() if route.carries != "stock"}
    if destination not in takers:
        raise NotConfigured(
            "DESTINATION", f"{destination!r} gets nothing from the log; known: {', '.join(sorted(takers))}"
        )
    if since is None and not orders:
        raise NotConfigured(
            "--since", "say since when, or name orders with --order", hint="see: backroom replay --help"
        )
    moment = None if since is None else since if since.tzinfo else since.replace(tzinfo=UTC)
    if moment is not None and moment > datetime.fromtimestamp(opened.clock(), UTC):
        raise NotConfigured("--since", f"{moment:%Y-%m-%d %H:%M} UTC is still to come")
    return opened.ledger.replay(destination, since=moment, subjects=subjects_of(opened, orders), dry_run=dry_run)


def said(destination: str, count: int, *, dry_run: bool = False, hub: Hub | None = None) -> str:
    """What a person is told of a replay, also why it will bring nothing for now."""
    paused = {pause.connection for pause in (hub or the_hub()).ledger.paused()}
    if not count:
        return f"nothing to bring: {destination} wanted none of it, or its person is forgotten; see: backroom trace"
    if dry_run:
        return f"{count} would be brought again"
    if destination in paused:
        return f"{count} wait, and {destination} is paused; fix it, then: backroom resume {destination}"
    return f"{count} wait; the next run of the route brings them"


def subjects_of(hub: Hub, orders: Sequence[str] | None) -> list[str] | None:
    """The log's names of these orders and their parcels; None when no order was named."""
    if not orders:
        return None
    found: list[str] = []
    for order in orders:
        traced = hub.ledger.trace(order).subjects
        if not traced:
            raise HubError(f"the log has nothing about {order!r}", hint="try its number, e.g. '#1001'")
        found += traced
    return list(dict.fromkeys(found))
