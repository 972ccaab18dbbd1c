"""How fresh everything is, for a monitor and for a person."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import escape

from commerce.values import Frozen, Moment
from tasks.hub import Hub

WATCH, WATCHES_WITHIN = "watch", timedelta(minutes=30)
"""The flow that looks for problems and tells them, and how old its last good end may be: it runs every five minutes.
Without it nobody is told of anything, though every route may be fresh."""


class RouteHealth(Frozen):
    """When a route, or the watch, last finished well, and whether that is long ago."""

    route: str
    last_ok: Moment | None
    late_after_minutes: int
    late: bool
    error: str = ""


class Health(Frozen):
    """The state of the hub; no order, no person and no secret in it."""

    well: bool
    at: Moment
    routes: tuple[RouteHealth, ...]
    webhooks_waiting: int
    held: int
    paused: tuple[str, ...]
    open_alerts: tuple[str, ...]
    unconfirmed_alerts: tuple[str, ...] = ()
    """Those among them of which no channel has said that it took them."""


def health_of(hub: Hub) -> Health:
    """Look at the ledger. Well means: no route is late, nor the watch once it has run, and no connection is paused."""
    now = hub.ledger.moment_now()
    states = {state.route: state for state in hub.ledger.routes()}
    routes = []
    patience = {route.name: timedelta(minutes=route.late_after_minutes) for route in hub.stack.routes.values()}
    if WATCH in states:
        patience.setdefault(WATCH, WATCHES_WITHIN)
    for name, may_take in patience.items():
        state = states.get(name)
        last = state.last_ok if state else None
        routes.append(
            RouteHealth(
                route=name,
                last_ok=last,
                late_after_minutes=may_take // timedelta(minutes=1),
                late=last is None or now - last > may_take,
                error="last run failed" if state and state.last_error else "",
            )
        )
    paused = tuple(pause.connection for pause in hub.ledger.paused())
    alerts = hub.ledger.open_alerts()
    return Health(
        well=not paused and not any(route.late for route in routes),
        at=now,
        routes=tuple(routes),
        webhooks_waiting=hub.ledger.inbox_waiting().count,
        held=len(hub.ledger.held()),
        paused=paused,
        open_alerts=tuple(kept.alert.title for kept in alerts),
        unconfirmed_alerts=tuple(kept.alert.title for kept in alerts if kept.heard == "not confirmed"),
    )


STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 46rem; padding: 0 1rem; color: #1c2733; }
h1 { font-size: 1.4rem; } table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid #dde3ea; }
.well { color: #13713c; font-weight: 600; } .ill { color: #b3261e; font-weight: 600; }
footer { color: #5b6875; font-size: .85rem; }
@media (prefers-color-scheme: dark) {
  body { background: #12181f; color: #dce4ec; } th, td { border-color: #2c3845; }
  .well { color: #6fd39a; } .ill { color: #ff8a80; } footer { color: #8fa0b0; }
}
"""


def health_page(found: Health) -> str:
    """The same as a page that a phone can show."""
    rows = "".join(
        f"<tr><td>{escape(route.route)}</td><td>{_ago(route.last_ok, found.at)}</td>"
        f'<td class="{"ill" if route.late else "well"}">{"late" if route.late else "fresh"}</td></tr>'
        for route in found.routes
    )
    alerts = "".join(f"<li>{escape(line)}</li>" for line in alert_lines(found)) or "<li>none</li>"
    word = '<span class="well">well</span>' if found.well else '<span class="ill">not well</span>'
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>backroom: how fresh</title><style>{STYLE}</style><h1>backroom is {word}</h1>"
        f"<table><tr><th>route</th><th>last finished well</th><th></th></tr>{rows}</table>"
        f"<p>{found.webhooks_waiting} webhooks waiting, {found.held} records held for a person, "
        f"paused: {escape(', '.join(found.paused)) or 'none'}.</p><h2>Open alerts</h2><ul>{alerts}</ul>"
        f"<footer>{found.at:%Y-%m-%d %H:%M:%S} UTC</footer></html>"
    )


def alert_lines(found: Health) -> list[str]:
    """Open alerts for people, with a word beside those that may not have been read."""
    mark = dict.fromkeys(found.unconfirmed_alerts, " (sent, not confirmed)")
    return [title + mark.get(title, "") for title in found.open_alerts]


def _ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "never"
    minutes = int((now - moment).total_seconds() // 60)
    return "just now" if minutes < 1 else f"{minutes} min ago" if minutes < 120 else f"{minutes // 60} h ago"
