"""`backroom check`: every connection looks at itself, and the hub at what holds them together."""

from __future__ import annotations

import functools
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from commerce.errors import HubError, NotConfigured
from commerce.ports import Finding, Subscribing
from tasks import clocks
from tasks.hub import Hub, the_hub
from tasks.mending import hook_address
from tasks.stack import env_file, stack_file


def findings(connection: str | None = None, hub: Hub | None = None) -> Iterator[Finding]:
    """One finding for each thing that was looked at, of one connection or of all; nothing is written anywhere.

    Raises NotConfigured for a connection that stack.toml does not have.
    """
    opened = hub or the_hub()
    if connection is not None:
        opened.stack.connection(connection)
        yield from of_a_connection(opened, connection)
        yield from (one for one in clocks.finding(opened) if not one.ok)
        return
    yield from of_the_hub(opened)
    for name in opened.stack.connections:
        yield from of_a_connection(opened, name)
    yield from of_stock_maps(opened)
    yield from clocks.finding(opened)


def of_a_connection(hub: Hub, name: str) -> Iterator[Finding]:
    """What a connection finds of itself, and whether its vendor sends us webhooks.

    What the webhooks cannot be looked at for, the connection has mostly said already: one advice is one line.
    """
    advice: set[str] = set()
    for finding in looked_at(name, functools.partial(check_one, hub, name)):
        advice |= {finding.hint} if finding.hint and not finding.ok else set()
        yield finding
    yield from looked_at(name, functools.partial(unmapped, hub, name))
    client = opened_or_none(hub, name)
    if hub.stack.hub.receiver and isinstance(client, Subscribing):
        found = looked_at(name, functools.partial(client.check_webhooks, hook_address(hub, name)))
        yield from (finding for finding in found if finding.ok or finding.hint not in advice)


UNMAPPED = ("unmapped_tax", "missing_item", "missing_account")
"""Causes that a map or a name of the destination settles for all their records."""


def unmapped(hub: Hub, name: str) -> Iterator[Finding]:
    """What held records of this destination say is missing in its maps, one line for each cause."""
    waiting: dict[str, list[str]] = {}
    for record in hub.ledger.held(name):
        if record.cause in UNMAPPED:
            waiting.setdefault(record.cause, []).append(record.reason.partition(": ")[2] or record.reason)
    for cause, reasons in waiting.items():
        words = "; ".join(sorted(set(reasons)))
        hint = f"add it to the maps of {name}, then: backroom held release --cause {cause} --destination {name}"
        yield Finding(subject=cause.replace("_", " "), ok=False, message=f"{len(reasons)} held: {words}", hint=hint)


def check_one(hub: Hub, connection: str) -> Iterator[Finding]:
    """What a connection finds of itself; opening it is part of the look."""
    yield from hub.client(connection).check()


def looked_at(name: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """What one look finds, said to be about `name`; when it cannot be taken, that is what it found."""
    try:
        for finding in look():
            yield finding.model_copy(update={"subject": f"{name}: {finding.subject}"})
    except HubError as error:
        yield Finding(subject=name, ok=False, message=str(error), hint=error.hint)


def of_the_hub(hub: Hub) -> Iterator[Finding]:
    """The ledger, its library, and the file with the secrets."""
    yield hub.ledger.check()
    for pause in hub.ledger.paused():
        yield Finding(
            subject=pause.connection,
            ok=False,
            message=f"paused: {pause.reason}",
            hint=pause.hint or f"fix it, then: backroom resume {pause.connection}",
        )
    env = env_file(stack_file())
    if env.exists() and env.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        yield Finding(subject=".env", ok=False, message="others can read your secrets", hint=f"chmod 600 {env}")


def of_stock_maps(hub: Hub) -> Iterator[Finding]:
    """Whether each stock route says where its locations belong."""
    for route in hub.stack.carrying("stock"):
        mapped = bool(route.stock.locations)
        yield Finding(
            subject=route.name,
            ok=mapped,
            message=f"{len(route.stock.locations)} inventory locations are mapped"
            if mapped
            else "no location is mapped",
            hint="" if mapped else f"fill routes.{route.name}.stock.locations in stack.toml",
        )
        storefront = opened_or_none(hub, route.destination)
        if mapped and hasattr(storefront, "check_locations"):
            places = sorted(set(route.stock.locations.values()))
            yield from looked_at(route.name, functools.partial(storefront.check_locations, places))


def opened_or_none(hub: Hub, connection: str) -> Any:
    """The client, None when it cannot even be opened (its own check says why)."""
    try:
        return hub.client(connection)
    except HubError:
        return None


def ensure_webhooks(hub: Hub | None = None) -> list[tuple[str, str, str, str]]:
    """Subscribe every vendor that can be subscribed to by API, and repair; repeating is harmless.

    For each topic: connection, topic, what was done, and the address it is sent to.

    Raises NotConfigured when stack.toml does not say where the receiver is reached. A vendor that refuses keeps no
    other from being subscribed; its error is raised at the end.
    """
    opened = hub or the_hub()
    if not opened.stack.hub.receiver:
        raise NotConfigured("hub.receiver", "is not set", hint="say where vendors reach the webhook receiver")
    done: list[tuple[str, str, str, str]] = []
    failures: list[HubError] = []
    for name in opened.stack.connections:
        client = opened.client(name)
        if isinstance(client, Subscribing):
            address = hook_address(opened, name)
            try:
                done += [(name, topic, what, address) for topic, what in client.ensure_webhooks(address).items()]
            except HubError as error:
                failures.append(error)
    if failures:
        raise failures[0]
    return done
