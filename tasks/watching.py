"""What is wrong now, although no call may have failed: late routes, held records, paused connections, old tokens."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta

from commerce.errors import HubError
from commerce.ports import Alert, Worrying
from integrations.connector import connector
from tasks import privacy
from tasks.alerting import paused_alert, send_waiting
from tasks.auditing import audit
from tasks.clocks import wrong_clocks
from tasks.hub import Hub
from tasks.lateness import lateness
from tasks.tally import Tally

log = logging.getLogger(__name__)

TOKEN_WARNING = timedelta(days=14)
"""A refresh token with less life than this needs a person soon."""

WATCHED = ("late:", "stuck:", "overdue:", "held:", "paused:", "token:", "schedule:", "inbox:", "concern:", "clock:")
"""Alerts with these fingerprints are this watch's own: it also says when they are over."""


def watch(hub: Hub, missed: Iterable[Alert] = ()) -> Tally:
    """Raise an alert for each new problem, clear those that are over, and send what waits.

    `missed` are problems that only the scheduler knows of.
    """
    hub.ledger.prune()
    privacy.work(hub)
    privacy.expire(hub)
    audited = audit(hub)
    problems = {alert.fingerprint: alert for alert in (*found(hub), *missed)}
    tally = Tally()
    tally.counts["new"] += audited
    for alert in problems.values():
        new = hub.ledger.raise_alert(alert)
        tally.counts["new" if new else "known"] += 1
        tally.note(alert.fingerprint, alert.title, "new" if new else "known", alert.what, alert.todo)
    for old in hub.ledger.open_alerts():
        if old.alert.fingerprint not in problems and old.alert.fingerprint.startswith(WATCHED):
            hub.ledger.clear_alert(old.alert.fingerprint)
            tally.counts["over"] += 1
            tally.note(old.alert.fingerprint, old.alert.title, "over", old.alert.what)
    tally.counts["sent"] += send_waiting(hub)
    tally.paused = unheard(hub, tally)  # who watches the watch: its run must not be green while nobody hears it
    return tally


def unheard(hub: Hub, tally: Tally) -> str:
    """What is wrong with telling people, empty when all of it was confirmed."""
    untold = hub.ledger.untold_alerts()
    for kept in untold:
        tally.note(kept.alert.fingerprint, kept.alert.title, kept.heard, kept.alert.what, "see: backroom status")
    in_doubt = sum(kept.unanswered > 0 for kept in untold)
    words = []
    if len(untold) > in_doubt:
        words.append(f"{len(untold) - in_doubt} messages wait, no channel takes them; see: backroom check")
    if in_doubt:
        words.append(f"{in_doubt} messages were sent without an answer; people may not know: see backroom status")
    return "; ".join(words)


def found(hub: Hub) -> Iterator[Alert]:
    """Every problem there is now."""
    known = list(lateness(hub))
    yield from known
    yield from overdue_records(hub, {alert.fingerprint for alert in known})
    yield from held_records(hub)
    yield from paused_connections(hub)
    yield from old_tokens(hub)
    yield from full_inbox(hub)
    yield from wrong_clocks(hub)
    yield from concerns(hub)


def overdue_records(hub: Hub, told: Collection[str]) -> Iterator[Alert]:
    """Records without any outcome beyond their deadline, although no call need have failed.

    A route that is late, stuck or paused has told so already, for all its records.
    """
    now = hub.ledger.moment_now()
    paused = {pause.connection for pause in hub.ledger.paused()}
    for route in hub.stack.routes.values():
        name = route.destination
        spoken = {f"late:{cause}" for cause in (route.name, route.source, name)} | {f"stuck:{name}"}
        if route.carries == "stock" or name in paused or spoken & set(told):
            continue
        late = hub.ledger.overdue(name, now - timedelta(minutes=route.deadline_minutes))
        if not late.count:
            continue
        first = late.oldest[0]
        names = ", ".join(one.label for one in late.oldest)
        yield Alert(
            fingerprint=f"overdue:{name}",
            title=f"{name}: {late.count} without an outcome",
            what=f"{names} should have been there by now; the oldest, {first.label}, since "
            f"{first.recorded_at:%Y-%m-%d %H:%M} UTC ({first.reason or first.state})",
            todo=f"see whether {route.name} runs often enough; look with: backroom trace '{first.label}'",
            facts={"records": str(late.count), **({"owner": route.owner} if route.owner else {})},
        )


