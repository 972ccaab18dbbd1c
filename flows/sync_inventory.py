"""sync-inventory: the inventory app's levels become what the storefront offers."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from flows.story import finish, run_name, the_route, told
from tasks.steps import sync_stock

ROUTE = Field(
    "sync-inventory", json_schema_extra={"title": "Route"}, description="a route of stack.toml that carries stock"
)
BIG = Field(
    False,
    json_schema_extra={"title": "Allow a big change"},
    description="write even when more SKUs change than most_change allows",
)
DRY = Field(
    False,
    json_schema_extra={"title": "Dry run"},
    description="show each write with its before and after, and send none",
)


@flow(name="sync-inventory", flow_run_name=run_name)
async def sync_inventory(route: str = ROUTE, allow_big_change: bool = BIG, dry_run: bool = DRY) -> State[None]:
    """Read every level of the inventory app, and set what the storefront shows differently.

    Absolute quantities, compared and set, so that a sale in between is never overwritten. A feed that is empty,
    shrunken, or would change too much stops the run and asks.
    """
    the_route(route, "stock")
    if dry_run:  # says nothing of how fresh the storefront is
        return await finish(route, await sync_stock(route, allow_big_change, dry_run=True))
    async with told(route) as tally:
        tally += await sync_stock(route, allow_big_change, dry_run)
    return await finish(route, tally)
