"""Tidying up in Prefect: runs whose process is gone, slots that nobody holds, and runs that all ask for the same.

None of it is needed for any record to arrive exactly once: claims in the ledger end by themselves. It is needed so that
the next run can start, and so that two hours without a worker are made good by one run and not by sixty.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterNextScheduledStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import FlowRunSort
from prefect.events.filters import EventFilter, EventNameFilter, EventOccurredFilter, EventResourceFilter
from prefect.states import Cancelled, Crashed

from tasks.running import LABEL, Process

log = logging.getLogger(__name__)

TAG = "backroom"
BEAT = "prefect.flow-run.heartbeat"

SILENCE = timedelta(minutes=10)
"""A run that was not heard of for so long is gone: Prefect's runs give a sign of life every 3 minutes."""

SAYS_WITHIN = timedelta(minutes=1)
"""A run that was due or began so long ago and has not said where it lives was killed before it could: a run says so in
its first second. Should it come all the same, on infrastructure that starts slowly, Prefect lets it leave Crashed."""

HEARD_FROM = timedelta(minutes=4)
"""The server must have heard of somebody longer ago than this: what it missed while it was down is nobody's silence."""

HOLDS_A_SLOT = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)

MANY = 200


@dataclass(frozen=True)
class Tidied:
    """How much there was to do."""

    crashed: int = 0
    collapsed: int = 0
    freed: int = 0

    def counts(self) -> Counter[str]:
        """For a tally."""
        found = {"gone runs": self.crashed, "late runs collapsed": self.collapsed, "slots freed": self.freed}
        return Counter({name: count for name, count in found.items() if count})


async def tidy(client: PrefectClient, now: datetime | None = None) -> Tidied:
    """Mark dead runs as crashed, free slots that nobody holds, and leave one late run of each deployment."""
    now = now or datetime.now(UTC)
    crashed = await mark_the_gone(client, now)
    freed = await free_slots(client)
    return Tidied(crashed, await collapse(client, now), freed)


async def mark_the_gone(client: PrefectClient, now: datetime) -> int:
    """Runs that count as running although their process is gone become Crashed, which frees their slots."""
    marked = 0
    for run in await ours(client, *HOLDS_A_SLOT):
        why = await is_gone(client, run, now)
        if not why:
            continue
        newest = await client.read_flow_run(run.id)
        if newest.state_type not in HOLDS_A_SLOT:
            continue
        await client.set_flow_run_state(run.id, Crashed(message=why))
        log.warning("%s (%s) was marked as crashed: %s", run.name, run.id, why)
        marked += 1
    return marked


async def is_gone(client: PrefectClient, run: FlowRun, now: datetime) -> str:
    """Why a run is surely over; empty while it may live."""
    process = Process.read(str(run.labels.get(LABEL) or ""))
    alive = process.lives() if process else None
    if alive is not None:
        return "" if alive else "its process is gone; whatever it had claimed is free again"
    changed = run.state.timestamp if run.state else run.created or now
    due = max(changed, run.expected_start_time or changed)  # a worker takes runs some seconds ahead
    if not process and run.state_type in (StateType.PENDING, StateType.RUNNING) and now - due >= SAYS_WITHIN:
        return "it never said where it lives; its process or its worker was killed at the start"
    if now - changed < SILENCE or await heard_of(client, now, run.id):
        return ""
    if not await heard_of(client, now - HEARD_FROM):
        return ""
    return f"no sign of life for {SILENCE.total_seconds() / 60:.0f} minutes; whatever it had claimed is free again"


async def heard_of(client: PrefectClient, until: datetime, run: UUID | None = None) -> bool:
    """Whether this run, or any, gave a sign of life within the silence that ends now, and before `until`."""
    which = {"id": [f"prefect.flow-run.{run}"]} if run else {"id_prefix": ["prefect.flow-run."]}
    since = until - SILENCE if run else until + HEARD_FROM - SILENCE
    wanted = EventFilter(
        occurred=EventOccurredFilter(since=since, until=until),
        event=EventNameFilter(name=[BEAT]),
        resource=EventResourceFilter(**which),
    )
    return bool((await client.read_events(wanted, limit=1)).events)


async def free_slots(client: PrefectClient) -> int:
    """Slots that count as taken although no run holds them: a server that keeps its leases in memory forgets them."""
    freed = 0
    async for deployment in deployments(client):
        limit = deployment.global_concurrency_limit
        if limit is None or not limit.active_slots or await holders(client, deployment.id):
            continue
        again = await client.read_deployment(deployment.id)
        still = again.global_concurrency_limit
        if still is None or not still.active_slots or await holders(client, deployment.id):
            continue
        await client.update_global_concurrency_limit(limit.name, GlobalConcurrencyLimitUpdate(active_slots=0))
        log.warning("%s had a slot that no run holds; it is free again", deployment.name)
        freed += 1
    return freed


async def collapse(client: PrefectClient, now: datetime) -> int:
    """Of a deployment's scheduled runs that are due, leave the oldest: it brings what the others would have brought.

    The oldest, because it is served first and tells since when its schedule is late. Only runs that a schedule made,
    and only those with the same parameters; what a person asked for stays.
    """
    cancelled = 0
    oldest: dict[tuple[UUID | None, str], FlowRun] = {}
    for run in await due_runs(client, now):
        first = oldest.setdefault(same(run), run)
        if first.id == run.id:
            continue
        words = f"the run that was due at {first.next_scheduled_start_time:%Y-%m-%d %H:%M} UTC brings its records too"
        await client.set_flow_run_state(run.id, Cancelled(message=words))
        cancelled += 1
    return cancelled


def same(run: FlowRun) -> tuple[UUID | None, str]:
    """Runs that would do the same."""
    return run.deployment_id, json.dumps(run.parameters, sort_keys=True, default=str)


async def due_runs(client: PrefectClient, now: datetime) -> list[FlowRun]:
    """Runs that a schedule made and that should have started, oldest first."""
    wanted = of_ours([StateType.SCHEDULED], next_scheduled_start_time=FlowRunFilterNextScheduledStartTime(before_=now))
    by_time = FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC
    found: list[FlowRun] = []
    while page := await client.read_flow_runs(flow_run_filter=wanted, sort=by_time, limit=MANY, offset=len(found)):
        found += page
    return [run for run in found if run.auto_scheduled]


async def ours(client: PrefectClient, *kinds: StateType) -> Sequence[FlowRun]:
    """Runs of ours in these states."""
    return await client.read_flow_runs(flow_run_filter=of_ours(kinds), limit=MANY)


def of_ours(kinds: Iterable[StateType], **more: Any) -> FlowRunFilter:
    """A filter for runs that carry our tag."""
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=list(kinds)))
    return FlowRunFilter(tags=FlowRunFilterTags(all_=[TAG]), state=state, **more)


async def holders(client: PrefectClient, deployment: UUID) -> bool:
    """Whether any run of the deployment holds a slot, ours or not."""
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=list(HOLDS_A_SLOT)))
    wanted = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment]), state=state)
    return bool(await client.read_flow_runs(flow_run_filter=wanted, limit=1))


async def deployments(client: PrefectClient) -> AsyncIterator[DeploymentResponse]:
    """Deployments of ours."""
    for deployment in await client.read_deployments(limit=MANY):
        if TAG in deployment.tags:
            yield deployment
