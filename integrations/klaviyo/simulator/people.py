"""Profiles: found by any identifier, changed by what is told of them, merged by nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from integrations.klaviyo.simulator.answers import Refusal, invalid
from integrations.simulator import Clock

IDENTIFIERS = ("email", "phone_number", "external_id", "anonymous_id", "_kx")
"""The strongest first."""

Json = dict[str, Any]


@dataclass
class Profile:
    """One person. Orders never change `consent`; only the subscribe endpoint does."""

    id: str
    created: float
    updated: float
    attributes: Json = field(default_factory=dict)
    consent: str = "NEVER SUBSCRIBED"
    suppressed: bool = False
    last_event: float | None = None


class People:
    """All profiles of the account.

    `conflicts`: what becomes of identifiers that belong to several profiles: "first" takes the profile of the
    strongest and leaves the others where they are, "refuse" answers 409.
    """

    def __init__(self, clock: Clock, conflicts: Literal["first", "refuse"]) -> None:
        self._clock = clock
        self.conflicts = conflicts
        self.profiles: dict[str, Profile] = {}
        self._known: dict[tuple[str, str], str] = {}
        self._made = 0

    def find(self, attributes: Json) -> Profile | None:
        """The profile with this `id`, else of the strongest identifier that is known."""
        if attributes.get("id"):
            return self.profiles.get(attributes["id"])
        owners = self._owners(attributes)
        return next(iter(owners.values()), None)

    def refuse_conflict(self, attributes: Json) -> None:
        """Raise 404 for an id that is not this person's, 409 for identifiers of several people if those are refused."""
        owners = {profile.id for profile in self._owners(attributes).values()}
        given = attributes.get("id")
        if given and (given not in self.profiles or owners - {given}):
            raise Refusal(404, "not_found", "Not found.", f"A profile with id {given} does not exist.", pointer="/data")
        if self.conflicts == "refuse" and len(owners) > 1:
            raise duplicate(sorted(owners)[-1])

    def refuse_known(self, attributes: Json) -> None:
        """Raise 409 when anybody has one of these identifiers already."""
        found = self.find(attributes)
        if found is not None:
            raise duplicate(found.id)

    def upsert(self, attributes: Json) -> tuple[Profile, bool]:
        """The person, changed by what is given (null clears, absent keeps), and whether it is a new one."""
        self.refuse_conflict(attributes)
        profile, now = self.find(attributes), self._clock()
        new = profile is None
        if profile is None:
            self._made += 1
            made = f"01SIM{self._made:021d}"
            profile = self.profiles[made] = Profile(made, now, now)
        owners = self._owners(attributes)
        for name, value in attributes.items():
            taken = name in owners and owners[name] is not profile
            if name not in ("meta", "id") and not taken:
                self._set(profile, name, value)
        _patch(profile, (attributes.get("meta") or {}).get("patch_properties") or {})
        profile.updated = now
        return profile, new

    def matching(self, name: str, value: str) -> list[Profile]:
        """Profiles with this id, e-mail address or phone number."""
        found = self.profiles.values()
        return [one for one in found if plain(one.id if name == "id" else one.attributes.get(name)) == plain(value)]

    def forget(self, profile: Profile) -> None:
        """Remove every trace of a profile."""
        self.profiles.pop(profile.id, None)
        self._known = {key: owner for key, owner in self._known.items() if owner != profile.id}

    def _owners(self, attributes: Json) -> dict[str, Profile]:
        """Who has which of these identifiers, the strongest first."""
        named = {name: self._known.get((name, plain(attributes.get(name)))) for name in IDENTIFIERS}
        return {name: self.profiles[owner] for name, owner in named.items() if owner}

    def _set(self, profile: Profile, name: str, value: Any) -> None:
        if name in IDENTIFIERS:
            self._known.pop((name, plain(profile.attributes.get(name))), None)
            if value:
                self._known[name, plain(value)] = profile.id
        if value is None:
            profile.attributes.pop(name, None)
        elif name in ("properties", "location"):
            profile.attributes[name] = {**profile.attributes.get(name, {}), **value}
        else:
            profile.attributes[name] = value


def duplicate(profile_id: str) -> Refusal:
    """409: somebody else has this identifier."""
    detail = "A profile already exists with one of these identifiers."
    meta = {"duplicate_profile_id": profile_id}
    return Refusal(409, "duplicate_profile", "Conflict.", detail, pointer="/data/attributes", meta=meta)


def plain(value: Any) -> str:
    """As identifiers are compared."""
    return str(value or "").lower()


def _patch(profile: Profile, patch: Json) -> None:
    """`meta.patch_properties`: append to lists, take from lists, remove keys."""
    properties = profile.attributes.setdefault("properties", {}) if patch else {}
    for operation in ("append", "unappend"):
        for name, given in (patch.get(operation) or {}).items():
            wanted = given if isinstance(given, list) else [given]
            properties[name] = _joined(properties.get(name), wanted, operation)
    unset = patch.get("unset") or []
    for name in [unset] if isinstance(unset, str) else unset:
        properties.pop(name, None)


def _joined(kept: Any, wanted: list[Any], operation: str) -> list[Any]:
    listed = kept if isinstance(kept, list) else [] if kept is None else [kept]
    change: dict[str, Callable[[], list[Any]]] = {
        "append": lambda: [*listed, *(one for one in wanted if one not in listed)],
        "unappend": lambda: [one for one in listed if one not in wanted],
    }
    if any(isinstance(one, dict | list) for one in wanted):
        raise invalid("/data/meta/patch_properties", "Only simple values can be appended.")
    return change[operation]()
