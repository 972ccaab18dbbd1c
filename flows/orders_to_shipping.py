"""orders-to-shipping: record new and changed orders, then bring each to the shipping app as it now is."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from flows.story import finish, read_and_deliver, run_name, the_route, told
from tasks.steps import record_orders

ROUTE = Field(
    "orders-to-shipping",
    json_schema_extra={"title": "Route"},
    description="a route of stack.toml that carries orders to the warehouse",
)


@flow(name="orders-to-shipping", flow_run_name=run_name)
async def orders_to_shipping(route: str = ROUTE) -> State[None]:
    """Record new and changed orders, then bring each to the shipping app as it now is.

    Only paid orders that have something to ship go, by location; an order edited before it shipped is updated there, a
    cancelled one is cancelled there, and one that changed after it shipped is held for a person.
    """
    ends = the_route(route, "orders")
    async with told(route) as tally:
        await read_and_deliver(ends, record_orders, tally)
    return await finish(route, tally)
