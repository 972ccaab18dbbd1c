"""Intuit's token endpoint: refresh tokens that rotate, of which the old one dies."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs

import httpx

HUNDRED_DAYS = 8_640_000
FIVE_YEARS = 157_680_000
DAY = 86_400


@dataclass
class TokenDesk:
    """Knows one app and one living refresh token. `rotate="daily"` gives a new one only when the old is a day old."""

    client_id: str
    client_secret: str
    refresh: str
    clock: Callable[[], float]
    rotate: Literal["always", "daily"] = "always"
    lifetime: int = 3600
    access: dict[str, float] = field(default_factory=dict)
    born: float = 0.0
    issued: int = 0

    def __post_init__(self) -> None:
        self.born = self.clock()

    def valid(self, authorization: str) -> bool:
        """Whether the header carries a living access token."""
        return self.access.get(authorization.removeprefix("Bearer "), 0.0) > self.clock()

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The token call."""
        if not self._knows_app(request.headers.get("authorization", "")):
            return httpx.Response(401, json={"error": "invalid_client"})
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return httpx.Response(400, json={"error": "invalid_request"})
        form = {key: values[0] for key, values in parse_qs(request.content.decode()).items()}
        if form.get("grant_type") != "refresh_token":
            return httpx.Response(400, json={"error": "unsupported_grant_type"})
        if not self.refresh or form.get("refresh_token") != self.refresh:
            words = "Incorrect or invalid refresh token"
            return httpx.Response(400, json={"error": "invalid_grant", "error_description": words})
        hard = request.headers.get("x-include-refresh-token-hard-expires-in") == "true"
        return httpx.Response(200, json=self._issue(hard))

    def _knows_app(self, authorization: str) -> bool:
        pair = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        return authorization == f"Basic {pair}"

    def _issue(self, hard: bool) -> dict[str, object]:
        self.issued += 1
        if self.rotate == "always" or self.clock() - self.born >= DAY:
            self.refresh = f"RT1-{self.issued}-{secrets.token_hex(12)}"
            self.born = self.clock()
        access = f"eyJ-{self.issued}-{secrets.token_hex(16)}"
        self.access[access] = self.clock() + self.lifetime
        answer: dict[str, object] = {
            "token_type": "bearer",
            "access_token": access,
            "expires_in": self.lifetime,
            "refresh_token": self.refresh,
            "x_refresh_token_expires_in": HUNDRED_DAYS,
        }
        return answer | ({"x_refresh_token_hard_expires_in": FIVE_YEARS} if hard else {})
