"""What people ask about their own data: every destination is asked, each answer is kept, and the hub forgets too."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from commerce.errors import IntegrationError
from commerce.ports import Alert, Forgetting
from ledger.records import HintRow, PrivacyRequest
from tasks.alerting import in_words, tell
from tasks.clocks import surely_now
from tasks.due import is_due
from tasks.hub import Hub
from tasks.tally import Tally

log = logging.getLogger(__name__)

TOPIC = "privacy"
SOON, LATER = 600.0, 3600.0
"""Seconds until what could not be done now is tried again: what was busy, and what a person must see to."""

PATIENCE = timedelta(days=1)
"""How long a request may wait for deliveries before somebody is told; the law gives a month."""

FORGOTTEN, REDACTED = "forgotten", "redacted"

EXPIRED, EVERY, AT_ONCE = "expired", timedelta(days=1), 500
"""The cursor that says when old orders were last looked for, how often that is, and how many go at once."""


def take_in(hub: Hub, row: HintRow) -> bool:
    """Keep what a webhook asks for, if it is such a request; repeating it changes nothing."""
    hints = [hint for hint in row.hints if hint["topic"] == TOPIC]
    if not hints:
        return False
    first, *rest = hints
    orders = list(dict.fromkeys(hint["id"] for hint in rest if hint["id"]))
    return hub.ledger.ask_privacy(row.connection, row.delivery_id, first.get("action", ""), first["id"], orders)


def work(hub: Hub) -> Tally:
    """Go on with every request that is due; one that cannot be finished now comes back, and the others go on."""
    tally = Tally()
    if not hub.ledger.privacy_requests(due=True):
        return tally
    with hub.ledger.only_one(TOPIC):
        for request in hub.ledger.privacy_requests(due=True):
            try:
                word = part_of(request)(hub, request)
            except Exception as error:  # noqa: BLE001  whatever it is, the other requests go on
                word = wait(hub, request, in_words(error), LATER, todo="look at the log of the last run")
            tally.counts[f"privacy {word}"] += 1
    return tally


def part_of(request: PrivacyRequest) -> Callable[[Hub, PrivacyRequest], str]:
    """What the hub has to do for such a request."""
    if request.kind.endswith("data_request"):
        return tell_of_question
    return tell_of_shop if request.kind.startswith("shop/") else forget


def forget(hub: Hub, request: PrivacyRequest) -> str:
    """Have a person forgotten everywhere, and then here. What is still on its way is brought first.

    A destination that was asked is asked again only if it was given something of these orders since.
    """
    subjects = request.subjects
    if waits := hub.ledger.on_their_way(subjects):
        return wait_for(hub, request, waits)
    missing = [words for name in destinations(hub, request) if (words := ask(hub, request, name))]
    if missing:
        return wait(hub, request, "; ".join(missing), LATER)
    if not hub.ledger.redact(request.connection, subjects):
        return wait_for(hub, request, hub.ledger.on_their_way(subjects))
    hub.ledger.privacy_answer(request.id, "backroom", REDACTED, f"the hub's own copies of {len(subjects)} orders")
    well_again(hub, request)
    by_hand = left_to_people(hub, request)
    if not by_hand:
        hub.ledger.privacy_settled(request.id, "done")
        return "done"
    tell(hub, hand_alert(request, by_hand))
    hub.ledger.privacy_settled(request.id, "by hand")
    return "by hand"


def destinations(hub: Hub, request: PrivacyRequest) -> list[str]:
    """Who is told of this storefront's orders, or was."""
    routes = (route for route in hub.stack.carrying("orders") if route.source == request.connection)
    named = [route.destination for route in routes]
    return list(dict.fromkeys([*named, *sorted(hub.ledger.brought_of(request.subjects))]))


def ask(hub: Hub, request: PrivacyRequest, name: str) -> str:
    """Have one destination forget the person; empty when that is done or not possible by API, else why it is not."""
    try:
        client = hub.client(name) if name in hub.stack.connections else None
        if not isinstance(client, Forgetting) or was_asked(hub, request, name):
            return ""
        people = hub.ledger.people_in(request.connection, request.subjects, request.customer_id)
        said = list(dict.fromkeys(client.forget(person) for person in people))
    except Exception as error:  # noqa: BLE001  whatever it is, the other destinations are asked
        words, hint = in_words(error), getattr(error, "hint", "")
        if getattr(error, "retryable", False):
            return f"{name}: {words}"
        # Not a refused connection: a key without this one scope goes on bringing orders.
        hub.ledger.privacy_answer(
            request.id, name, "refused" if isinstance(error, IntegrationError) else "failed", words
        )
        tell(hub, refused_alert(request, name, words, hint))
        return f"{name}: {words}"
    hub.ledger.privacy_answer(request.id, name, FORGOTTEN, "; ".join(said) or "nobody is named in these orders")
    hub.ledger.clear_alert(f"privacy:{request.id}:{name}")
    return ""


def was_asked(hub: Hub, request: PrivacyRequest, name: str) -> bool:
    """Whether it was asked, and given nothing since."""
    brought = hub.ledger.brought_of(request.subjects).get(name)
    asked = [
        one.at for one in hub.ledger.privacy_answers(request.id) if (one.destination, one.outcome) == (name, FORGOTTEN)
    ]
    return bool(asked) and (brought is None or max(asked) >= brought.last)