def held_records(hub: Hub) -> Iterator[Alert]:
    """Records that wait for a person, one alert for each destination and cause."""
    held = hub.ledger.held()
    groups = Counter((record.destination, record.cause) for record in held)
    examples = {(record.destination, record.cause): record for record in held}
    for (destination, cause), count in groups.items():
        example = examples[destination, cause]
        yield Alert(
            fingerprint=f"held:{destination}:{cause}",
            severity="warning",
            title=f"{destination}: {count} held, {cause.replace('_', ' ')}",
            what=f"for example {example.label or example.subject}: {example.reason}",
            todo=example.hint or f"look with: backroom held list; then: backroom held release --cause {cause}",
            facts={"records": str(count)},
        )


def paused_connections(hub: Hub) -> Iterator[Alert]:
    """Connections whose credential was refused."""
    for pause in hub.ledger.paused():
        yield paused_alert(pause.connection, pause.reason, pause.hint)


def old_tokens(hub: Hub) -> Iterator[Alert]:
    """Refresh tokens that end soon; nobody can renew those but a person."""
    now = datetime.fromtimestamp(hub.clock(), UTC)
    for name, settings in hub.stack.connections.items():
        ends = hub.ledger.token_ends(name)
        if ends is not None and ends - now < TOKEN_WARNING:
            yield Alert(
                fingerprint=f"token:{name}",
                severity="critical" if ends <= now else "warning",
                title=f"{name}: access ends {ends:%Y-%m-%d}",
                what=f"the hub's permission at {settings.vendor} ends {ends:%Y-%m-%d %H:%M} UTC",
                todo=f"grant access anew: backroom connect {name}"
                if connector(settings.vendor).authorisation
                else f"give it a new refresh token, then: backroom reconnect {name}",
            )


def concerns(hub: Hub) -> Iterator[Alert]:
    """What connections themselves know to be wrong soon. One that cannot say keeps what it said before."""
    paused = {pause.connection for pause in hub.ledger.paused()}
    for name in hub.stack.connections:
        try:
            client = hub.client(name)
            if isinstance(client, Worrying) and name not in paused:
                yield from client.concerns()
                continue
        except HubError as error:
            log.warning("%s cannot be asked for its concerns: %s", name, error)
        yield from still_open(hub, f"concern:{name}:")


def still_open(hub: Hub, prefix: str) -> Iterator[Alert]:
    """Alerts that nobody could look at anew."""
    yield from (one.alert for one in hub.ledger.open_alerts() if one.alert.fingerprint.startswith(prefix))


def full_inbox(hub: Hub) -> Iterator[Alert]:
    """Webhooks that were taken in and that nobody reads."""
    waiting = hub.ledger.inbox_waiting()
    if waiting.count and waiting.oldest_seconds > 900:
        yield Alert(
            fingerprint="inbox:waiting",
            title="webhooks are waiting",
            what=f"{waiting.count} webhooks wait, the oldest for {waiting.oldest_seconds / 60:.0f} minutes",
            todo="see whether drain-inbox runs in the Prefect UI; nothing is lost, the polls bring it too",
        )


def missed_schedule(deployment: str, since: str) -> Alert:
    """What people are told of a schedule that did not run."""
    return Alert(
        fingerprint=f"schedule:{deployment}",
        title=f"{deployment} did not run",
        what=f"its schedule asked for a run, none has started since {since}",
        todo="see in the Prefect UI whether the worker is online and the deployment is not paused",
    )
