"""orders-to-accounting: record new and changed orders, then post each to the books to the cent."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from flows.story import finish, read_and_deliver, run_name, the_route, told
from tasks.steps import record_orders

ROUTE = Field(
    "orders-to-accounting",
    json_schema_extra={"title": "Route"},
    description="a route of stack.toml that carries orders to the books",
)


@flow(name="orders-to-accounting", flow_run_name=run_name)
async def orders_to_accounting(route: str = ROUTE) -> State[None]:
    """Record new and changed orders, then post each to the books to the cent.

    A paid order becomes one sales receipt, each of its refunds one refund receipt. What does not add up to the cent is
    held with both sums.
    """
    ends = the_route(route, "orders")
    async with told(route) as tally:
        await read_and_deliver(ends, record_orders, tally)
    return await finish(route, tally)
