"""tracking-to-storefront: record parcels, then tell the storefront, so that the shopper is told once."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from flows.story import finish, read_and_deliver, run_name, the_route, told
from tasks.steps import record_parcels

ROUTE = Field(
    "tracking-to-storefront",
    json_schema_extra={"title": "Route"},
    description="a route of stack.toml that carries parcels",
)


@flow(name="tracking-to-storefront", flow_run_name=run_name)
async def tracking_to_storefront(route: str = ROUTE) -> State[None]:
    """Record parcels that were made or voided, then bring their tracking numbers to the storefront.

    Each parcel becomes one fulfilment of just its lines. A fulfilment that is there already, whoever made it, is done.
    """
    ends = the_route(route, "parcels")
    async with told(route) as tally:
        await read_and_deliver(ends, record_parcels, tally)
    return await finish(route, tally)
