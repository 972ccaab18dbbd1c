"""How we prove who we are: a static token, one of the client-credentials grant, or a pair that is rotated.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from commerce.errors import NotAuthorised, UnexpectedAnswer
from commerce.ports import Tokens
from integrations.auth import HeaderAuth, TokenAuth, oauth_error
from integrations.connector import Services
from integrations.shopify.settings import VENDOR, ShopifySettings

TOKEN_HEADER = "X-Shopify-Access-Token"  # noqa: S105
IN_A_PAGE = re.compile(r"Oauth error (\w+)")
GIVE_ANEW = "give it anew: backroom connect {name}"
TO_DO = {
    "shop_not_permitted": (
        "gives this app no access by its own credentials, as the shop is not in the app's organization",
        "make the app in the shop's own organization, or give access in the browser: backroom connect {name}",
    ),
    "app_not_installed": (
        "says that the app is not installed",
        "install it in the shop, then: backroom resume {name}",
    ),
    "invalid_client": ("does not know our client id and secret", "check client_id and {variables}_CLIENT_SECRET"),
    "application_cannot_be_found": ("does not know our client id", "check client_id in stack.toml"),
    "invalid_request": ("does not take what we hold of our permission any more", GIVE_ANEW),
    "invalid_grant": ("does not take what we hold of our permission any more", GIVE_ANEW),
}
"""What the token endpoint's words mean, and what a person can do."""
NEVER = timedelta(days=36_500)
"""The life of an offline token that Shopify gives no end of."""


def auth(settings: ShopifySettings, services: Services) -> httpx.Auth:
    """A static token; or one that is renewed before it expires and once when it is refused.

    Renewed is with the kept refresh token, or the first one of the settings, or else with the client's own credentials.
    A refresh token whose answer got lost is simply used again: Shopify lets that happen until its successor is used,
    and a new pair is kept before it is used.
    """
    if settings.static:
        return HeaderAuth(TOKEN_HEADER, settings.access_token.get_secret_value())

    def renew(newest: Tokens | None) -> httpx.Request:
        return renewal(settings, newest)

    def read(answer: httpx.Response, _: Tokens | None) -> Tokens:
        return read_tokens(answer, settings.shop, services.clock)

    def put(request: httpx.Request, token: str) -> None:
        request.headers[TOKEN_HEADER] = token

    def refused(answer: httpx.Response) -> None:
        refuse(answer, settings.name)

    return TokenAuth(
        vendor=VENDOR, store=services.tokens, renew=renew, read=read, put=put, refused=refused, clock=services.clock
    )


def renewal(settings: ShopifySettings, newest: Tokens | None) -> httpx.Request:
    """The request for a new access token. Whether our permission has ended is for Shopify to say, not for our clock."""
    refresh = (newest.refresh if newest else "") or settings.refresh_token.get_secret_value()
    if not refresh:
        # https://shopify.dev/docs/apps/build/authentication-authorization/client-credentials-grant
        return token_request(settings, json=False, grant_type="client_credentials")
    # https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens
    return token_request(settings, json=True, grant_type="refresh_token", refresh_token=refresh)


def token_request(settings: ShopifySettings, *, json: bool, **form: str) -> httpx.Request:
    """A call of the token endpoint, proved with the client's own id and secret."""
    whole = {"client_id": settings.client_id, "client_secret": settings.client_secret.get_secret_value(), **form}
    body: dict[str, Any] = {"json": whole} if json else {"data": whole}
    return httpx.Request("POST", settings.token_url, headers={"accept": "application/json"}, **body)


def read_tokens(answer: httpx.Response, shop: str, clock: Callable[[], float]) -> Tokens:
    """The tokens of a good answer, with both ends. Raises UnexpectedAnswer when there is none in it."""
    now = datetime.fromtimestamp(clock(), UTC)
    try:
        body = answer.json()
        ends = body.get("refresh_token_expires_in")
        lasts = timedelta(seconds=float(body["expires_in"])) if body.get("expires_in") else NEVER
        found = Tokens(
            access=body["access_token"],
            refresh=body.get("refresh_token") or "",
            expires_at=now + lasts,
            refresh_expires_at=now + timedelta(seconds=float(ends)) if ends else None,
            account=shop,
        )
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        hint = "check shop, base_url and token_url in stack.toml"
        raise UnexpectedAnswer(VENDOR, "its token endpoint answered without a token", hint=hint) from None
    if not found.access:
        raise UnexpectedAnswer(VENDOR, "its token endpoint answered with an empty token")
    return found


def refuse(answer: httpx.Response, name: str) -> None:
    """Raise what a refusal of the token endpoint means and what to do; nothing when only its status says something.

    Shopify answers some of them as a page, "Oauth error shop_not_permitted: …", whatever we accept.
    """
    code = oauth_error(answer) or "".join(IN_A_PAGE.findall(answer.text[:10_000])[:1])
    if code not in TO_DO or answer.status_code >= 500 or answer.status_code == 429:
        return
    words, hint = TO_DO[code]
    hint = hint.format(name=name, variables=f"BACKROOM_{name.upper().replace('-', '_')}")
    raise NotAuthorised(VENDOR, f"{words} ({answer.status_code} {code})", hint=hint, code=code)