def left_to_people(hub: Hub, request: PrivacyRequest) -> dict[str, dict[str, str]]:
    """Destinations that hold something of these orders and cannot forget by API, with their documents by order."""
    found = {}
    for name, brought in hub.ledger.brought_of(request.subjects).items():
        if name not in hub.stack.connections or not isinstance(hub.client(name), Forgetting):
            found[name] = brought.documents
    return found


def in_short(documents: dict[str, dict[str, str]]) -> str:
    """Where, and which orders: "warehouse: #1001 (se-1), #1002"."""
    said = []
    for name, by_order in sorted(documents.items()):
        orders = ", ".join(f"{label} ({key})" if key else label for label, key in sorted(by_order.items()))
        said.append(f"{name}: {orders}")
    return "; ".join(said)


def wait_for(hub: Hub, request: PrivacyRequest, waits: Sequence[tuple[str, str, str]]) -> str:
    """Nothing is forgotten before it has arrived; a person is told when only a person can help it along."""
    paused = {pause.connection for pause in hub.ledger.paused()}
    stuck = [(name, label) for name, label, state in waits if state == "held" or name in paused]
    reason = "not delivered yet: " + ", ".join(f"{label} to {name}" for name, label, _ in sorted(waits))
    todo = "release or dismiss them: backroom held list" if stuck else ""
    return wait(hub, request, reason, SOON, todo=todo)


def wait(hub: Hub, request: PrivacyRequest, reason: str, after: float, *, todo: str = "") -> str:
    """Come back to it; after a day somebody is told, at once when there is something to do."""
    hub.ledger.privacy_later(request.id, reason, after)
    if todo or hub.ledger.moment_now() - request.received_at > PATIENCE:
        alert = Alert(
            fingerprint=f"privacy:{request.id}:waits",
            severity="warning",
            title=f"privacy request {request.id} waits",
            what=f"{request.kind} at {request.connection} cannot be finished: {reason}",
            todo=todo or f"look with: backroom privacy show {request.id}; it is tried again by itself",
        )
        tell(hub, alert)
    return "waits"


def well_again(hub: Hub, request: PrivacyRequest) -> None:
    """Nothing that hindered the request does so any more."""
    for name in ("waits", *hub.stack.connections):
        hub.ledger.clear_alert(f"privacy:{request.id}:{name}")


def refused_alert(request: PrivacyRequest, name: str, words: str, hint: str) -> Alert:
    """A destination would not forget somebody; orders go on being brought to it."""
    return Alert(
        fingerprint=f"privacy:{request.id}:{name}",
        title=f"{name} did not forget a person (privacy request {request.id})",
        what=words,
        todo=f"{hint + '; ' if hint else ''}the hub asks again every hour; "
        f"look with: backroom privacy show {request.id}",
    )


def hand_alert(request: PrivacyRequest, by_hand: dict[str, dict[str, str]]) -> Alert:
    """What only a person can do. Names orders and documents, never the person."""
    return Alert(
        fingerprint=f"privacy:{request.id}",
        title=f"privacy request {request.id}: forget a person by hand",
        what=f"{request.kind} at {request.connection}; these have no way to be asked by the hub: {in_short(by_hand)}",
        todo="delete the person there, or what the law lets you delete: books have to keep their documents for years; "
        f"within 30 days of {request.received_at:%Y-%m-%d}; then: backroom privacy done {request.id} --note '…'",
    )


def tell_of_question(hub: Hub, request: PrivacyRequest) -> str:
    """Somebody wants to know what is known of them."""
    names = ", ".join(destinations(hub, request)) or "nobody"
    alert = Alert(
        fingerprint=f"privacy:{request.id}",
        title=f"privacy request {request.id}: a customer asks for their data",
        what=f"{request.kind} at {request.connection}; the hub has a part of it, {names} may hold more",
        todo=f"run: backroom privacy export {request.id}; answer the customer within 30 days of "
        f"{request.received_at:%Y-%m-%d}; then: backroom privacy done {request.id} --note '…'",
    )
    tell(hub, alert)
    hub.ledger.privacy_settled(request.id, "by hand")
    return "by hand"


def tell_of_shop(hub: Hub, request: PrivacyRequest) -> str:
    """The storefront has removed the app and wants all of its data gone."""
    names = ", ".join(destinations(hub, request)) or "nobody"
    alert = Alert(
        fingerprint=f"privacy:{request.id}",
        title=f"privacy request {request.id}: {request.connection} asks to be forgotten as a whole",
        what=f"{request.kind}: the app was removed from {request.connection}; {names} got its orders",
        todo=f"if the shop is gone: take {request.connection} out of stack.toml, delete the ledger's database and its "
        f"backups, and what is left in the others; if it only changed apps, keep it; then: backroom privacy done "
        f"{request.id} --note '…'",
    )
    tell(hub, alert)
    hub.ledger.privacy_settled(request.id, "by hand")
    return "by hand"


def expire(hub: Hub, at_once: int = AT_ONCE) -> int:
    """Take people out of orders that are older than `hub.forget_after_days`, some at a time; how many this time.

    Once a day; while more are left, each watch goes on.
    """
    now = surely_now(hub)
    last = hub.ledger.cursor("hub", EXPIRED)
    days = hub.stack.hub.forget_after_days
    if not days or not is_due(last, now, EVERY):
        return 0
    before = now - timedelta(days=days)
    sources = sorted({route.source for route in hub.stack.carrying("orders")})
    counts = [hub.ledger.redact_older(source, before, at_once) for source in sources]
    if not any(count == at_once for count in counts):
        hub.ledger.set_cursor("hub", EXPIRED, now)
    return sum(counts)
