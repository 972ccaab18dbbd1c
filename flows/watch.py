"""watch: what is late, held, paused or about to end, told once, and told again when it is over."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Annotated

from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import State
from pydantic import Field

from flows.story import finish, told
from tasks.alerting import in_words
from tasks.steps import look, mend_webhooks
from tasks.tidying import tidy

Minutes = Annotated[int, Field(ge=1, le=1440)]  # Prefect drops bounds and title of a Field that is a default
PATIENCE = Field(
    10, json_schema_extra={"title": "Patience"}, description="minutes that a scheduled run may wait to start"
)


@flow(name="watch", flow_run_name="watch")
async def watch(patience_minutes: Minutes = PATIENCE) -> State[None]:
    """Look at the freshness of every route, held records, paused connections, tokens near their end, waiting webhooks
    and schedules that did not run. One message for each new problem, and one when it is over. Webhooks that a vendor
    dropped are made again. Runs whose process is gone are marked as crashed, late runs of one deployment become one.
    """
    async with told("watch") as tally:
        tally.counts.update(await tidied())
        tally += await mend_webhooks()
        tally += await look(await missed_schedules(timedelta(minutes=patience_minutes)))
    return await finish("watch", tally)


async def tidied() -> Counter[str]:
    """Tidy up in Prefect. What it refuses is for the next watch; all else is looked at all the same."""
    try:
        async with get_client() as client:
            return (await tidy(client)).counts()
    except Exception as error:  # noqa: BLE001  whatever it is, nobody's records wait for it
        get_run_logger().warning("runs were not tidied up: %s", in_words(error))
        return Counter()


async def missed_schedules(patience: timedelta) -> list[dict[str, str]]:
    """Scheduled runs of ours that should have started `patience` ago, the oldest for each deployment."""
    before = datetime.now(UTC) - patience
    async with get_client() as client:
        late = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                tags=FlowRunFilterTags(all_=["backroom"]),
                state=FlowRunFilterState(name=FlowRunFilterStateName(any_=["Late", "Scheduled", "Pending"])),
                expected_start_time=FlowRunFilterExpectedStartTime(before_=before),
            ),
            limit=100,
        )
        names: dict[str, str] = {}
        for run in sorted(late, key=lambda run: run.expected_start_time or before):
            if run.deployment_id and str(run.deployment_id) not in names:
                names[str(run.deployment_id)] = f"{run.expected_start_time:%Y-%m-%d %H:%M} UTC"
        return [
            {"deployment": (await client.read_deployment(key)).name, "since": since} for key, since in names.items()
        ]
