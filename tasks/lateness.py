"""Routes that are late and records that do not get through: one alert for each thing that is wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from commerce.ports import Alert
from ledger.records import RouteState
from tasks.hub import Hub
from tasks.stack import Route


def lateness(hub: Hub) -> Iterator[Alert]:
    """What is late or stuck, by its cause.

    A vendor that is down makes its routes late and its records wait, by turns: a run that finds nothing due ends well.
    So whatever was told of it first stays so until neither is. A paused connection has told of itself.
    """
    known = {kept.alert.fingerprint: kept.alert for kept in hub.ledger.open_alerts()}
    late, stuck = late_by_cause(hub), stuck_records(hub)
    paused = {pause.connection for pause in hub.ledger.paused()}
    for cause in [*late, *(name for name in stuck if name not in late)]:
        names = (f"late:{cause}", f"stuck:{cause}")
        first = next((name for name in names if name in known), "")
        now = {alert.fingerprint: alert for alert in (late.get(cause), stuck.get(cause)) if alert}
        if first:
            yield now.get(first, known[first])
        elif cause not in paused:
            yield next(iter(now.values()))


def late_by_cause(hub: Hub) -> dict[str, Alert]:
    """An alert for each connection whose errors keep routes from finishing well, and for each other late route."""
    found: dict[str, list[tuple[Route, RouteState | None]]] = defaultdict(list)
    states = {state.route: state for state in hub.ledger.routes()}
    now = hub.ledger.moment_now()
    paused = {pause.connection for pause in hub.ledger.paused()}
    for route in hub.stack.routes.values():
        state = states.get(route.name)
        if is_late(route, state, now):
            stopped = next((end for end in (route.source, route.destination) if end in paused), "")
            found[stopped or blamed(hub, route, state) or route.name].append((route, state))
    return {cause: late_alert(cause, routes) for cause, routes in found.items()}


def is_late(route: Route, state: RouteState | None, now: datetime) -> bool:
    """Whether it has not finished well for longer than it may."""
    since = state.last_ok if state else None
    if since is None and (state is None or state.last_finished is None):
        # Its first run is still going on; a schedule that never ran is told by the scheduler's own check.
        since = (state.last_started if state else None) or now
    return since is None or now - since > timedelta(minutes=route.late_after_minutes)


def blamed(hub: Hub, route: Route, state: RouteState | None) -> str:
    """The end of the route whose vendor the last error names, empty when it names none."""
    error = state.last_error if state else ""
    ends = (route.source, route.destination)
    return next((end for end in ends if error.startswith(f"{hub.stack.connection(end).vendor}:")), "")


def late_alert(cause: str, late: list[tuple[Route, RouteState | None]]) -> Alert:
    """What people are told of routes that are late for the same reason."""
    first = late[0][0]
    names = ", ".join(route.name for route, _ in late)
    return Alert(
        fingerprint=f"late:{cause}",
        title=f"{first.name} is late" if len(late) == 1 else f"{cause}: {len(late)} routes are late",
        what="; ".join(how_late(route, state) for route, state in late),
        todo=f"open the last run of {first.name} in the Prefect UI",
        facts={"route": names, "may take": f"{first.late_after_minutes} min"},
    )


def how_late(route: Route, state: RouteState | None) -> str:
    """Since when, and why as far as the last run knows."""
    last = state.last_ok if state else None
    since = f"has not finished well since {last:%Y-%m-%d %H:%M} UTC" if last else "has never finished well"
    error = f"; last error: {state.last_error}" if state and state.last_error else ""
    return f"{route.name} ({route.carries} from {route.source} to {route.destination}) {since}{error}"


def stuck_records(hub: Hub) -> dict[str, Alert]:
    """By destination, records that are tried again and again and never get through, although each run ends well.

    A vendor that answers every write with an error leaves each of them in doubt, for ever.
    """
    now = hub.ledger.moment_now()
    found = {}
    for destination, struggle in hub.ledger.struggling().items():
        routes = [route for route in hub.stack.routes.values() if route.destination == destination]
        patience = min((route.late_after_minutes for route in routes if route.carries != "stock"), default=0)
        if not patience or now - struggle.since <= timedelta(minutes=patience):
            continue
        found[destination] = Alert(
            fingerprint=f"stuck:{destination}",
            title=f"{destination}: {struggle.count} do not get through",
            what=f"tried without success since {struggle.since:%Y-%m-%d %H:%M} UTC, for example {struggle.label}: "
            + (struggle.reason or "no run came to an end with it"),
            todo=f"see whether {destination} reports a fault; nothing is lost, look with: backroom status",
            facts={"records": str(struggle.count)},
        )
    return found
