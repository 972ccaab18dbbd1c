"""Bringing tracking back: each parcel becomes one fulfilment, once.

`fulfillmentCreate` has no idempotency key. So the order is read right before each write, and a fulfilment that
already carries the parcel's tracking number is ours.
https://shopify.dev/docs/api/admin-graphql/2026-10/mutations/fulfillmentCreate
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from commerce.errors import OutcomeUnknown, Rejected, Unmappable
from commerce.outcomes import Binding, Done, Held, Outcome, Retry, Skipped, Unknown
from commerce.parcels import Parcel
from commerce.ports import Item, Unreadable
from commerce.values import fingerprint
from integrations.shopify import documents
from integrations.shopify.documents import Document
from integrations.shopify.graphql import VENDOR, GraphQL, long_id, short_id, user_errors
from integrations.shopify.picking import (
    BY_HAND,
    PATIENCE,
    AlreadyGone,
    Group,
    as_sent,
    cannot_tell,
    pick,
    sent_before,
    sent_nameless,
)
from integrations.shopify.scalars import tidy
from integrations.shopify.schemas_fulfilment import OrderToFulfil, Shipped, bare
from integrations.shopify.settings import ShopifySettings
from integrations.shopify.tracking import to_tracking
from integrations.shopify.whole import WholeOrders, brief

LOOK = "look at the order in Shopify; release this record to try again"
LOOKS = 2
"""How often an order is looked at when Shopify refuses what a look has just shown to be possible."""


class Job(NamedTuple):
    """A parcel that belongs to an order of this store."""

    item: Item
    parcel: Parcel
    order_id: str
    location_id: str
    tracking: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        """Of everything that we would say to Shopify."""
        lines = [[line.line_id, line.sku, line.quantity] for line in self.parcel.lines]
        said = [self.order_id, self.location_id, self.tracking, lines, self.parcel.voided]
        return fingerprint(json.dumps(said, sort_keys=True))

    @property
    def numbers(self) -> frozenset[str]:
        """Its tracking numbers, as they are compared."""
        return frozenset(bare(one) for one in self.parcel.tracking_numbers)

    def matches(self, made: Shipped) -> bool:
        """Whether a fulfilment carries a tracking number of this parcel."""
        return bool(made.numbers & self.numbers)

    def says_more_than(self, made: Shipped) -> bool:
        """Whether a fulfilment of this parcel alone lacks one of its numbers, or names another carrier."""
        company = self.tracking.get("company", "")
        other_carrier = bool(company) and any(one.company != company for one in made.tracking_info)
        return made.numbers <= self.numbers and (made.numbers != self.numbers or other_carrier)


class Fulfilments:
    """The store as a Destination of parcels."""

    keeps: Literal["state", "events"] = "state"
    topics: frozenset[str] = frozenset({"parcel"})
    batch = 50

    graphql: GraphQL
    settings: ShopifySettings

    def deliver(self, items: Sequence[Item]) -> Iterator[tuple[Item, Outcome]]:
        """Make, correct or take back the fulfilment of each parcel. Orders are read together, written one by one."""
        jobs: list[Job] = []
        for item in items:
            job = self._job(item)
            if isinstance(job, Job):
                jobs.append(job)
            else:
                yield item, job
        jobs.sort(key=lambda job: not job.parcel.voided)  # a voided label makes room for the one that replaces it
        orders = self._orders({job.order_id for job in jobs})
        written: set[str] = set()
        for job in jobs:
            if job.order_id in written:  # an earlier parcel of this batch has changed it
                orders |= self._orders({job.order_id})
            yield job.item, self._one(job, orders.get(job.order_id))
            written.add(job.order_id)

    def _job(self, item: Item) -> Job | Outcome:
        try:
            parcel = Parcel.model_validate(item.newest.data)
        except ValidationError as error:
            reason = f"the parcel {item.subject} cannot be read: {brief(error)}"
            return Held(cause="unreadable", reason=reason, hint="report it; it was recorded by another version")
        source, _, rest = parcel.order_key.partition(":")
        order_id, _, location_id = rest.partition("/")
        if source != self.settings.name or not (order_id.isascii() and order_id.isdigit()):
            return Skipped(reason=f"not an order of {self.settings.name}: {parcel.order_key or 'typed in by hand'}")
        tracking = to_tracking(parcel, self.settings.carriers)
        job = Job(item, parcel, order_id, location_id or parcel.location_id, tracking)
        if item.binding and item.binding.fingerprint == job.fingerprint and not item.in_doubt:
            return Done(binding=item.binding, changed=False)
        return job

    def _orders(self, ids: Iterable[str]) -> dict[str, OrderToFulfil | Unreadable]:
        """The orders as they are now, by number. What is deleted is not there; what we cannot read says why."""
        wanted = [long_id("Order", one) for one in sorted(ids)]
        reader = WholeOrders(self.graphql, self.settings, self.batch)
        found: dict[str, OrderToFulfil | Unreadable] = {}
        for gid, node in reader.nodes(documents.ORDERS_TO_FULFIL, wanted):
            if isinstance(node, Unreadable):
                found[short_id(gid)] = node
            elif node.get("__typename") == "Order":
                found[short_id(gid)] = reader.completed(gid, node) or self._readable(gid, node)
        return found

    def _readable(self, gid: str, node: dict[str, Any]) -> OrderToFulfil | Unreadable:
        """The order, or why it cannot be read. Of a list that is too long to be seen whole, our own may be missing."""
        label = str(node.get("name") or short_id(gid))
        try:
            order = OrderToFulfil.model_validate(tidy(node))
        except ValidationError as error:
            words, hint = (
                f"order {label} in Shopify cannot be read: {brief(error)}",
                "report it with the order's number",
            )
        else:
            if len(order.fulfillments) < documents.PLAIN_LIST:
                return order
            words, hint = f"order {label} has more fulfilments than Shopify shows at once", BY_HAND
        return Unreadable(subject=f"{self.settings.name}:{short_id(gid)}", label=label, reason=words, hint=hint)

    def _one(self, job: Job, order: OrderToFulfil | Unreadable | None) -> Outcome:
        if isinstance(order, Unreadable):
            if job.item.attempt <= PATIENCE:
                return Retry(reason=order.reason, after=60)
            return Held(cause="unreadable", reason=order.reason, hint=order.hint)
        if order is None:
            reason = f"order {job.order_id} of {self.settings.name} is not there: deleted, or older than 60 days"
            hint = "grant read_all_orders if it is old; else the order is gone, and there is nothing to mark"
            return Held(cause="order_gone", reason=reason, hint=hint)
        try:
            return self._take_back(job, order) if job.parcel.voided else self._bring(job, order)
        except OutcomeUnknown as lost:
            return Unknown(reason=f"order {order.name}: {lost}")
        except Unmappable as gap:
            hint = "fulfil it in Shopify by hand, or send it in several parcels"
            return Held(cause="too_many_lines", reason=f"order {order.name}: {gap}", hint=hint)
        except Rejected as refused:
            return Held(cause=refused.code.lower() or "refused", reason=f"order {order.name}: {refused}")

    def _bring(self, job: Job, order: OrderToFulfil) -> Outcome:
        """Make the fulfilment unless it is there. What Shopify refuses is looked at once more: it may just be done."""
        words = ""
        for look in range(LOOKS):
            if look:
                again = self._orders({job.order_id}).get(job.order_id)
                if not isinstance(again, OrderToFulfil):
                    break
                order = again
            known = self._known(job, order)
            if known is not None:
                return known
            plan = pick(order, job.parcel, job.location_id, job.item.attempt)
            if isinstance(plan, AlreadyGone):
                note = "Shopify had it fulfilled already, by somebody else"
                return Done(binding=self._binding(job, plan.fulfilment.id, foreign=True), changed=False, note=note)
            if not isinstance(plan, list):
                return plan
            if job.item.in_doubt and not job.parcel.tracking_numbers and sent_nameless(order, plan):
                return cannot_tell(order)
            groups = as_sent(plan, order.fulfillment_orders.nodes)
            made, words = self._create(job, groups, again=sent_before(order, plan))
            if made:
                return Done(binding=self._binding(job, made))
        return Held(cause="refused", reason=f"order {order.name}: Shopify says {words!r}", hint=LOOK)

    def _known(self, job: Job, order: OrderToFulfil) -> Outcome | None:
        """Done if the fulfilment is there; its tracking is corrected, without a mail, if the label is a new one."""
        living = [one for one in order.fulfillments if not one.cancelled]
        ours = next((one for one in living if job.matches(one)), None)
        bound = job.item.binding
        if bound and bound.data.get("foreign"):
            return Done(binding=self._binding(job, ours.id), changed=False) if ours else None
        if ours is not None and not (bound and bound.vendor_id == ours.id and job.says_more_than(ours)):
            return Done(binding=self._binding(job, ours.id), changed=False)
        replaced = ours or next((one for one in living if bound and bound.vendor_id == one.id), None)
        if replaced is None or not job.tracking:
            return None
        errors = self._write(
            *(documents.TRACKING_UPDATE, "fulfillmentTrackingInfoUpdate"),
            id=replaced.id,
            tracking=job.tracking,
            notify=False,
        )
        if errors:
            return Held(cause="refused", reason=f"order {order.name}: Shopify says {errors!r}", hint=LOOK)
        return Done(binding=self._binding(job, replaced.id), note="tracking replaced")

    def _take_back(self, job: Job, order: OrderToFulfil) -> Outcome:
        """A voided label: cancel the fulfilment that was made for it, and no other.

        It is looked for although nobody remembers having made it, as after a ledger was restored from a backup.
        """
        bound = job.item.binding
        living = [one for one in order.fulfillments if not one.cancelled]
        ours = next((one for one in living if job.matches(one)), None)
        if ours is None:
            if bound is None:
                return Skipped(reason=f"order {order.name} has no fulfilment with the number of this voided label")
            return Done(binding=self._binding(job, bound.vendor_id), changed=False, note="was taken back already")
        if not ours.numbers <= job.numbers:
            reason = f"the label of order {order.name} was voided, but its fulfilment has other parcels too"
            return Held(
                cause="shared_fulfilment", reason=reason, hint="correct the tracking numbers in Shopify by hand"
            )
        errors = self._write(documents.FULFILLMENT_CANCEL, "fulfillmentCancel", id=ours.id)
        if errors:
            return Held(cause="refused", reason=f"order {order.name}: Shopify says {errors!r}", hint=LOOK)
        return Done(binding=self._binding(job, ours.id), note="fulfilment cancelled: the label was voided")

    def _create(self, job: Job, groups: list[Group], *, again: bool) -> tuple[str, str]:
        """(gid of the new fulfilment, "") or ("", Shopify's words). Sent `again`, it mails nobody a second time.

        Raises OutcomeUnknown when Shopify says neither.
        """
        notify = self.settings.notify_customer and not job.item.newest.historical and not again
        given: dict[str, Any] = {"notifyCustomer": notify, "lineItemsByFulfillmentOrder": groups}
        if job.tracking:
            given["trackingInfo"] = job.tracking
        payload = self.graphql.ask(documents.FULFILLMENT_CREATE, fulfillment=given).get("fulfillmentCreate")
        errors = user_errors(payload) if payload else []
        if errors:
            return "", "; ".join(str(one.get("message")) for one in errors)
        made = (payload or {}).get("fulfillment") or {}
        if not made.get("id"):  # neither made nor refused: sending it again could ship it twice
            raise OutcomeUnknown(VENDOR, "answered without the fulfilment")
        return str(made["id"]), ""

    def _write(self, document: Document, field: str, **variables: Any) -> str:
        """Send a mutation that sets a state and so may be repeated; Shopify's words, empty when it went well."""
        errors = user_errors(self.graphql.ask(document, repeatable=True, **variables).get(field))
        return "; ".join(str(one.get("message")) for one in errors)

    def _binding(self, job: Job, gid: str, *, foreign: bool = False) -> Binding:
        """What Shopify holds for the parcel; a `foreign` fulfilment is never changed by us."""
        url, data = self.settings.order_url(job.order_id), {"foreign": True} if foreign else {}
        return Binding(vendor_id=gid, fingerprint=job.fingerprint, url=url, data=data)
