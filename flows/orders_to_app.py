"""orders-to-app: orders to any destination, a CRM or a support desk for instance."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from flows.story import finish, read_and_deliver, run_name, the_route, told
from tasks.steps import record_orders

ROUTE = Field(
    json_schema_extra={"title": "Route"},
    description="a route of stack.toml that carries orders, e.g. orders-to-crm",
)


@flow(name="orders-to-app", flow_run_name=run_name)
async def orders_to_app(route: str = ROUTE) -> State[None]:
    """Record new and changed orders, then bring every undelivered one to the destination of a route.

    The same for every app that takes orders and needs no story of its own.
    """
    ends = the_route(route, "orders")
    async with told(route) as tally:
        await read_and_deliver(ends, record_orders, tally)
    return await finish(route, tally)
