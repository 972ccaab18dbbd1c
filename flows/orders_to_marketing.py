"""orders-to-marketing: record new and changed orders, then tell marketing of each fact once."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from flows.story import finish, read_and_deliver, run_name, the_route, told
from tasks.steps import record_orders

ROUTE = Field(
    "orders-to-marketing",
    json_schema_extra={"title": "Route"},
    description="a route of stack.toml that carries orders to marketing",
)


@flow(name="orders-to-marketing", flow_run_name=run_name)
async def orders_to_marketing(route: str = ROUTE) -> State[None]:
    """Record new and changed orders, then tell marketing of each fact once.

    Placed, fulfilled, cancelled and refunded orders become events. Facts older than the route are marked as history,
    so that they start no flow and mail nobody.
    """
    ends = the_route(route, "orders")
    async with told(route) as tally:
        await read_and_deliver(ends, record_orders, tally)
    return await finish(route, tally)
