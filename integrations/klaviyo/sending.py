"""Plans on their way: several at once by the single endpoint, or all together by the bulk endpoint."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextvars import copy_context

from commerce.errors import (
    IntegrationError,
    NotAuthorised,
    OutcomeUnknown,
    Rejected,
    TemporarilyUnavailable,
    UnexpectedAnswer,
)
from commerce.outcomes import Binding, Done, Held, Outcome, Unknown
from commerce.ports import Item
from integrations.klaviyo.bodies import Plan, bulk, packed, single
from integrations.klaviyo.client import KlaviyoApi
from integrations.klaviyo.mapping import MetricEvent
from integrations.klaviyo.people import expendable
from integrations.klaviyo.refusals import VENDOR, IdentifierRefused

FEW = 10
"""A refused bulk request is halved down to this many orders, which then go one by one: cheaper than halving on."""
LOST_ENOUGH = 3
"""Events that got no answer, each after several tries, before the rest of the batch waits for better times."""

Settled = Iterator[tuple[Item, Outcome]]


class Singly:
    """Sends plans by the single endpoint, which tolerates repeats, `workers` at a time.

    What stops everybody (a refused key, a vendor that is down, a proxy's page) ends it early: no new event is sent, and
    the error is raised once what was sent has been told.
    """

    def __init__(self, api: KlaviyoApi, workers: int) -> None:
        self._api = api
        self._workers = workers
        self._stop = threading.Event()
        self._stopped_by: IntegrationError | None = None
        self._lost = 0

    def send(self, plans: Sequence[Plan]) -> Settled:
        """An outcome for each plan that was sent, as soon as it is known.

        Raises NotAuthorised, TemporarilyUnavailable or UnexpectedAnswer; nothing was accepted of plans without outcome.
        """
        if not plans:
            return
        with ThreadPoolExecutor(self._workers, thread_name_prefix="klaviyo") as pool:
            # In our context: what a run may do, and whether it is told to end, holds for its threads too.
            jobs = {pool.submit(copy_context().run, self._send_one, plan): plan for plan in plans}
            try:
                for job in as_completed(jobs):
                    outcome = job.result()
                    if outcome is not None:
                        yield jobs[job].item, outcome
            finally:
                self._stop.set()
        if self._stopped_by is not None:
            raise self._stopped_by

    def _send_one(self, plan: Plan) -> Outcome | None:
        """What became of the plan; None when nothing of it was sent."""
        accepted, left_out = 0, list[str]()
        try:
            for event in plan.events:
                if self._stop.is_set():
                    return partly(plan, accepted)
                self._create(event, left_out)
                accepted += 1
        except Rejected as refused:
            return held(plan, refused)
        except UnicodeEncodeError:
            return Held(
                cause="unmappable_text",
                reason=f"order {plan.order}: a text in it has half a character (a lone surrogate)",
                hint="correct the order's texts in the shop, record it again, then release this record",
            )
        except OutcomeUnknown as lost:
            self._count_lost()
            return unanswered(plan, lost)
        except (NotAuthorised, TemporarilyUnavailable, UnexpectedAnswer) as error:
            self._stop_for(error)
            return partly(plan, accepted)
        return done(plan, *(f"{name.replace('_', ' ')} left out: Klaviyo refuses it" for name in left_out))

    def _create(self, event: MetricEvent, left_out: list[str]) -> None:
        """Send one event, without identifiers that Klaviyo refuses; those are added to `left_out`."""
        while True:
            try:
                self._api.create_event(single(event.without(left_out)))
            except IdentifierRefused as refused:
                odd = expendable(event.without(left_out).profile, refused.identifier)
                if not odd:
                    raise
                left_out.append(odd)
            else:
                return

    def _count_lost(self) -> None:
        self._lost += 1
        if self._lost >= LOST_ENOUGH:
            self._stop_for(TemporarilyUnavailable(VENDOR, f"gave no answer to {self._lost} orders; the rest waits"))

    def _stop_for(self, error: IntegrationError) -> None:
        self._stopped_by = self._stopped_by or error
        self._stop.set()


def send_in_bulk(api: KlaviyoApi, plans: Sequence[Plan]) -> Generator[tuple[Item, Outcome], None, list[Plan]]:
    """Send plans by the bulk endpoint, yielding outcomes; returns those that have to go one by one instead.

    Klaviyo accepts all events of a request or none. A refused request is halved until few orders are left, so that
    one bad or repeated event costs the others nothing. Raises NotAuthorised, TemporarilyUnavailable.
    """
    singly: list[Plan] = []
    waiting = deque(packed(plans))
    while waiting:
        batch = waiting.popleft()
        try:
            api.create_events(bulk(event for plan in batch for event in plan.events))
        except (Rejected, UnicodeEncodeError):
            if len(batch) <= FEW:
                singly.extend(batch)
            else:
                middle = len(batch) // 2
                waiting.extendleft([batch[middle:], batch[:middle]])
        except OutcomeUnknown as lost:
            yield from ((plan.item, unanswered(plan, lost)) for plan in batch)
        else:
            yield from ((plan.item, done(plan)) for plan in batch)
    return singly


def done(plan: Plan, *notes: str) -> Done:
    """Klaviyo has accepted every event of the plan. There is no id of theirs to keep; ours is."""
    return Done(binding=Binding(vendor_id=plan.main), note="; ".join(note for note in (plan.note, *notes) if note))


def partly(plan: Plan, accepted: int) -> Unknown | None:
    """Sending ended in the middle: to be repeated by the single endpoint. None when nothing was sent."""
    if not accepted:
        return None
    return Unknown(reason=f"order {plan.order}: {accepted} of {len(plan.events)} events accepted, the rest not sent")


def unanswered(plan: Plan, lost: OutcomeUnknown) -> Unknown:
    """No answer came. Its text is left out, as it may repeat what we sent."""
    request = f" (request {lost.request_id})" if lost.request_id else ""
    return Unknown(reason=f"order {plan.order}: Klaviyo gave no clear answer{request}")


def held(plan: Plan, refused: Rejected) -> Held:
    """Klaviyo refuses one event of the order."""
    return Held(
        cause=f"refused_{refused.code or 'event'}",
        reason=f"order {plan.order}: {refused}",
        hint="if Klaviyo is right, correct the shopper's data in the shop for later orders and dismiss this record",
    )
