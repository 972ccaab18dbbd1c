"""What Prefect's server itself tells, and tidies up, when no worker of ours is there to do it.

Nothing depends on these: the hub's own watch, the ledger and the receiver's health page say and do the same without
them (docs/decisions/0008-automations-are-a-second-net.md).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ActionTypes, ChangeFlowRunState, RunDeployment, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL

from commerce.errors import NotConfigured
from tasks.tidying import BEAT, SILENCE, TAG, tidy

LATE_RUN = "backroom: a schedule did not run"
GONE_RUN = "backroom: a run stopped giving signs of life"

ENDS = ("Completed", "Failed", "Cancelled", "Crashed")

SUBJECT = "{{ automation.name }}"
BODY = (
    "Runs are late and none has begun, although some should have. See whether a worker of the pool is online: "
    "prefect work-pool inspect backroom. Nothing is lost: orders are read when it is back."
)


async def deploy_automations(client: PrefectClient, *, minutes: int = 10, notify: str = "") -> dict[str, str]:
    """Create our automations, or bring those of the same name up to date; what was done, by name.

    With `notify`, the name of a notification block of Prefect, e.g. "slack-webhook/backroom", its server calls that
    when runs are late and none of ours has begun for `minutes`: one message each time, whatever is late. Without one it
    starts a run of watch when one deployment's runs are late so long; that tells by the hub's own channels, but not
    while there is no worker. Raises NotConfigured for a block or a deployment that Prefect does not have.
    """
    within = timedelta(minutes=minutes)
    action = await telling(client, notify)
    wanted = [missed_schedule(within, action, each_deployment=not notify), gone_run(SILENCE)]
    return {one.name: await put(client, one) for one in wanted}


async def put(client: PrefectClient, wanted: AutomationCore) -> str:
    """Create it, or update the one of this name. More of the same name are of no use and are deleted."""
    known = await client.read_automations_by_name(wanted.name)
    for double in known[1:]:
        await client.delete_automation(double.id)
    if not known:
        await client.create_automation(wanted)
        return "created"
    if same(known[0], wanted):
        return "up to date"
    await client.update_automation(known[0].id, wanted)
    return "updated"


def same(known: AutomationCore, wanted: AutomationCore) -> bool:
    """Whether what the server has says the same.

    Compared as values, not as JSON: the events that a trigger names are sets, and two equal sets may be written in
    different orders.
    """
    return AutomationCore.model_validate(known.model_dump(exclude={"id"})) == wanted


async def telling(client: PrefectClient, notify: str) -> ActionTypes:
    """What to do when a schedule was missed."""
    if not notify:
        try:
            watch = await client.read_deployment_by_name("watch/watch")
        except ObjectNotFound as error:
            raise NotConfigured("watch/watch", "is not deployed", hint="prefect --no-prompt deploy --all") from error
        return RunDeployment(source="selected", deployment_id=watch.id, parameters=None)
    return SendNotification(block_document_id=await block(client, notify), subject=SUBJECT, body=BODY)


async def block(client: PrefectClient, notify: str) -> UUID:
    """The id of a notification block."""
    kind, _, name = notify.partition("/")
    try:
        return (await client.read_block_document_by_name(name, kind, include_secrets=False)).id
    except ObjectNotFound as error:
        hint = "make one in Prefect's UI under Blocks, and name it as type/name, e.g. slack-webhook/backroom"
        raise NotConfigured("--notify", f"Prefect has no block {notify!r}", hint=hint) from error


def missed_schedule(within: timedelta, action: ActionTypes, *, each_deployment: bool) -> AutomationCore:
    """A run is late, and for so long none has begun: none of the same deployment, or none of ours at all."""
    which = "of its deployment" if each_deployment else "of any deployment"
    return AutomationCore(
        name=LATE_RUN,
        description=f"For {in_minutes(within)} after a run became late, no run {which} has begun.",
        trigger=EventTrigger(
            posture=Posture.Proactive,
            after=of_runs("Late"),
            expect=of_runs("Running", *ENDS),
            match=any_run(),
            match_related=our_tag(),
            for_each={"related:deployment:prefect.resource.id"} if each_deployment else set(),
            threshold=1,
            within=within,
        ),
        actions=[action],
    )


def gone_run(silence: timedelta) -> AutomationCore:
    """A run has given signs of life, and then neither one more nor an end."""
    words = f"no sign of life for {in_minutes(silence)}"
    return AutomationCore(
        name=GONE_RUN,
        description=f"After a sign of life, {words}; one comes every 180 seconds.",
        trigger=EventTrigger(
            posture=Posture.Proactive,
            after={BEAT},
            expect={BEAT, *of_runs(*ENDS)},
            match=any_run(),
            match_related=our_tag(),
            for_each={"prefect.resource.id"},
            threshold=1,
            within=silence,
        ),
        actions=[ChangeFlowRunState(name=None, state=StateType.CRASHED, message=words, force=False)],
    )


def in_minutes(span: timedelta) -> str:
    """E.g. "10 minutes"."""
    return f"{span.total_seconds() / 60:g} minutes"


def of_runs(*states: str) -> set[str]:
    """The names of the events that tell of these states."""
    return {f"prefect.flow-run.{state}" for state in states}


def any_run() -> ResourceSpecification:
    """Events about flow runs."""
    return ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"})


def our_tag() -> ResourceSpecification:
    """Events about what carries our tag."""
    return ResourceSpecification({"prefect.resource.id": f"prefect.tag.{TAG}", "prefect.resource.role": "tag"})


def deploy_now(minutes: int, notify: str) -> dict[str, str]:
    """`deploy_automations` at the server that `PREFECT_API_URL` names."""

    async def deploy() -> dict[str, str]:
        async with the_server() as client:
            return await deploy_automations(client, minutes=minutes, notify=notify)

    return asyncio.run(deploy())


def tidy_now() -> Counter[str]:
    """`tidy` at the server that `PREFECT_API_URL` names: how much of what there was to do."""

    async def tidied() -> Counter[str]:
        async with the_server() as client:
            return (await tidy(client)).counts()

    return asyncio.run(tidied())


@asynccontextmanager
async def the_server() -> AsyncIterator[PrefectClient]:
    """A client of a server that runs. Raises NotConfigured when none answers: Prefect would start one for itself."""
    url = PREFECT_API_URL.value()
    if not url:
        raise NotConfigured("PREFECT_API_URL", "is not set", hint="e.g. http://127.0.0.1:4200/api")
    try:
        async with get_client() as client:
            yield client
    except httpx.TransportError as error:
        raise NotConfigured("PREFECT_API_URL", f"nothing answers at {url}", hint="is the server up?") from error
