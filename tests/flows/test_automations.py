"""Prefect's server takes our automations, once each, and does what they say when nobody of ours runs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prefect import get_client
from prefect.blocks.notifications import SlackWebhook
from prefect.client.schemas.objects import StateType
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import Automation
from prefect.states import Late, Pending, Running

from commerce.errors import NotConfigured
from deployments.automations import (
    GONE_RUN,
    LATE_RUN,
    deploy_automations,
    gone_run,
    missed_schedule,
    put,
    same,
)
from flows.drain_inbox import drain_inbox
from flows.watch import watch

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]

WINDOW = timedelta(seconds=10)
"""The shortest that Prefect takes."""


def test_they_are_made_once_brought_up_to_date_and_never_doubled() -> None:
    async def story() -> None:
        async with get_client() as client:
            # given nothing deployed, it says what is missing
            with pytest.raises(NotConfigured, match="watch/watch: is not deployed"):
                await deploy_automations(client)
            await client.create_deployment(flow_id=await client.create_flow(watch), name="watch", tags=["backroom"])
            # when they are deployed again and again
            assert await deploy_automations(client) == {LATE_RUN: "created", GONE_RUN: "created"}
            assert await deploy_automations(client) == {LATE_RUN: "up to date", GONE_RUN: "up to date"}
            assert await deploy_automations(client, minutes=20) == {LATE_RUN: "updated", GONE_RUN: "up to date"}
            # and when somebody made one twice
            [late] = await client.read_automations_by_name(LATE_RUN)
            await client.create_automation(missed_schedule(WINDOW, late.actions[0], each_deployment=True))
            await deploy_automations(client, minutes=20)
            # then there is one of each, as the last deployment wanted it
            kept = {one.name: one for one in await client.read_automations()}
            assert set(kept) == {LATE_RUN, GONE_RUN}
            assert len(await client.read_automations()) == 2
            assert kept[LATE_RUN].trigger.within == timedelta(minutes=20)  # type: ignore[union-attr]
            # and a notification block may take the place of the watch
            with pytest.raises(NotConfigured, match="Prefect has no block 'slack-webhook/backroom'"):
                await deploy_automations(client, notify="slack-webhook/backroom")
            hook = SlackWebhook(url="https://hooks.slack.example/T0/B0/x")
            await hook.save("backroom")
            assert (await deploy_automations(client, notify="slack-webhook/backroom"))[LATE_RUN] == "updated"
            [late] = await client.read_automations_by_name(LATE_RUN)
            assert late.actions[0].type == "send-notification"
            for one in await client.read_automations():
                await client.delete_automation(one.id)

    asyncio.run(story())


def test_the_order_in_which_the_server_names_the_events_is_no_difference() -> None:
    # given so many events that two sets of them are hardly ever written in the same order
    names = [f"event {number}" for number in range(500)]
    wanted = gone_run(WINDOW)
    wanted.trigger.expect = set(names)  # type: ignore[union-attr]
    # when the server tells them in another order, or one fewer
    told = wanted.model_dump(mode="json") | {"id": str(uuid4())}
    known, fewer = (
        Automation.model_validate(told | {"trigger": told["trigger"] | {"expect": some}})
        for some in (names[::-1], names[1:])
    )
    # then only the second is not the same
    assert same(known, wanted)
    assert not same(fewer, wanted)


def test_the_server_acts_on_a_late_run_and_on_a_run_that_stopped() -> None:
    async def story() -> None:
        async with get_client() as client:
            # given a deployment of ours, a shorter patience, and nobody who runs anything
            watching = await client.create_deployment(
                flow_id=await client.create_flow(watch), name="watch", tags=["backroom"]
            )
            working = await client.create_deployment(
                flow_id=await client.create_flow(drain_inbox), name="drain-inbox", tags=["backroom"]
            )
            late = missed_schedule(
                WINDOW, RunDeployment(source="selected", deployment_id=watching), each_deployment=True
            )
            for one in (late, gone_run(WINDOW)):
                await put(client, one)
            # when a run is late, and another has given one sign of life and no more
            due = await client.create_flow_run_from_deployment(watching)
            await client.set_flow_run_state(due.id, Late(scheduled_time=datetime.now(UTC)))
            dead = await client.create_flow_run_from_deployment(working)
            await client.set_flow_run_state(dead.id, Pending())
            await client.set_flow_run_state(dead.id, Running())
            one_beat(dead.id, working)
            # then the server itself starts the watch, and marks the dead one
            for _ in range(90):
                runs = {run.id: run for run in await client.read_flow_runs()}
                started = [run for run in runs.values() if run.created_by and run.created_by.type == "AUTOMATION"]
                if started and runs[dead.id].state_type == StateType.CRASHED:
                    break
                await asyncio.sleep(0.5)
            assert runs[dead.id].state_type == StateType.CRASHED, runs[dead.id].state
            assert [run.deployment_id for run in started] == [watching]
            assert runs[due.id].state_type == StateType.SCHEDULED

    asyncio.run(story())


def one_beat(run: object, deployment: object) -> None:
    """A sign of life, as Prefect's engine gives it."""
    from prefect.events import emit_event

    emit_event(
        "prefect.flow-run.heartbeat",
        resource={"prefect.resource.id": f"prefect.flow-run.{run}"},
        related=[
            {"prefect.resource.id": f"prefect.deployment.{deployment}", "prefect.resource.role": "deployment"},
            {"prefect.resource.id": "prefect.tag.backroom", "prefect.resource.role": "tag"},
        ],
        occurred=datetime.now(UTC),
    )
