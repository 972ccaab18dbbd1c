"""Access tokens: who may call, until when. https://shopify.dev/docs/apps/build/authentication-authorization"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl

import httpx

CLIENT_CREDENTIALS_SECONDS = 86_399
OFFLINE_SECONDS = 3_600
REFRESH_SECONDS = 7_776_000
GRACE_SECONDS = 30 * 86_400
"""How long after its first use a replaced refresh token may be tried again, as long as its successor is unused."""
CODE_SECONDS = 60
REFUSED = "[API] Invalid API key or access token (unrecognized login or wrong password)"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"

DeadRefresh = Literal["invalid_request", "invalid_grant"]
"""How a dead refresh token is refused: 401 invalid_request (seen by most), or 400 invalid_grant (reported by some)."""


@dataclass
class Refresh:
    """One refresh token. `successor` is there once it was used."""

    ends: float
    successor: str = ""
    first_used: float = 0.0


class Tokens:
    """What was issued, and to whom it is refused."""

    def __init__(self, now: Callable[[], float], client_id: str, client_secret: str, static: Iterable[str]) -> None:
        self.now, self.client_id, self.client_secret = now, client_id, client_secret
        self.static = set(static)
        self.permitted = self.installed = True
        self.dead_refresh: DeadRefresh = "invalid_request"
        self.expires: dict[str, float] = {}
        self.refresh: dict[str, Refresh] = {}
        self.pair_of: dict[str, str] = {}
        self.codes: dict[str, float] = {}

    def valid(self, token: str) -> bool:
        """Whether a call with `token` is let in. Using a new pair ends the grace of the refresh token before it."""
        known = token in self.static or self.expires.get(token, 0) > self.now()
        if known and token in self.pair_of:
            self._end_grace_before(self.pair_of[token])
        return known

    def expire_all(self) -> None:
        """Every issued token is over now; static ones stay."""
        self.expires.clear()

    def revoke_all(self) -> None:
        """The app is gone from the shop: no token of any kind works, and none is issued."""
        self.installed = False
        self.static.clear()
        self.expires.clear()
        self.refresh.clear()

    def answer(self, request: httpx.Request, scope: str) -> httpx.Response:
        """POST /admin/oauth/access_token"""
        form = _form(request)
        if form.get("client_id") != self.client_id or form.get("client_secret") != self.client_secret:
            return _refuse(request, 400, "invalid_client", "Client authentication failed.")
        grant = form.get("grant_type", "")
        if not grant and "code" in form:
            return self._redeem(request, form, scope)
        if grant == "client_credentials":
            return self._client_credentials(request, scope)
        if grant == "refresh_token":
            return self._rotate(request, form.get("refresh_token", ""), scope)
        if grant == EXCHANGE:
            return self._exchange(request, form, scope)
        return _refuse(request, 400, "unsupported_grant_type", "The grant type is not supported.")

    def first_refresh_token(self) -> str:
        """A refresh token as the code grant with `expiring=1` hands one out."""
        token = f"shprt_{secrets.token_hex(16)}"
        self.refresh[token] = Refresh(self.now() + REFRESH_SECONDS)
        return token

    def code(self) -> str:
        """What the merchant's approval is worth, once and for a minute."""
        code = secrets.token_hex(16)
        self.codes[code] = self.now() + CODE_SECONDS
        return code

    def _client_credentials(self, request: httpx.Request, scope: str) -> httpx.Response:
        """https://shopify.dev/docs/apps/build/authentication-authorization/client-credentials-grant"""
        if not self.permitted:
            text = "Client credentials cannot be performed on this shop."
            return _refuse(request, 400, "shop_not_permitted", text)
        if not self.installed:
            return _refuse(request, 400, "app_not_installed", "The app is not installed on this shop.")
        return self._issue(scope, CLIENT_CREDENTIALS_SECONDS)

    def _redeem(self, request: httpx.Request, form: dict[str, str], scope: str) -> httpx.Response:
        """https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant"""
        if self.codes.pop(form["code"], 0) <= self.now():
            return _refuse(request, 400, "invalid_request", "The authorization code was not found or was already used")
        self.installed = True
        return self._offline(form, scope)

    def _exchange(self, request: httpx.Request, form: dict[str, str], scope: str) -> httpx.Response:
        """A non-expiring offline token becomes an expiring one, and dies."""
        old = form.get("subject_token", "")
        if form.get("subject_token_type") != OFFLINE or form.get("requested_token_type") != OFFLINE:
            return _refuse(request, 400, "invalid_request", "The subject token type is not supported.")
        if old not in self.static:
            return _refuse(request, 400, "invalid_subject_token", "The subject token is not active.")
        self.static.discard(old)
        return self._offline(form, scope)

    def _offline(self, form: dict[str, str], scope: str) -> httpx.Response:
        if form.get("expiring") in ("1", "true", "True"):
            return self._pair(self.first_refresh_token(), scope)
        token = f"shpat_{secrets.token_hex(16)}"
        self.static.add(token)
        return httpx.Response(200, json={"access_token": token, "scope": scope})

    def _rotate(self, request: httpx.Request, old: str, scope: str) -> httpx.Response:
        """https://shopify.dev/changelog/more-resilient-refreshes-for-expiring-offline-access-tokens"""
        known, now = self.refresh.get(old), self.now()
        if known is None or known.ends <= now or (known.successor and now - known.first_used > GRACE_SECONDS):
            text = "This request requires an active refresh_token"
            status = 401 if self.dead_refresh == "invalid_request" else 400
            return httpx.Response(status, json={"error": self.dead_refresh, "error_description": text})
        self._end_grace_before(old)
        if not known.successor:
            known.successor, known.first_used = self.first_refresh_token(), now
        return self._pair(known.successor, scope)

    def _end_grace_before(self, refresh: str) -> None:
        for old in [old for old, one in self.refresh.items() if one.successor == refresh]:
            del self.refresh[old]

    def _pair(self, refresh: str, scope: str) -> httpx.Response:
        left = int(self.refresh[refresh].ends - self.now())
        return self._issue(scope, OFFLINE_SECONDS, refresh_token=refresh, refresh_token_expires_in=left)

    def _issue(self, scope: str, lasts: int, **more: Any) -> httpx.Response:
        token = f"shpat_{secrets.token_hex(16)}"
        self.expires[token] = self.now() + lasts
        if "refresh_token" in more:
            self.pair_of[token] = more["refresh_token"]
        return httpx.Response(200, json={"access_token": token, "scope": scope, "expires_in": lasts, **more})


def _form(request: httpx.Request) -> dict[str, str]:
    if "json" in request.headers.get("content-type", ""):
        try:
            content = json.loads(request.content)
        except ValueError:
            return {}
        return {key: str(value) for key, value in content.items()} if isinstance(content, dict) else {}
    return dict(parse_qsl(request.content.decode()))


def _refuse(request: httpx.Request, status: int, error: str, text: str) -> httpx.Response:
    """JSON only for those who ask for it."""
    if "json" in request.headers.get("accept", ""):
        return httpx.Response(status, json={"error": error, "error_description": text})
    return httpx.Response(status, html=f"<html><body>Oauth error {error}: {text}</body></html>")


def unauthorised() -> httpx.Response:
    """Missing, wrong, expired and revoked all look alike."""
    headers = {"www-authenticate": 'Basic Realm="Shopify API Authentication"'}
    return httpx.Response(401, headers=headers, json={"errors": REFUSED})
