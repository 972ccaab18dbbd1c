"""The tasks that Prefect runs, retries and shows. Each is a batch and takes names, never clients or tokens.

Flows and tasks are asynchronous, the hub below is not: each task hands its work to a thread
(docs/decisions/0002-async-flows-sync-hub.md has the measurements).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from prefect import task

from commerce.audits import Report
from tasks import delivering, inbox, mending, reconciling, recording, stocking, watching
from tasks.hub import the_hub
from tasks.policy import PATIENT
from tasks.tally import Tally
from tasks.threads import in_thread


@task(name="record orders", task_run_name="record orders of {source}", **PATIENT)
async def record_orders(source: str) -> Tally:
    """Record the storefront's orders that changed since the last time."""
    return await in_thread(recording.record_changed_orders, the_hub(), source)


@task(name="record parcels", task_run_name="record parcels of {source}", **PATIENT)
async def record_parcels(source: str) -> Tally:
    """Record the shipping app's parcels that were made or voided since the last time."""
    return await in_thread(recording.record_changed_parcels, the_hub(), source)


HISTORY_FOR = 20.0
"""Seconds for history, before a run that brings what happens now as well looks at its source again."""


@task(name="deliver", task_run_name="deliver to {destination}", **PATIENT)
async def deliver(destination: str, history_for: float | None = None) -> Tally:
    """Bring everything that is due to the destination, batch by batch; see `deliver_all`."""
    return await in_thread(deliver_all, destination, history_for)


def deliver_all(destination: str, history_for: float | None = None) -> Tally:
    """Deliver until nothing is due, in this thread: what is new first, then by turns with what dead runs had.

    With `history_for`, history is taken for so many seconds only. If there may be more, the tally says `cut_short`:
    whoever reads a source as well looks there again, or what happens meanwhile would wait until all history is brought.
    """
    hub, tally, suspects = the_hub(), Tally(), False
    ends = math.inf if history_for is None else hub.clock() + history_for
    while True:
        in_time = hub.clock() < ends
        batch = delivering.deliver_batch(hub, destination, suspects=suspects, history=in_time)
        tally += batch
        stuck = batch.claimed == batch.counts["retry"] + batch.counts["unknown"]
        if batch.paused or not batch.claimed or (stuck and not suspects):  # nothing due, or nothing can go on now
            tally.cut_short = not (in_time or batch.paused or batch.claimed)
            return tally
        suspects = not suspects


@task(name="read stock", task_run_name="read stock for {route}", **PATIENT)
async def sync_stock(route: str, allow_big_change: bool = False, dry_run: bool = False) -> Tally:
    """Read every level, record what changed, and write what the storefront shows differently."""
    return await in_thread(_sync_stock, route, allow_big_change, dry_run)


def _sync_stock(name: str, allow_big_change: bool, dry_run: bool) -> Tally:
    hub = the_hub()
    route = hub.stack.route(name)
    return stocking.sync_stock(hub, route, allow_big_change=allow_big_change, dry_run=dry_run)


@task(name="read hinted", task_run_name="read what webhooks point at", **PATIENT)
async def read_hinted() -> tuple[Tally, list[str]]:
    """Read again what waiting webhook hints point at; the tally, and the connections that were read."""
    return await in_thread(inbox.read_hinted, the_hub())


@task(name="look", task_run_name="look at everything", **PATIENT)
async def look(missed: Sequence[dict[str, str]] = ()) -> Tally:
    """Raise and clear alerts. `missed` are schedules that did not run, as the scheduler tells."""
    alerts = [watching.missed_schedule(**one) for one in missed]
    return await in_thread(watching.watch, the_hub(), alerts)


@task(name="mend webhooks", task_run_name="mend webhooks", **PATIENT)
async def mend_webhooks() -> Tally:
    """Once an hour, make again the webhook subscriptions that a vendor dropped."""
    return await in_thread(mending.mend_webhooks, the_hub())


@task(name="compare", task_run_name="compare {source} with its destinations", **PATIENT)
async def compare_all(
    source: str, destinations: Sequence[str], since_days: int, until_days: int, repair: bool
) -> list[Report]:
    """Read some days of the storefront again and compare each destination with them; one kept report for each."""
    return await in_thread(
        reconciling.reconcile, the_hub(), source, destinations, since_days, until_days, repair=repair
    )
