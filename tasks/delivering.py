"""From the log to a destination: claim a batch, send it, settle every record on its own."""

from __future__ import annotations

import logging
import os
import re
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from commerce.errors import HubError, NotAuthorised, OutcomeUnknown, TemporarilyUnavailable, UnexpectedAnswer
from commerce.outcomes import Held, Outcome, Unknown
from commerce.ports import Destination, Item
from integrations.http import calls_ask
from ledger import Claim
from tasks.alerting import in_words, pause_connection
from tasks.discretion import discreet, made_discreet
from tasks.due import is_due
from tasks.ending import Ended, go_on
from tasks.hub import Hub
from tasks.suspects import apart
from tasks.tally import Tally

log = logging.getLogger(__name__)

LEASE = 60.0
"""Seconds a batch belongs to one run; a living run renews it three times as often."""

STOOD_STILL = "this run stood still for longer than its lease; another one has its records"

ODD_ANSWERS = 5
"""How often an answer that nobody can read is waited out before single records are held for it."""

SETTLE_EVERY = 25


def deliver_batch(
    hub: Hub, destination: str, limit: int | None = None, *, suspects: bool = False, history: bool = True
) -> Tally:
    """Bring one batch to the destination, with `suspects` first what dead runs had, without `history` only what is
    live; an empty tally: nothing is due.

    Raises TemporarilyUnavailable when the vendor cannot take more now; what it took is settled, the rest stays due.
    A refused credential pauses the connection, keeps its work, and is told in the tally, also by later runs.
    """
    client = hub.playing(destination, Destination)
    size = limit or client.batch
    claim = hub.ledger.claim(
        destination, limit=size, lease=LEASE, by=f"{os.getpid()}", suspects=suspects, history=history
    )
    tally = Tally()
    if not claim.items:
        tally.paused = paused_because(hub, destination)
        return tally
    history = all(item.newest.historical for item in claim.items)
    left = {item.ref: item for item in claim.items}

    def give_back(**how: Any) -> None:
        hub.ledger.doubt_late(claim, list(left.values()))
        hub.ledger.release(claim, **how)

    with kept_alive(hub, claim), hub.giving_way(destination, history):
        try:
            for said in batches(apart(partial(outcomes, client), claim.items)):
                settled = told_why(hub, destination, [(item, discreet(item, outcome)) for item, outcome in said])
                hub.ledger.settle(claim, settled)
                for item, outcome in settled:
                    left.pop(item.ref, None)
                    tally.add(item, outcome)
        except NotAuthorised as refused:
            made_discreet(refused, claim.items)
            give_back()
            pause_connection(hub, destination, refused)
            tally.paused = str(refused)
        except TemporarilyUnavailable as unavailable:
            made_discreet(unavailable, claim.items)
            give_back(after=unavailable.retry_after or 0.0, reason=str(unavailable))
            raise
        except BaseException as broken:
            made_discreet(broken, claim.items)
            give_back(in_doubt=True)
            raise
    return tally


def outcomes(client: Destination, items: Sequence[Item]) -> Iterator[tuple[Item, Outcome]]:
    """An outcome for every item. When the connector itself breaks, the rest goes one by one, so that only the record
    that breaks it is held."""
    left = {item.ref: item for item in items}
    try:
        for item, outcome in client.deliver(items):
            left.pop(item.ref, None)
            yield item, outcome
    except (NotAuthorised, OutcomeUnknown, TemporarilyUnavailable, SQLAlchemyError, Ended):  # no record's fault
        raise
    except Exception as broken:  # noqa: BLE001  whatever it is, it must not stop the other records
        # The traceback without the error's own words, which may quote a person's data.
        trace = "".join(traceback.format_tb(broken.__traceback__))
        log.error("a batch for a destination broke: %s\n%s", type(broken).__name__, trace)  # noqa: TRY400
        # A proxy's page or a vendor in trouble concerns nobody's record: wait, before looking for one to blame.
        odd = isinstance(broken, UnexpectedAnswer) and max(item.attempt for item in items) < ODD_ANSWERS
        for item in left.values():
            if odd:
                yield item, Unknown(reason=str(broken))
            elif len(items) == 1:
                yield item, broken_record(broken)
            else:
                yield from outcomes(client, [item.model_copy(update={"in_doubt": True})])
        return
    for item in left.values():
        yield item, Unknown(reason="the connector said nothing about this record")


def told_why(hub: Hub, destination: str, said: list[tuple[Item, Outcome]]) -> list[tuple[Item, Outcome]]:
    """The same outcomes; what is held of an order whose person was forgotten says so, as nobody can add an address."""
    held = [item.subject for item, outcome in said if isinstance(outcome, Held)]
    gone = hub.ledger.forgotten(held) if held else set()
    if not gone:
        return said
    why = f"its person was forgotten, the hub keeps no name or address of it: see to it in {destination}, then dismiss"
    return [
        (
            item,
            outcome.model_copy(update={"hint": why}) if isinstance(outcome, Held) and item.subject in gone else outcome,
        )
        for item, outcome in said
    ]


def broken_record(error: Exception) -> Held:
    """Why a record is held that breaks our own code: where, not with what, as the values may be personal.

    The hub's own errors are written for people and are quoted.
    """
    kind = type(error).__name__
    if isinstance(error, HubError):
        cause = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).lower()
        return Held(cause=cause, reason=str(error), hint=error.hint or "look at the vendor's status page")
    return Held(
        cause=f"hub_error_{kind}",
        reason=f"the hub could not handle this record: {in_words(error)}",
        hint="report this; after an upgrade run: backroom held release",
    )


def paused_because(hub: Hub, connection: str) -> str:
    """Why the connection is paused, empty when it is not."""
    return next((pause.reason for pause in hub.ledger.paused() if pause.connection == connection), "")


def batches(settled: Iterator[tuple[Item, Outcome]]) -> Iterator[list[tuple[Item, Outcome]]]:
    """Outcomes in handfuls, so that settling costs one transaction each and a crash forgets only a handful."""
    handful: list[tuple[Item, Outcome]] = []
    try:
        with closing(one for one in settled) as each:  # at once: threads behind it would go on sending
            for one in each:
                handful.append(one)
                go_on()
                if len(handful) >= SETTLE_EVERY:
                    yield handful
                    handful = []
    except Exception:
        if handful:
            yield handful
        raise
    if handful:
        yield handful


@contextmanager
def kept_alive(hub: Hub, claim: Claim) -> Iterator[None]:
    """Renew the claim's lease while its batch is being sent, and let no more calls out once another run has it."""
    stop = threading.Event()
    renewed = [hub.ledger.moment_now()]

    def ours() -> bool:
        asked = hub.ledger.moment_now()
        still = hub.ledger.renew(claim, LEASE) > 0
        if still:
            renewed.append(asked)
        return still

    def ask() -> None:
        go_on()
        # A machine that slept, or a process that was stopped: what it was about to say may be outdated. Whether it was
        # is known by the database's clock; a machine that was put to sleep may not know how long it slept.
        if is_due(renewed[-1], hub.ledger.moment_now(), timedelta(seconds=LEASE)) and not ours():
            raise TemporarilyUnavailable("backroom", STOOD_STILL, retry_after=LEASE)

    def renew() -> None:
        while not hub.ledger.wait(stop, LEASE / 3):
            try:
                ours()
            except Exception as error:  # noqa: BLE001  a busy database, say: the lease lasts for two more tries
                log.warning("a lease for %s could not be renewed: %s", claim.destination, type(error).__name__)

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        with calls_ask(ask):
            yield
    finally:
        stop.set()
        thread.join()
