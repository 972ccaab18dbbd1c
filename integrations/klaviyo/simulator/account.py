"""What a Klaviyo account holds: profiles, metrics and events, and what they set off."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from integrations.klaviyo.simulator.answers import invalid
from integrations.klaviyo.simulator.bodies import Told
from integrations.simulator import Clock

IDENTIFIERS = ("id", "email", "phone_number", "external_id", "anonymous_id", "_kx")


@dataclass
class Profile:
    """One person. Orders never change `consent`; only the subscribe endpoint does."""

    id: str
    created: float
    attributes: dict[str, Any] = field(default_factory=dict)
    consent: str = "NEVER SUBSCRIBED"
    suppressed: bool = False
    last_event: float | None = None


@dataclass
class Kept:
    """One event. It can neither be changed nor deleted."""

    id: str
    profile: Profile
    metric_id: str
    told: Told
    received: float


class Account:
    """Everything in the account."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.profiles: dict[str, Profile] = {}
        self.metrics: dict[str, dict[str, Any]] = {}
        self.events: list[Kept] = []
        self.flows_triggered = 0
        self._known: set[tuple[str, str, str]] = set()
        self._people: dict[tuple[str, str], str] = {}
        self._metric_ids: dict[tuple[str, str], str] = {}

    def metric(self, name: str, integration: str = "API") -> str:
        """The id of this integration's metric of that name, made when new."""
        known = self._metric_ids.get((name, integration))
        if known:
            return known
        made = f"M{len(self.metrics) + 1:05d}"
        category = "API" if integration == "API" else "eCommerce"
        now = self._when()
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
        profile = self._upsert(told.profile)
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
            who = self._find(told.profile)
            metric_id = self._metric_ids.get((told.metric, "API"), told.metric)
            key = (who.id if who else _named(told.profile), metric_id, told.unique_id or str(int(told.time)))
            if key in seen or (known_too and key in self._known):
                detail = "unique_id is repeated for the same profile and metric."
                raise invalid(f"{told.pointer}/attributes/unique_id", detail)
            seen.add(key)

    def subscribe(self, attributes: dict[str, Any]) -> None:
        """Consent to marketing. Removes a suppression, which is why nobody may call it by accident."""
        profile = self._upsert(attributes)
        profile.consent, profile.suppressed = "SUBSCRIBED", False

    def suppress(self, email: str) -> None:
        """Consent withdrawn."""
        profile = self._upsert({"email": email})
        profile.consent, profile.suppressed = "UNSUBSCRIBED", True

    def state(self) -> dict[str, Any]:
        """Ground truth as JSON."""
        people = self.profiles.values()
        return {
            "events": [self._event_state(kept) for kept in self.events],
            "profiles": len(self.profiles),
            "flows_triggered": self.flows_triggered,
            "subscribed": sum(one.consent == "SUBSCRIBED" for one in people),
            "suppressed": sum(one.suppressed for one in people),
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
            "time": datetime.fromtimestamp(told.time, UTC).isoformat(),
            "backfill": told.backfill,
            "properties": {"OrderId": told.properties.get("OrderId")},
        }

    def _upsert(self, attributes: dict[str, Any]) -> Profile:
        """The person that any identifier names, changed by what is given: null clears, absent keeps."""
        profile = self._find(attributes)
        if profile is None:
            made = f"01SIM{len(self.profiles) + 1:021d}"
            profile = self.profiles[made] = Profile(made, self._clock())
        for name, value in attributes.items():
            if name in ("meta", "id"):
                continue
            if value is None:
                profile.attributes.pop(name, None)
            elif name == "properties":
                profile.attributes["properties"] = {**profile.attributes.get("properties", {}), **value}
            else:
                profile.attributes[name] = value
        for name in IDENTIFIERS[1:]:
            if profile.attributes.get(name):
                self._people.setdefault((name, _plain(profile.attributes[name])), profile.id)
        return profile

    def _find(self, attributes: dict[str, Any]) -> Profile | None:
        if attributes.get("id") in self.profiles:
            return self.profiles[attributes["id"]]
        for name in IDENTIFIERS[1:]:
            found = self._people.get((name, _plain(attributes.get(name) or "")))
            if found:
                return self.profiles[found]
        return None

    def _when(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).isoformat()


def _plain(value: Any) -> str:
    return str(value).lower()


def _named(attributes: dict[str, Any]) -> str:
    return next((f"{name}={_plain(attributes[name])}" for name in IDENTIFIERS if attributes.get(name)), "")
