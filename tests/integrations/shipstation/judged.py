"""Every exchange of a story compared with ShipStation's official file."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx

from integrations.shipstation.simulator import ShipStationSimulator
from tests.integrations.shipstation import spec

NEWER_CALLS = {
    # https://docs.shipstation.com/apis/openapi/shipments/update_shipment
    "PUT /v2/shipments/se-": "editing shipments came after the file",
    # https://docs.shipstation.com/create-fulfillments
    "GET /v2/fulfillments": "fulfillments came a month after the file",
    "POST /v2/fulfillments": "fulfillments came a month after the file",
}
"""Calls that the file does not have, and why they are made all the same."""

REFUSED_ENTRY = re.compile(r"told \$\.shipments\[\d+\]: .* is a required property|sent \$\.shipments\[")
"""The file wants every field of a shipment in an entry that says why there is none; the guides show it without. What
was wrong with such an entry as it was sent is what the answer says."""


class Judge:
    """Listens to a simulator's own answers, not to faults, and keeps what the file has to complain about."""

    def __init__(self, sim: ShipStationSimulator) -> None:
        self._answer = sim.answer
        sim.answer = self.answer  # type: ignore[method-assign]
        self.wrong: list[str] = []
        self.seen: set[tuple[str, int]] = set()

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The simulator's answer, judged."""
        answer = self._answer(request)
        method, path = request.method, request.url.raw_path.decode().split("?")[0]
        call = f"{method} {re.sub(r'(?<=/)se-[^/]+|(?<=external_shipment_id/).+', 'ID', path)}"
        self.seen.add((call, answer.status_code))
        if path.startswith("/v2/"):
            found = judged(method, path, request, answer)
            self.wrong += [f"{call} {answer.status_code} {words}" for words in found]
        return answer


def judged(method: str, path: str, request: httpx.Request, answer: httpx.Response) -> list[str]:
    """What is wrong with one exchange."""
    told = json.loads(answer.content) if answer.content else None
    if spec.endpoint(method, path) is None:
        known = any(f"{method} {path}".startswith(call) for call in NEWER_CALLS)
        if not known:
            return [] if answer.status_code == 404 else ["no such call"]
        return _of_newer(method, path, answer, told)
    wrong = [f"sent {words}" for words in spec.wrong_with_query(method, path, dict(request.url.params))]
    if answer.is_success:
        sent = json.loads(request.content) if request.content else None
        wrong += [f"sent {words}" for words in spec.wrong_with_body(method, path, sent)]
    wrong += [f"told {words}" for words in spec.wrong_with_answer(method, path, answer.status_code, told)]
    partly = isinstance(told, dict) and told.get("has_errors") is True
    return [words for words in wrong if not (partly and REFUSED_ENTRY.match(words))]


def _of_newer(method: str, path: str, answer: httpx.Response, told: Any) -> list[str]:
    """An edit answers a shipment, a list its pages, a refusal the envelope; a missing method has words of its own."""
    if answer.status_code == 405:
        return []
    if not answer.is_success:
        return [f"told {words}" for words in spec.wrong_with_error(told)]
    schema = "shipment" if method == "PUT" else "paged_list_response_body" if method == "GET" else ""
    return [f"told {words}" for words in spec.wrong_with(schema, told)] if schema else []
