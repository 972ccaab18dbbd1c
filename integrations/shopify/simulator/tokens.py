"""Access tokens. https://shopify.dev/docs/apps/build/authentication-authorization/client-credentials-grant"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl

import httpx

CLIENT_CREDENTIALS_SECONDS = 86_399
OFFLINE_SECONDS = 3_600
REFRESH_SECONDS = 7_776_000
REFUSED = "[API] Invalid API key or access token (unrecognized login or wrong password)"


class Tokens:
    """Who may call, until when."""

    def __init__(self, now: Callable[[], float], client_id: str, client_secret: str, static: Iterable[str]) -> None:
        self.now, self.client_id, self.client_secret = now, client_id, client_secret
        self.static = set(static)
        self.expires: dict[str, float] = {}
        self.refresh: dict[str, float] = {}
        self.replaced_by: dict[str, str] = {}
        self.pair_of: dict[str, str] = {}
        self.permitted = True

    def valid(self, token: str) -> bool:
        """Whether a call with `token` is let in. Using a new pair ends the grace of the refresh token before it."""
        known = token in self.static or self.expires.get(token, 0) > self.now()
        if known and token in self.pair_of:
            newest = self.pair_of[token]
            for old in [old for old, new in self.replaced_by.items() if new == newest]:
                self.refresh.pop(old, None)
        return known

    def expire_all(self) -> None:
        """Every issued token is over now; static ones stay."""
        self.expires.clear()

    def answer(self, request: httpx.Request, scope: str) -> httpx.Response:
        """POST /admin/oauth/access_token"""
        form = _form(request)
        if form.get("client_id") != self.client_id or form.get("client_secret") != self.client_secret:
            return _refuse(request, 400, "invalid_client", "Client authentication failed.")
        if not self.permitted:
            text = "Client credentials cannot be performed on this shop."
            return _refuse(request, 400, "shop_not_permitted", text)
        if form.get("grant_type") == "client_credentials":
            return self._issue(scope, CLIENT_CREDENTIALS_SECONDS)
        if form.get("grant_type") == "refresh_token":
            return self._rotate(request, form.get("refresh_token", ""), scope)
        return _refuse(request, 400, "unsupported_grant_type", "The grant type is not supported.")

    def first_refresh_token(self) -> str:
        """A refresh token as the code grant with `expiring=1` hands one out."""
        token = f"shprt_{secrets.token_hex(16)}"
        self.refresh[token] = self.now() + REFRESH_SECONDS
        return token

    def _issue(self, scope: str, lasts: int, **more: Any) -> httpx.Response:
        token = f"shpat_{secrets.token_hex(16)}"
        self.expires[token] = self.now() + lasts
        if "refresh_token" in more:
            self.pair_of[token] = more["refresh_token"]
        return httpx.Response(200, json={"access_token": token, "scope": scope, "expires_in": lasts, **more})

    def _rotate(self, request: httpx.Request, old: str, scope: str) -> httpx.Response:
        """https://shopify.dev/changelog/more-resilient-refreshes-for-expiring-offline-access-tokens"""
        if self.refresh.get(old, 0) <= self.now():
            text = "This request requires an active refresh_token"
            return httpx.Response(401, json={"error": "invalid_request", "error_description": text})
        new = self.replaced_by.get(old) or self.first_refresh_token()
        self.replaced_by[old] = new
        return self._issue(scope, OFFLINE_SECONDS, refresh_token=new, refresh_token_expires_in=REFRESH_SECONDS)


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
