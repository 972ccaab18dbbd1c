"""What a Klaviyo account holds: profiles, metrics and events, and what they set off."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from integrations.klaviyo.simulator.answers import invalid
from integrations.klaviyo.simulator.bodies import IDENTIFIERS, Told
from integrations.klaviyo.simulator.people import People, Profile, plain
from integrations.simulator import Clock


@dataclass
class Kept:
    """One event. It can neither be changed nor deleted, but goes with its profile."""

    id: str
    profile: Profile
    metric_id: str
    told: Told
    received: float


class Account:
    """Everything in the account. `mapped` says which metric counts as "revenue" and so on, by mapping."""

    def __init__(self, clock: Clock, conflicts: Literal["first", "refuse"]) -> None:
        self._clock = clock
        self.people = People(clock, conflicts)
        self.metrics: dict[str, dict[str, Any]] = {}
        self.mapped: dict[str, str] = {}
        self.events: list[Kept] = []
        self.flows_triggered = 0
        self.deleted = 0
        self.to_lose = 0
        self._known: set[tuple[str, str, str]] = set()
        self._metric_ids: dict[tuple[str, str], str] = {}

    def metric(self, name: str, integration: str = "API") -> str:
        """The id of this integration's metric of that name, made when new."""
        known = self._metric_ids.get((name, integration))
        if known:
            return known
        made = f"M{len(self.metrics) + 1:05d}"
        category = "API" if integration == "API" else "eCommerce"
        now = when(self._clock())
        self.metrics[made] = {
            "name": name,
            "created": now,
            "updated": now,
            "integration": {
                "object": "integration",
                "id": f"I{integration}",
                "name": integration,
                "category": category,
            },
        }
        self._metric_ids[name, integration] = made
        return made

    def record(self, told: Told) -> None:
        """Keep the event unless this profile has it already; its profile is made or changed in either case."""
        if self.to_lose:  # accepted, and then its processing fails without anybody being told
            self.to_lose -= 1
            return
        profile, _ = self.people.upsert(told.profile)
        metric_id = self.metric(told.metric)
        key = (profile.id, metric_id, told.unique_id or str(int(told.time)))
        if key in self._known:
            return
        self._known.add(key)
        self.events.append(Kept(uuid.uuid4().hex[:12], profile, metric_id, told, self._clock()))
        profile.last_event = told.time
        if not told.backfill:
            self.flows_triggered += 1

    def refuse_repeats(self, events: list[Told], *, known_too: bool) -> None:
        """The bulk endpoint's rule: one repeated unique_id, and no event of the request is processed."""
        seen: set[tuple[str, str, str]] = set()
        for told in events:
            who = self.people.find(told.profile)
            metric_id = self._metric_ids.get((told.metric, "API"), told.metric)
            key = (who.id if who else _named(told.profile), metric_id, told.unique_id or str(int(told.time)))
            if key in seen or (known_too and key in self._known):
                detail = "unique_id is repeated for the same profile and metric."
                raise invalid(f"{told.pointer}/attributes/unique_id", detail)
            seen.add(key)

    def subscribe(self, attributes: dict[str, Any]) -> None:
        """Consent to marketing. Removes a suppression, which is why nobody may call it by accident."""
        profile, _ = self.people.upsert(attributes)
        profile.consent, profile.suppressed = "SUBSCRIBED", False

    def suppress(self, email: str) -> None:
        """Consent withdrawn."""
        profile, _ = self.people.upsert({"email": email})
        profile.consent, profile.suppressed = "UNSUBSCRIBED", True

    def delete(self, name: str, value: str) -> None:
        """Forget every profile with this identifier, and what they did."""
        for profile in self.people.matching(name, value):
            self.people.forget(profile)
            self.deleted += 1
            self.events = [kept for kept in self.events if kept.profile is not profile]

    def state(self) -> dict[str, Any]:
        """Ground truth as JSON."""
        people = self.people.profiles.values()
        return {
            "events": [self._event_state(kept) for kept in self.events],
            "profiles": len(people),
            "flows_triggered": self.flows_triggered,
            "subscribed": sum(one.consent == "SUBSCRIBED" for one in people),
            "suppressed": sum(one.suppressed for one in people),
            "deleted": self.deleted,
        }

    def _event_state(self, kept: Kept) -> dict[str, Any]:
        told = kept.told
        return {
            "metric": told.metric,
            "email": kept.profile.attributes.get("email"),
            "external_id": kept.profile.attributes.get("external_id"),
            "unique_id": told.unique_id,
            "value": told.value,
            "currency": told.currency,
            "time": when(told.time),
            "backfill": told.backfill,
            "properties": {"OrderId": told.properties.get("OrderId")},
        }


def when(seconds: float) -> str:
    """A moment as Klaviyo writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _named(attributes: dict[str, Any]) -> str:
    return next((f"{name}={plain(attributes[name])}" for name in IDENTIFIERS if attributes.get(name)), "")
