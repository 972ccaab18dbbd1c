"""Killed runs, slots that nobody holds and hours without a worker, against a Prefect server of our own."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from prefect import flow, get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy, FlowRun, StateType
from prefect.events import emit_event
from prefect.events.worker import EventsWorker
from prefect.states import Completed, Pending, Running, Scheduled

from tasks.running import LABEL, Process
from tasks.tidying import HEARD_FROM, SAYS_WITHIN, SILENCE, Tidied, tidy

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]


@flow
def some_sync() -> None:
    """Never called: its runs are only told of."""


Told = Callable[[PrefectClient, UUID], Awaitable[None]]


def told(story: Told, tags: tuple[str, ...] = ("backroom",)) -> None:
    """Tell a story with a deployment that takes one run at a time; it is gone afterwards."""

    async def tell() -> None:
        async with get_client() as client:
            limit = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
            deployment = await client.create_deployment(
                flow_id=await client.create_flow(some_sync),
                name="some-sync",
                tags=list(tags),
                concurrency_limit=1,
                concurrency_options={"collision_strategy": limit.collision_strategy},
            )
            try:
                await story(client, deployment)
            finally:
                await client.delete_deployment(deployment)

    asyncio.run(tell())


async def started(client: PrefectClient, deployment: UUID, process: str = "") -> FlowRun:
    """A run that a worker has taken and that says where it lives."""
    run = await client.create_flow_run_from_deployment(deployment)
    await client.set_flow_run_state(run.id, Pending())
    if process:
        await client.set_flow_run_state(run.id, Running())
        await client.update_flow_run_labels(run.id, {LABEL: process})
    return await client.read_flow_run(run.id)


async def slots(client: PrefectClient, deployment: UUID) -> int:
    """How many of the deployment's slots count as taken."""
    limit = (await client.read_deployment(deployment)).global_concurrency_limit
    assert limit is not None
    return limit.active_slots


async def state(client: PrefectClient, run: FlowRun) -> tuple[StateType | None, str]:
    """Type and message of the run's state."""
    found = await client.read_flow_run(run.id)
    return found.state_type, (found.state.message if found.state else "") or ""


async def runs_of(client: PrefectClient, deployment: UUID) -> list[FlowRun]:
    """All its runs."""
    which = FlowRunFilterDeploymentId(any_=[deployment])
    return await client.read_flow_runs(flow_run_filter=FlowRunFilter(deployment_id=which))


def waited(run: FlowRun) -> int:
    """For how many minutes its start has been due."""
    assert run.expected_start_time is not None
    return round((datetime.now(UTC) - run.expected_start_time).total_seconds() / 60)


async def due(client: PrefectClient, deployment: UUID, *ago: int, by_hand: bool = False, **parameters: Any) -> None:
    """Runs that should have started so many minutes ago."""
    for minutes in ago:
        moment = datetime.now(UTC) - timedelta(minutes=minutes)
        made = await client.create_flow_run_from_deployment(
            deployment, state=Scheduled(scheduled_time=moment), parameters=parameters
        )
        if not by_hand:
            await as_a_schedule_would(made.id)


async def as_a_schedule_would(run: UUID) -> None:
    """Only the server's own scheduler sets this; it makes no runs of the past."""
    import sqlalchemy
    from prefect.server.database import provide_database_interface

    db = provide_database_interface()
    async with db.session_context(begin_transaction=True) as session:
        await session.execute(sqlalchemy.update(db.FlowRun).where(db.FlowRun.id == run).values(auto_scheduled=True))


