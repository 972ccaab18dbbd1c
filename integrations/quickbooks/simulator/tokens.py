"""Intuit's side of OAuth 2.0: consent, codes, refresh tokens that rotate, and revocation."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, urlencode

import httpx

HUNDRED_DAYS = 8_640_000
FIVE_YEARS = 157_680_000
DAY = 86_400
CODE_LIFE = 600
SCOPE = "com.intuit.quickbooks.accounting"


@dataclass
class Code:
    """An authorisation code that was not exchanged yet."""

    redirect: str
    realm: str
    until: float


@dataclass
class TokenDesk:
    """Knows one app and the access to one company. `rotate="daily"` gives a new refresh token only when the old one is
    a day old. `redirects` are the app's redirect URIs; empty: any is taken.
    """

    client_id: str
    client_secret: str
    refresh: str
    clock: Callable[[], float]
    rotate: Literal["always", "daily"] = "always"
    realm: str = ""
    grace: Callable[[], bool] = lambda: False
    redirects: tuple[str, ...] = ()
    lifetime: int = 3600
    refresh_lifetime: int = HUNDRED_DAYS
    decision: Literal["allow", "deny"] = "allow"
    chosen: str = ""
    """The company that the merchant will choose; empty: the one there is."""
    access: dict[str, float] = field(default_factory=dict)
    realms: dict[str, str] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    replaced: dict[str, float] = field(default_factory=dict)
    born: float = 0.0
    granted: float = 0.0
    issued: int = 0

    def __post_init__(self) -> None:
        self.born = self.granted = self.clock()

    def valid(self, authorization: str) -> bool:
        """Whether the header carries a living access token."""
        return self.access.get(authorization.removeprefix("Bearer "), 0.0) > self.clock()

    def realm_of(self, authorization: str) -> str:
        """The company that this access is for."""
        return self.realms.get(authorization.removeprefix("Bearer "), "")

    def consent(self, request: httpx.Request) -> httpx.Response:
        """The page where the merchant grants access; the decision was made before, so it sends the browser back."""
        asked = request.url.params
        redirect = asked.get("redirect_uri", "")
        if asked.get("client_id") != self.client_id:
            return _page("The app's client id is not known.")
        if not redirect.startswith(("https://", "http://localhost", "http://127.0.0.1")):
            return _page("The redirect_uri must be https, or on this machine.")
        if self.redirects and redirect not in self.redirects:
            return _page("The redirect_uri query parameter value is invalid. Make sure it is listed in the app.")
        if asked.get("response_type") != "code" or not asked.get("state"):
            return _page("The request needs response_type=code and a state.")
        if SCOPE not in asked.get("scope", "").split():
            return _back(redirect, error="invalid_scope", state=asked["state"])
        if self.decision == "deny":
            words = "The user did not authorize the request."
            return _back(redirect, error="access_denied", error_description=words, state=asked["state"])
        code = f"AB{secrets.token_hex(16)}"
        realm = self.chosen or self.realm
        self.codes[code] = Code(redirect, realm, self.clock() + CODE_LIFE)
        return _back(redirect, code=code, state=asked["state"], realmId=realm)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The token call."""
        if not self._knows_app(request.headers.get("authorization", "")):
            return httpx.Response(401, json={"error": "invalid_client"})
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return httpx.Response(400, json={"error": "invalid_request"})
        form = {key: values[0] for key, values in parse_qs(request.content.decode("utf-8", "replace")).items()}
        if form.get("grant_type") == "authorization_code":
            refusal = self._exchanged(form)
        elif form.get("grant_type") == "refresh_token":
            refusal = self._refreshed(form.get("refresh_token", ""))
        else:
            return httpx.Response(400, json={"error": "unsupported_grant_type"})
        if refusal:
            return httpx.Response(400, json={"error": "invalid_grant", "error_description": refusal})
        hard = request.headers.get("x-include-refresh-token-hard-expires-in") == "true"
        return httpx.Response(200, json=self._issue(hard))

    def revoke(self, request: httpx.Request) -> httpx.Response:
        """The revocation call: access and refresh token of the grant die together."""
        if not self._knows_app(request.headers.get("authorization", "")):
            return httpx.Response(401, json={"error": "invalid_client"})
        try:
            token = json.loads(request.content)["token"]
        except (ValueError, UnicodeDecodeError, KeyError, TypeError):
            return httpx.Response(400, json={"error": "invalid_request"})
        if not token or (token != self.refresh and token not in self.access):
            return httpx.Response(400, json={"error": "invalid_request"})
        self.end()
        return httpx.Response(200)

    def end(self) -> None:
        """No token works any more."""
        self.refresh = ""
        self.access.clear()
        self.replaced.clear()

    def _knows_app(self, authorization: str) -> bool:
        try:
            pair = base64.b64decode(authorization.removeprefix("Basic "), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        return authorization.startswith("Basic ") and pair == f"{self.client_id}:{self.client_secret}"

    def _exchanged(self, form: dict[str, str]) -> str:
        code = self.codes.pop(form.get("code", ""), None)
        if code is None or code.until < self.clock() or form.get("redirect_uri") != code.redirect:
            return "Invalid authorization code"
        self.realm = code.realm
        self.refresh, self.granted = "", self.clock()
        self.access.clear()
        return ""

    def _refreshed(self, token: str) -> str:
        ends = min(self.born + self.refresh_lifetime, self.granted + FIVE_YEARS)
        known = bool(self.refresh) and token == self.refresh
        if not known and self.grace() and self.replaced.get(token, 0.0) > self.clock():
            known = True
        if not known or ends <= self.clock():
            return "Incorrect or invalid refresh token"
        return ""

    def _issue(self, hard: bool) -> dict[str, object]:
        self.issued += 1
        now = self.clock()
        if not self.refresh or self.rotate == "always" or now - self.born >= DAY:
            if self.refresh:
                self.replaced[self.refresh] = now + DAY
            self.refresh = f"RT1-{self.issued}-{secrets.token_hex(12)}"
            self.born = now
        access = f"eyJ-{self.issued}-{secrets.token_hex(16)}"
        self.access[access] = now + self.lifetime
        self.realms[access] = self.realm
        answer: dict[str, object] = {
            "token_type": "bearer",
            "access_token": access,
            "expires_in": self.lifetime,
            "refresh_token": self.refresh,
            "x_refresh_token_expires_in": int(self.born + self.refresh_lifetime - now),
        }
        return answer | ({"x_refresh_token_hard_expires_in": int(self.granted + FIVE_YEARS - now)} if hard else {})


def discovery(base_url: str) -> dict[str, object]:
    """The discovery document, with this simulator's addresses."""
    return {
        "issuer": base_url,
        "authorization_endpoint": f"{base_url}/connect/oauth2",
        "token_endpoint": f"{base_url}/oauth2/v1/tokens/bearer",
        "revocation_endpoint": f"{base_url}/v2/oauth2/tokens/revoke",
        "userinfo_endpoint": f"{base_url}/v1/openid_connect/userinfo",
        "jwks_uri": f"{base_url}/op/v1/jwks",
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", SCOPE],
    }


def _back(redirect: str, **answer: str) -> httpx.Response:
    joint = "&" if "?" in redirect else "?"
    return httpx.Response(302, headers={"location": f"{redirect}{joint}{urlencode(answer)}"})


def _page(words: str) -> httpx.Response:
    return httpx.Response(
        400, html=f"<html><body><h1>Sorry, but something didn't connect</h1><p>{words}</p></body></html>"
    )
