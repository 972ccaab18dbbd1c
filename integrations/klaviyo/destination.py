"""The marketing destination: each fact of an order, told once, with consent left as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import ValidationError

from commerce.audits import Duties, Found
from commerce.errors import IntegrationError, NotAuthorised, Unmappable
from commerce.events import Event
from commerce.orders import Order
from commerce.outcomes import Held, Outcome, Skipped
from commerce.ports import Alert, Finding, Item, Person
from integrations.connector import Services
from integrations.klaviyo.ageing import worries
from integrations.klaviyo.bodies import MOST_BYTES, MOST_EVENTS, Plan
from integrations.klaviyo.checks import SECOND, findings, second_integrations, twice
from integrations.klaviyo.client import KlaviyoApi
from integrations.klaviyo.forgetting import forget
from integrations.klaviyo.holding import placed
from integrations.klaviyo.mapping import MetricEvent, reason_to_skip, to_metric_events
from integrations.klaviyo.people import e164
from integrations.klaviyo.refusals import VENDOR
from integrations.klaviyo.sending import Singly, send_in_bulk
from integrations.klaviyo.settings import KlaviyoSettings


class Klaviyo:
    """A Klaviyo account. Implements Destination, Auditable, Worrying and Forgetting.

    There is no way here to subscribe anybody to anything.
    """

    keeps: Literal["events"] = "events"
    topics = frozenset({"order"})
    batch = 100
    duties = Duties(keeps="facts")

    def __init__(self, settings: KlaviyoSettings, services: Services) -> None:
        self.settings = settings
        self.api = KlaviyoApi(settings, services)
        self._clock = services.clock
        self._alone = settings.allow_second_integration

    def close(self) -> None:
        """Give the connections back."""
        self.api.close()

    def check(self) -> Iterator[Finding]:
        """Look at key, scopes, revision and double counting."""
        yield from findings(self.api, self.settings, self._clock())

    def concerns(self) -> Iterator[Alert]:
        """The revision's end, of which no answer warns. Calls nobody."""
        today = datetime.fromtimestamp(self._clock(), UTC).date()
        yield from worries(self.settings.name, self.settings.revision, today)

    def forget(self, person: Person) -> str:
        """Ask Klaviyo to delete the person for good; says what was asked. A later order makes a new profile.

        Raises IntegrationError, e.g. NotAuthorised when the key lacks data-privacy:write.
        """
        return forget(self.api, person)

    def audit(self, source: str, since: datetime, until: datetime, orders: Sequence[Order]) -> Iterator[Found]:
        """See `Auditable.audit`; of "Placed Order" only. The key needs events:read and metrics:read."""
        return placed(self.api, source, since, until, orders)

    def deliver(self, items: Sequence[Item]) -> Iterator[tuple[Item, Outcome]]:
        """Tell Klaviyo of the items' facts: live ones one by one, history in bulk.

        Repeating it is harmless: Klaviyo keeps one event per profile, metric and unique_id on the single endpoint,
        and what the bulk endpoint refuses as a repeat goes by the single one. There is nothing to look up first:
        events cannot be searched by unique_id. Raises NotAuthorised, TemporarilyUnavailable.
        """
        plans: list[Plan] = []
        for item in items:
            plan = self._plan(item)
            if isinstance(plan, Plan):
                plans.append(plan)
            else:
                yield item, plan
        if plans:
            self._refuse_second_integration()
        together = [plan for plan in plans if self._in_bulk(plan)]
        chosen = {plan.item.ref for plan in together}
        yield from self._singly([plan for plan in plans if plan.item.ref not in chosen])
        yield from self._singly((yield from send_in_bulk(self.api, together)))

    def _refuse_second_integration(self) -> None:
        """Raise NotAuthorised before the first event when another integration brings orders: events cannot be undone.

        Once in each process. A key that may not look, or a vendor that does not answer, stops nothing here.
        """
        if self._alone:
            return
        try:
            others = second_integrations(list(self.api.metrics()))
        except NotAuthorised as refused:
            self._alone = bool(refused.code)  # a missing scope; whatever else it is, the events will be told too
            return
        except IntegrationError:
            return
        if others:
            raise NotAuthorised(VENDOR, twice(others), hint=f"{SECOND}; then: backroom resume {self.settings.name}")
        self._alone = True

    def _singly(self, plans: Sequence[Plan]) -> Iterator[tuple[Item, Outcome]]:
        return Singly(self.api, self.settings.workers).send(plans)

    def _in_bulk(self, plan: Plan) -> bool:
        """Whether the bulk endpoint may have it: surely not sent before, and no shopper waits for it."""
        if plan.item.in_doubt or not (plan.backfill or self.settings.bulk_live):
            return False
        return len(plan.events) <= MOST_EVENTS and plan.size <= MOST_BYTES

    def _plan(self, item: Item) -> Plan | Skipped | Held:
        """The item's events, or why there are none."""
        events: list[MetricEvent] = []
        reasons: list[str] = []
        try:
            for fact in item.events:
                order = Order.model_validate(fact.data)
                reason = reason_to_skip(fact, order)
                if reason:
                    reasons.append(reason)
                else:
                    events.extend(to_metric_events(fact, order, backfill=self._is_history(fact)))
        except Unmappable as error:
            return Held(cause=f"unmappable_{error.field}", reason=str(error), hint=error.hint)
        except ValidationError as error:
            return unreadable(item, error)
        if not events:
            return Skipped(reason="; ".join(dict.fromkeys(reasons)) or "no facts")
        odd = order.phone and not e164(order.phone)
        note = "phone number left out: not a whole international number" if odd else ""
        return Plan(item, order.number, events, note)

    def _is_history(self, fact: Event) -> bool:
        """Whether nobody is to be mailed because of it."""
        since = self.settings.live_from
        return fact.historical or (since is not None and fact.occurred_at < since)


def unreadable(item: Item, error: ValidationError) -> Held:
    """The log's own record is no order. Names the field and not its value."""
    first = error.errors(include_input=False, include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return Held(
        cause="unreadable_order",
        reason=f"{item.subject}: the log's order cannot be read: {field}: {first['msg']}",
        hint="record the order again, then release this record",
    )
