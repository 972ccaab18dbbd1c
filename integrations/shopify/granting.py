"""Access that a merchant gives in the browser.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlencode

import httpx

from commerce.errors import IntegrationError, NotAuthorised, NotConfigured
from integrations.auth import refuse_bad_token_answer
from integrations.connector import Authorisation, Services
from integrations.http import ApiClient
from integrations.shopify.checks import SCOPES
from integrations.shopify.settings import VENDOR, ShopifySettings
from integrations.shopify.tokens import read_tokens, refuse, token_request

ONCE_MORE = "start again: backroom connect {name}"


def address(settings: ShopifySettings, redirect: str, state: str) -> str:
    """Where the merchant approves the app. `redirect` must be among the app's redirect URLs in the dashboard.

    Raises NotConfigured when the app is not named, or when a static token would be used all the same.
    """
    if settings.static:
        variable = f"BACKROOM_{settings.name.upper().replace('-', '_')}_ACCESS_TOKEN"
        raise NotConfigured(variable, "is set and would be used instead", hint="remove it")
    if not settings.client_id:
        raise NotConfigured(f"connections.{settings.name}.client_id", "is not set")
    asked = {
        "client_id": settings.client_id,
        "scope": ",".join(sorted({*SCOPES, "read_all_orders"})),
        "redirect_uri": redirect,
        "state": state,
    }
    return f"{settings.base_url}/admin/oauth/authorize?{urlencode(asked)}"


def granted(settings: ShopifySettings, services: Services, redirect: str, answer: Mapping[str, str]) -> str:
    """Exchange the code for an expiring pair, keep it, and return the shop it is for.

    Raises NotAuthorised when Shopify did not sign the answer, or it is about another shop, or the merchant refused.
    """
    if not signed(settings.client_secret.get_secret_value(), answer):
        hint = f"check that client_id and BACKROOM_…_CLIENT_SECRET belong to one app; {ONCE_MORE}"
        raise refused(settings, "the answer of the browser was not signed by Shopify", hint)
    if answer.get("shop") != settings.shop:
        hint = f"log in to the shop of stack.toml, {settings.shop}; {ONCE_MORE}"
        raise refused(settings, f"access was given to another shop, {answer.get('shop', '')[:60]}", hint)
    if not answer.get("code"):
        raise refused(settings, f"access was not given: {answer.get('error', 'no code came back')[:60]}", ONCE_MORE)
    exchanged = exchange(settings, services, answer["code"])
    with services.tokens.refreshing():
        services.tokens.save(read_tokens(exchanged, settings.shop, services.clock))
    return settings.shop


def exchange(settings: ShopifySettings, services: Services, code: str) -> httpx.Response:
    """The answer to the code, which is good once. Raises NotAuthorised when Shopify does not take it."""

    def judge(answer: httpx.Response) -> None:
        if not answer.is_success:
            refuse(answer, settings.name)
            refuse_bad_token_answer(VENDOR, answer)  # its error quotes nothing of the answer

    wanted = token_request(settings, json=True, code=code, expiring="1")
    api = ApiClient(
        vendor=VENDOR,
        base_url=settings.base_url,
        transport=services.transport,
        sleep=services.sleep,
        calls=services.calls,
        hosts=(httpx.URL(settings.token_url).netloc.decode(),),
        inspect=judge,
    )
    try:
        return api.request(
            "POST",
            settings.token_url,
            safety="once",
            operation="exchange the code",
            content=wanted.content,
            headers=wanted.headers,
        )
    except NotAuthorised:
        raise
    except IntegrationError as error:
        raise refused(settings, f"the code could not be exchanged ({error})", ONCE_MORE) from error
    finally:
        api.close()


def refused(settings: ShopifySettings, words: str, hint: str) -> NotAuthorised:
    """The error for access that was not given."""
    return NotAuthorised(VENDOR, words, hint=hint.format(name=settings.name))


def signed(secret: str, answer: Mapping[str, str]) -> bool:
    """Whether `hmac` of the query is the hex HMAC-SHA256 of the rest of it, sorted.

    Shopify's own libraries differ in how they write reserved characters; both ways are unambiguous, so both are taken.
    """
    rest = sorted((name, value) for name, value in answer.items() if name not in ("hmac", "signature"))
    given = str(answer.get("hmac", "")).lower().encode("utf-8", "replace")
    matches = [hmac.compare_digest(mac(secret, message), given) for message in (urlencode(rest), plain(rest))]
    return bool(secret) and any(matches)


def plain(pairs: list[tuple[str, str]]) -> str:
    """The query with nothing escaped but what separates."""

    def escaped(text: str) -> str:
        return text.replace("%", "%25").replace("&", "%26")

    return "&".join(f"{escaped(name).replace('=', '%3D')}={escaped(value)}" for name, value in pairs)


def mac(secret: str, message: str) -> bytes:
    """Hex, in lower case."""
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest().encode()


AUTHORISATION = Authorisation(address=address, granted=granted, account=lambda settings: str(settings.shop))