def test_a_run_whose_process_was_killed_is_crashed_and_its_slot_is_free() -> None:
    # given a run in a process of its own, which is killed
    command = [sys.executable, "-c", "from tasks.running import Process; print(Process.this(), flush=True); input()"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lives_in = process.stdout.readline().strip()

    async def story(client: PrefectClient, deployment: UUID) -> None:
        run = await started(client, deployment, lives_in)
        # when the sweep comes while it lives
        assert await tidy(client) == Tidied()
        assert (await state(client, run))[0] == StateType.RUNNING
        # and after it was killed
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert await slots(client, deployment) == 1
        assert await tidy(client) == Tidied(crashed=1)
        # then it counts as crashed, with the reason, and the next run of the deployment can start at once
        kind, words = await state(client, run)
        assert (kind, words.partition(";")[0]) == (StateType.CRASHED, "its process is gone")
        assert await slots(client, deployment) == 0
        assert (await started(client, deployment, str(Process.this()))).state_type == StateType.RUNNING

    told(story)


def test_a_run_on_another_machine_is_over_only_when_it_was_not_heard_of_for_long() -> None:
    elsewhere = Process.this().model_copy(update={"machine": "other/1"})

    async def story(client: PrefectClient, deployment: UUID) -> None:
        run = await started(client, deployment, str(elsewhere))
        now = datetime.now(UTC)
        # while it is young, nothing can be said
        assert await tidy(client, now) == Tidied()
        # nor while the server has heard of nobody: it may have been down itself
        later = now + SILENCE + timedelta(minutes=1)
        assert await tidy(client, later) == Tidied()
        # nor while the run gives signs of life
        await beat(client, run.id, later - timedelta(minutes=1))
        await beat(client, UUID(int=1), later - HEARD_FROM - timedelta(minutes=1))
        assert await tidy(client, later) == Tidied()
        # but when others are heard and it is not
        much_later = later + SILENCE
        await beat(client, UUID(int=1), much_later - HEARD_FROM - timedelta(minutes=1))
        assert await tidy(client, much_later) == Tidied(crashed=1)
        kind, words = await state(client, run)
        assert (kind, words.partition(";")[0]) == (StateType.CRASHED, "no sign of life for 10 minutes")
        assert await slots(client, deployment) == 0

    told(story)


async def beat(client: PrefectClient, run: UUID, occurred: datetime) -> None:
    """A sign of life, as the engine gives it; waits until the server has kept it."""
    from prefect.events.filters import EventFilter, EventNameFilter, EventOccurredFilter

    name = "prefect.flow-run.heartbeat"
    emit_event(name, resource={"prefect.resource.id": f"prefect.flow-run.{run}"}, occurred=occurred)
    await EventsWorker.instance().drain()
    wanted = EventFilter(
        occurred=EventOccurredFilter(since=occurred, until=occurred), event=EventNameFilter(name=[name])
    )
    for _ in range(200):
        if (await client.read_events(wanted, limit=1)).events:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the server did not keep the sign of life")


@pytest.mark.parametrize("began", [False, True])
def test_a_run_that_never_said_where_it_lives_is_over_as_well(began: bool) -> None:
    async def story(client: PrefectClient, deployment: UUID) -> None:
        # given a run whose worker was killed before it started a process for it, or whose process was at its start
        run = await started(client, deployment)
        if began:
            await client.set_flow_run_state(run.id, Running())
        now = datetime.now(UTC)
        # while it may still be on its way, nothing is done
        assert await tidy(client, now + SAYS_WITHIN - timedelta(seconds=10)) == Tidied()
        # then it is over, although nobody was heard of meanwhile, and its slot is free
        assert await tidy(client, now + SAYS_WITHIN + timedelta(seconds=10)) == Tidied(crashed=1)
        kind, words = await state(client, run)
        assert (kind, words.partition(";")[0]) == (StateType.CRASHED, "it never said where it lives")
        assert await slots(client, deployment) == 0
        # and should it begin all the same, it may
        await client.set_flow_run_state(run.id, Running())
        assert (await state(client, run))[0] == StateType.RUNNING
        await client.set_flow_run_state(run.id, Completed())

    told(story)


def test_a_slot_that_no_run_holds_is_freed_and_one_that_is_held_is_not() -> None:
    async def story(client: PrefectClient, deployment: UUID) -> None:
        # given a server that was restarted and has forgotten its leases, not their count
        limit = (await client.read_deployment(deployment)).global_concurrency_limit
        assert limit is not None
        await client.update_global_concurrency_limit(limit.name, GlobalConcurrencyLimitUpdate(active_slots=1))
        run = await client.create_flow_run_from_deployment(deployment)
        await client.set_flow_run_state(run.id, Pending())
        assert (await state(client, run))[0] == StateType.CANCELLED  # every run, for ever
        # when the sweep comes
        assert await tidy(client) == Tidied(freed=1)
        # then runs start again, and theirs is left alone
        running = await started(client, deployment, str(Process.this()))
        assert await tidy(client) == Tidied()
        assert await slots(client, deployment) == 1
        await client.set_flow_run_state(running.id, Completed())

    told(story)


def test_two_hours_without_a_worker_are_made_good_by_one_run() -> None:
    async def story(client: PrefectClient, deployment: UUID) -> None:
        # given runs that a schedule made and nobody started, another with other parameters, and one that a person wants
        await due(client, deployment, *range(0, 120, 5), route="east")
        await due(client, deployment, 7, route="west")
        await due(client, deployment, 30, by_hand=True, route="east")
        await client.create_flow_run_from_deployment(
            deployment, state=Scheduled(scheduled_time=datetime.now(UTC) + timedelta(hours=1))
        )
        # when the sweep comes, twice
        assert await tidy(client) == Tidied(collapsed=23)
        assert await tidy(client) == Tidied()
        # then the oldest of each is left, so that it still shows since when they wait, and what was asked for by hand
        left = [run for run in await runs_of(client, deployment) if run.state_type == StateType.SCHEDULED]
        waits = sorted(waited(run) for run in left)
        assert waits == [-60, 7, 30, 115]
        cancelled = [run for run in await runs_of(client, deployment) if run.state_type == StateType.CANCELLED]
        assert len(cancelled) == 23
        assert all("brings its records too" in str(run.state) for run in cancelled)

    told(story)


def test_runs_of_other_projects_are_left_alone() -> None:
    async def story(client: PrefectClient, deployment: UUID) -> None:
        gone = Process.this().model_copy(update={"number": 2**22 + 1, "began": "1"})
        await due(client, deployment, 10, 5)
        await started(client, deployment, str(gone))
        assert await tidy(client) == Tidied()

    told(story, tags=("theirs",))
