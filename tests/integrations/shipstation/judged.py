"""A simulator whose every exchange is compared with ShipStation's official file."""

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


class Judged(httpx.BaseTransport):
    """Passes calls on and keeps what the file has to complain about."""

    def __init__(self, sim: ShipStationSimulator) -> None:
        self._transport = sim.transport()
        self.wrong: list[str] = []
        self.seen: set[tuple[str, int]] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._transport.handle_request(request)
        answer.read()
        method, path = request.method, request.url.raw_path.decode().split("?")[0]
        call = f"{method} {re.sub(r'(?<=/)se-[^/]+|(?<=external_shipment_id/).+', 'ID', path)}"
        self.seen.add((call, answer.status_code))
        if path != "/jwks":
            self.wrong += [
                f"{call} {answer.status_code} {words}" for words in self._judge(method, path, request, answer)
            ]
        return answer

    def _judge(self, method: str, path: str, request: httpx.Request, answer: httpx.Response) -> list[str]:
        told = _json(answer.content) if answer.content else None
        if spec.endpoint(method, path) is None:
            newer = any(f"{method} {path}".startswith(call) for call in NEWER_CALLS)
            return [*([] if newer else ["no such call"]), *([] if answer.is_success else spec.wrong_with_error(told))]
        wrong = [f"sent {words}" for words in spec.wrong_with_query(method, path, dict(request.url.params))]
        if answer.is_success:
            sent = _json(request.content) if request.content else None
            wrong += [f"sent {words}" for words in spec.wrong_with_body(method, path, sent)]
        return wrong + [f"told {words}" for words in spec.wrong_with_answer(method, path, answer.status_code, told)]


def _json(content: bytes) -> Any:
    return json.loads(content)
