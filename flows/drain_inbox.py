"""drain-inbox: what webhooks hinted at is read again, and brought on at once."""

from __future__ import annotations

from collections.abc import Collection

from prefect import flow
from prefect.client.schemas.objects import State

from flows.story import deliver_each, finish, told
from tasks.alerting import in_words
from tasks.hub import the_hub
from tasks.stack import Route
from tasks.steps import read_hinted, sync_stock
from tasks.tally import Tally


@flow(name="drain-inbox", flow_run_name="drain-inbox")
async def drain_inbox() -> State[None]:
    """Read again what waiting webhooks point at, then deliver to every destination of what was read.

    A webhook is a hint: late, doubled or missing ones change nothing but the moment at which the poll would have come.
    """
    async with told("drain-inbox") as tally:
        read, connections = await read_hinted()
        tally += read
        routes = fed_by(connections)
        takers = {route.destination for route in routes if route.carries != "stock"}
        tally += await deliver_each(sorted(takers), history_for=0)  # no webhook waits for history
        for route in routes:
            if route.carries == "stock":
                tally += await stock_now(route)
    return await finish("drain-inbox", tally)


def fed_by(connections: Collection[str]) -> list[Route]:
    """The routes that begin at one of these connections."""
    return [route for route in the_hub().stack.routes.values() if route.source in connections]


async def stock_now(route: Route) -> Tally:
    """The route's stock before its time; what goes wrong here is for its schedule to try again and tell."""
    tally = Tally()
    try:
        async with told(route.name) as counted:
            counted += await sync_stock.with_options(retries=0)(route.name)
        tally += counted
    except Exception as error:  # noqa: BLE001  whatever it is, what else webhooks pointed at was brought on
        tally.counts["stock not read"] += 1
        tally.note(route.name, route.name, "stock not read", in_words(error), getattr(error, "hint", ""))
    return tally
