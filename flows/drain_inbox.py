"""drain-inbox: what webhooks hinted at is read again, and brought on at once."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State

from flows.story import deliver_each, finish, told
from tasks.hub import the_hub
from tasks.steps import read_hinted


@flow(name="drain-inbox", flow_run_name="drain-inbox")
async def drain_inbox() -> State[None]:
    """Read again what waiting webhooks point at, then deliver to every destination of what was read.

    A webhook is a hint: late, doubled or missing ones change nothing but the moment at which the poll would have come.
    """
    async with told("drain-inbox") as tally:
        read, connections = await read_hinted()
        tally += read
        routes = the_hub().stack.routes.values()
        takers = {route.destination for route in routes if route.source in connections and route.carries != "stock"}
        tally += await deliver_each(sorted(takers))
    return await finish("drain-inbox", tally)
