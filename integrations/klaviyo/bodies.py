"""Requests of both event endpoints: one event, or many grouped by profile within the bulk endpoint's limits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from commerce.ports import Item
from integrations.klaviyo.mapping import PRODUCT, MetricEvent

MOST_EVENTS = 1_000
MOST_BYTES = 4_500_000
"""Klaviyo's limit is 5 MB; some room is left for the wrapping."""


@dataclass(frozen=True)
class Plan:
    """What one item needs: all its events must be accepted before it is done. `order` is what people call it."""

    item: Item
    order: str
    events: Sequence[MetricEvent] = field(repr=False)
    note: str = ""

    @property
    def backfill(self) -> bool:
        """Whether nothing in it may trigger a flow."""
        return all(event.attributes["backfill"] for event in self.events)

    @property
    def main(self) -> str:
        """The unique_id of the newest fact's main event."""
        return next(one.unique_id for one in reversed(self.events) if one.key[1] != PRODUCT)

    @cached_property
    def size(self) -> int:
        """Bytes in a bulk request, a little more than it will be."""
        return sum(len(json.dumps(one.attributes)) + len(json.dumps(one.profile)) + 300 for one in self.events)


def single(event: MetricEvent) -> dict[str, Any]:
    """The body of one event."""
    # https://developers.klaviyo.com/en/reference/create_event
    profile = {"data": {"type": "profile", "attributes": event.profile}}
    return {"data": {"type": "event", "attributes": {**event.attributes, "profile": profile}}}


def bulk(events: Iterable[MetricEvent]) -> dict[str, Any]:
    """The body of many events: grouped by profile, each event once, as one repeat would refuse the whole request."""
    # https://developers.klaviyo.com/en/reference/bulk_create_events
    people: dict[str, dict[str, Any]] = {}
    grouped: dict[str, list[dict[str, Any]]] = {}
    for event in {event.key: event for event in events}.values():
        who = event.key[0]
        people[who] = {**people.get(who, {}), **event.profile}
        grouped.setdefault(who, []).append({"type": "event", "attributes": event.attributes})
    groups = [_group(people[who], found) for who, found in grouped.items()]
    attributes = {"events-bulk-create": {"data": groups}}
    return {"data": {"type": "event-bulk-create-job", "attributes": attributes}}


def _group(profile: dict[str, Any], events: list[dict[str, Any]]) -> dict[str, Any]:
    who = {"data": {"type": "profile", "attributes": profile}}
    return {"type": "event-bulk-create", "attributes": {"profile": who, "events": {"data": events}}}


def packed(plans: Iterable[Plan]) -> Iterator[list[Plan]]:
    """Plans in requests of at most 1,000 events and 4.5 MB; a plan is never torn apart."""
    batch: list[Plan] = []
    events = size = 0
    for plan in plans:
        weight = plan.size
        if batch and (events + len(plan.events) > MOST_EVENTS or size + weight > MOST_BYTES):
            yield batch
            batch, events, size = [], 0, 0
        batch.append(plan)
        events, size = events + len(plan.events), size + weight
    if batch:
        yield batch
