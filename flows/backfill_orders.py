"""backfill-orders: history on purpose, planned first, resumable, and nobody is mailed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from prefect import flow, get_run_logger
from prefect.artifacts import acreate_progress_artifact, acreate_table_artifact, aupdate_progress_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from pydantic import Field

from flows.story import deliver_each, finish, told
from tasks import backfill
from tasks.hub import the_hub
from tasks.tally import Tally
from tasks.threads import in_thread

SOURCE = Field(
    "shop", json_schema_extra={"title": "Storefront"}, description="the connection that orders are read from"
)
FROM = Field(json_schema_extra={"title": "From"}, description="first day, by creation of the order (UTC)")
TO = Field(json_schema_extra={"title": "To"}, description="last day, included (UTC)")
DESTINATIONS: list[str] = Field(
    [],
    json_schema_extra={"title": "Destinations"},
    description="connections that get them; none chosen: all that take orders",
)
DRY = Field(False, json_schema_extra={"title": "Dry run"}, description="show the plan, and do nothing")


def backfill_name() -> str:
    """ "backfill shop 2026-01-01 to 2026-01-31"."""
    given = flow_run.parameters
    dry = " (dry run)" if given.get("dry_run") else ""
    return f"backfill {given.get('source')} {str(given.get('since'))[:10]} to {str(given.get('until'))[:10]}{dry}"


@flow(name="backfill-orders", flow_run_name=backfill_name)
async def backfill_orders(
    since: date = FROM,
    until: date = TO,
    source: str = SOURCE,
    destinations: list[str] = DESTINATIONS,
    dry_run: bool = DRY,
) -> State[None]:
    """Bring the orders of some days to the destinations, as history: marketing starts no flow, no shopper is mailed.

    Shows a plan first (orders, calls) and its progress meanwhile. Running it again over the same days changes
    nothing; a killed run is continued by starting it again.
    """
    first = datetime.combine(since, time(), UTC)
    last = datetime.combine(until, time(), UTC) + timedelta(days=1)
    todo = await in_thread(backfill.plan, the_hub(), source, first, last, destinations)
    await acreate_table_artifact(key="backfill-orders-plan", table=todo.rows(), description=f"{since} to {until}")
    if dry_run:
        get_run_logger().info("dry run: %s orders to %s", todo.orders, ", ".join(todo.destinations))
        tally = Tally()
        tally.counts["planned"] = todo.orders
        return await finish("backfill-orders", tally)
    async with told("backfill-orders") as tally:
        tally += await record_pages(todo)
        tally += await deliver_each(todo.destinations)
    return await finish("backfill-orders", tally)


async def record_pages(todo: backfill.Plan) -> Tally:
    """Record the window, showing how far it is."""
    tally = Tally()
    shown = await acreate_progress_artifact(progress=0.0, key="backfill-orders-progress", description="orders recorded")
    pages = backfill.record_history(the_hub(), todo)
    while (page := await in_thread(next, pages, None)) is not None:
        tally += page
        share = 100.0 * tally.counts["read"] / max(1, todo.orders)
        await aupdate_progress_artifact(shown, progress=min(99.0, share))
    await aupdate_progress_artifact(shown, progress=100.0)
    return tally
