"""How every flow begins and ends: it says so in the ledger, and leaves one table and one readable state."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import acreate_table_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from commerce.errors import HubError, NotConfigured
from tasks.alerting import in_words
from tasks.hub import the_hub
from tasks.running import LABEL, Process
from tasks.stack import Route
from tasks.steps import HISTORY_FOR, deliver
from tasks.tally import Tally
from tasks.tidying import mark_the_gone


def run_name() -> str:
    """A flow run's name: its route and ends, e.g. "orders-to-shipping: shop to warehouse"."""
    name = str(flow_run.parameters.get("route") or "")
    try:
        route = the_hub().stack.route(name)
    except HubError:
        return name or "misconfigured"
    return f"{route.name}: {route.source} to {route.destination}"


@asynccontextmanager
async def told(name: str) -> AsyncIterator[Tally]:
    """Note in the ledger that the route runs, and how it ended; the tally is filled by the story."""
    ledger = the_hub().ledger
    tally = Tally()
    await keep_house()
    await asyncio.to_thread(ledger.route_started, name)
    try:
        yield tally
    except BaseException as error:
        words = in_words(error)
        await asyncio.to_thread(ledger.route_finished, name, False, dict(tally.counts), words)
        raise
    finally:
        await asyncio.to_thread(ledger.flush_calls)
    await asyncio.to_thread(ledger.route_finished, name, not tally.paused, dict(tally.counts), tally.paused)


async def keep_house() -> None:
    """Label the flow run with its process, and mark other runs of ours as crashed whose process is gone: such a run
    keeps its deployment's slot for minutes, and it may be that of watch itself. No run fails for any of it."""
    with suppress(Exception):
        async with get_client() as client:
            await client.update_flow_run_labels(UUID(str(flow_run.id)), {LABEL: str(Process.this())})
            await mark_the_gone(client, datetime.now(UTC))


async def read_and_deliver(ends: Route, record: Callable[[str], Awaitable[Tally]], tally: Tally) -> None:
    """Record what is new at the route's source and bring everything that is due, counting both. By turns: history may
    take hours, and what happens meanwhile is not to wait for it.
    """
    while True:
        tally += await record(ends.source)
        brought = await deliver(ends.destination, HISTORY_FOR)
        tally += brought
        if not brought.cut_short:
            return


async def deliver_each(destinations: Sequence[str], history_for: float | None = None) -> Tally:
    """Deliver to each of them; one that is down costs the others nothing. Raises the first failure at the end."""
    tally = Tally()
    failures: list[Exception] = []
    for destination in destinations:
        try:
            tally += await deliver(destination, history_for)
        except Exception as error:  # noqa: BLE001  whatever it is, the other destinations go on
            failures.append(error)
    if failures:
        raise failures[0]
    return tally


async def finish(name: str, tally: Tally) -> State[None]:
    """One table artifact, and a state that says what happened: red when a connection is paused."""
    words = tally.says()
    counts = [{"what": key, "how many": value} for key, value in sorted(tally.counts.items())]
    table = tally.rows or counts or [{"what": "nothing to do", "how many": 0}]
    await acreate_table_artifact(key=f"{slug(name)}-result", table=table, description=f"**{name}**: {words}")
    get_run_logger().info("%s: %s", name, words)
    if tally.paused:
        return Failed(message=f"paused, work is kept: {tally.paused}")
    waits = tally.counts["held"] + tally.counts["unreadable"]
    return Completed(message=words, name=f"Completed, {waits} held" if waits else None)


def slug(name: str) -> str:
    """A route's name as Prefect takes it for an artifact: a-z, 0-9 and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "route"


def the_route(name: str, carries: str) -> Route:
    """The route that a flow was asked to run. Raises NotConfigured when it carries something else."""
    route = the_hub().stack.route(name)
    if route.carries != carries:
        raise NotConfigured(f"routes.{name}.carries", f"is {route.carries!r}, this flow brings {carries}")
    return route
