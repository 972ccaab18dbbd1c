"""The hub's own processes, each doing for ever what a schedule would have it do now and then."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import uvicorn
from sqlalchemy import Connection, select
from sqlalchemy.exc import OperationalError

from commerce.ports import Item
from deployments.receiver import receiver_app
from flows.drain_inbox import fed_by
from integrations.quickbooks import destination as books
from ledger import claims, settling, tables
from ledger.records import Claim
from tasks import inbox, mending, recording, stocking, watching
from tasks.hub import Hub, installed, open_hub
from tasks.steps import HISTORY_FOR, deliver_all
from tests.gauntlet.clockwork import Clockwork
from tests.gauntlet.crew import NO_DATABASE

log = logging.getLogger(__name__)

WITHOUT = "GAUNTLET_WITHOUT"
"""Names a guard that the workers do without: "fence", "lease" or "look-up"."""

Step = Callable[[Hub], object]

INTERVAL = 15.0
"""Seconds between two runs of a step, in the run's own time."""


def orders_to(destination: str, hub: Hub) -> None:
    """As the flows orders-to-shipping, -accounting and -marketing do."""
    while True:
        recording.record_changed_orders(hub, "shop")
        if not deliver_all(destination, HISTORY_FOR).cut_short:
            return


def tracking(hub: Hub) -> None:
    """As tracking-to-storefront does."""
    recording.record_changed_parcels(hub, "warehouse")
    deliver_all("shop")


def hints(hub: Hub) -> None:
    """As drain-inbox does: one destination that is down costs the others nothing."""
    _, read = inbox.read_hinted(hub)
    for destination in sorted({route.destination for route in fed_by(read) if route.carries != "stock"}):
        try:
            deliver_all(destination, history_for=0)
        except Exception as error:  # noqa: BLE001  told, and done again by the next run
            log.warning("delivering to %s: %s: %s", destination, type(error).__name__, error)


def stock(hub: Hub) -> None:
    """As sync-inventory does."""
    stocking.sync_stock(hub, hub.stack.route("sync-inventory"))


def watch(hub: Hub) -> None:
    """As watch does."""
    mending.mend_webhooks(hub)
    watching.watch(hub)


STEPS: dict[str, list[Step]] = {
    "shipping": [partial(orders_to, "warehouse")],
    "accounting": [partial(orders_to, "books")],
    "marketing": [partial(orders_to, "marketing")],
    "tracking": [tracking],
    "inbox": [hints],
    "stock": [stock, watch],
    "second": [partial(orders_to, name) for name in ("warehouse", "books", "marketing")] + [tracking, hints],
}
"""Each process by its name; "second" does everything once more, so that there are two of each."""


def opened(time_: Clockwork) -> Hub:
    """As every process of the hub begins. Whose database leaves just then ends, and is started again."""
    try:
        return open_hub(clock=time_.now, sleep=time_.sleep, wait=time_.wait)
    except OperationalError:
        log.exception("the database left at the start")
        sys.exit(NO_DATABASE)


def work(name: str, time_: Clockwork) -> None:
    """Do the steps of `name` again and again. What fails is told and left to the next time, as a schedule does."""
    without(os.environ.get(WITHOUT, ""))
    hub = opened(time_)
    seen: Counter[str] = Counter()
    with installed(hub):
        while True:
            for step in STEPS[name]:
                try:
                    step(hub)
                except Exception as error:
                    kind = type(error).__name__
                    seen[kind] += 1
                    if seen[kind] <= 5:
                        log.exception("%s failed", name)
                    else:
                        log.warning("%s failed: %s: %s", name, kind, error)
            hub.ledger.flush_calls()
            time.sleep(time_.real(INTERVAL))


def receive(port: int, time_: Clockwork) -> None:
    """The webhook receiver."""
    hub = opened(time_)
    uvicorn.run(receiver_app(hub), host="127.0.0.1", port=port, log_level="warning", access_log=False)


def without(guard: str) -> None:
    """Take a guard out of this process, to see that the oracle notices."""
    for place, name, instead in guards()[guard] if guard else ():
        getattr(place, name)  # there is something to take out
        setattr(place, name, instead)


def guards() -> dict[str, list[tuple[Any, str, Any]]]:
    """What can be taken out: where it is, what it is called, and what is there instead."""
    known = claims.items_of

    def sure(*arguments: Any) -> dict[str, Item]:
        plain = {"in_doubt": False, "binding": None}
        return {key: item.model_copy(update=plain) for key, item in known(*arguments).items()}

    return {
        # What a dead run had claimed never comes back.
        "lease": [(claims, "take_back", lambda *_: None)],
        # What may have been posted is posted again, without a look and under another key.
        "look-up": [(claims, "items_of", sure), (books.QuickBooks, "_unsure", lambda *_: False)],
        # A claim is its run's own for ever, whoever has taken it over meanwhile: it goes on sending, and settles.
        "fence": [(claims, "still_claimed", anybodys), (settling, "owned", owned_for_ever)],
    }


def anybodys(claim: Claim, rows: Sequence[int]) -> tuple[Any, ...]:
    """The fence with a hole: all that was ever claimed with this claim."""
    table = tables.deliveries.c
    return (table.destination == claim.destination, table.event_id.in_(rows))


def owned_for_ever(db: Connection, claim: Claim, *, lock: bool) -> dict[str, settling.Facts]:
    """What the claim had, as if it still had it."""
    table = tables.deliveries.c
    found: dict[str, settling.Facts] = defaultdict(settling.Facts)
    wanted = select(table.subject, table.event_id, table.first_tried_at).where(*anybodys(claim, claim.rows))
    for subject, number, tried in db.execute(wanted.with_for_update() if lock else wanted):
        found[subject].tried[number] = tried
    return dict(found)
