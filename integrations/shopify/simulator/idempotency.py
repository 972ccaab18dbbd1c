"""Keys that make a write repeatable. https://shopify.dev/docs/api/usage/idempotent-requests"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from integrations.shopify.simulator.errors import FieldError
from integrations.shopify.simulator.plan import Request

MISSING = "The @idempotent directive is required for this mutation but was not provided."
MISMATCH = "The same idempotency key cannot be used with different operation parameters."
FAILED = "A previous request with this idempotency key failed. Retry with a new idempotency key."
BUSY = "This request is currently in progress, please try again."

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Remembered:
    """What came of a key: the arguments it was used with, the payload, and when it arrived."""

    fingerprint: str
    payload: Payload
    at: float


def user_error(field: list[str] | None, message: str, code: str | None = None) -> dict[str, Any]:
    """One entry of `userErrors`."""
    return {"field": field, "message": message, "code": code}


def once(request: Request, name: str, args: Mapping[str, Any], do: Callable[[], Payload]) -> Payload:
    """Run `do` once per idempotency key of this app and mutation, as long as the key is remembered."""
    given = request.directive("idempotent")
    if given is None or not str(given["key"]).strip():
        raise FieldError(MISSING, "BAD_REQUEST")
    sim, key, fingerprint = request.sim, (name, given["key"]), json.dumps(args, sort_keys=True)
    known: Remembered | None = sim.idempotency.get(key)
    if known is not None and sim.now() - known.at <= sim.switches.key_seconds:
        return _replayed(sim, fingerprint, known)
    payload = do()
    sim.idempotency[key] = Remembered(fingerprint, payload, sim.now())
    return payload


def _replayed(sim: Any, fingerprint: str, known: Remembered) -> Payload:
    if fingerprint != known.fingerprint:
        return _refused(known, MISMATCH, "IDEMPOTENCY_KEY_PARAMETER_MISMATCH")
    if sim.now() - known.at < sim.switches.busy_seconds:
        return _refused(known, BUSY, "IDEMPOTENCY_CONCURRENT_REQUEST")
    if known.payload["userErrors"] and sim.switches.failed_key == "spent":
        return _refused(known, FAILED, "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED")
    return known.payload


def _refused(known: Remembered, message: str, code: str) -> Payload:
    empty: Payload = {key: [] if key == "userErrors" else None for key in known.payload}
    return {**empty, "userErrors": [user_error(None, message, code)]}
