"""Tokens that rotate, and the company that they are for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import httpx
from pydantic import ValidationError

from commerce.errors import NotAuthorised, TemporarilyUnavailable
from commerce.ports import Tokens
from integrations.auth import TokenAuth, oauth_error
from integrations.connector import Services
from integrations.quickbooks.faults import VENDOR
from integrations.quickbooks.schemas import TokenAnswer
from integrations.quickbooks.settings import QuickBooksSettings

LONGEST_REALM = 19


def is_realm(text: str) -> bool:
    """Whether it looks like a company id: up to 19 digits."""
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_REALM


def realm_of(settings: QuickBooksSettings, tokens: Tokens | None) -> str:
    """The company: that of stack.toml, or the one that access was granted for.

    Raises NotAuthorised when there is none, or when the two differ.
    """
    told = tokens.account if tokens else ""
    if settings.realm_id and told and told != settings.realm_id:
        raise NotAuthorised(
            VENDOR,
            f"stack.toml names company {settings.realm_id}, but access was granted for {told}",
            hint=f"correct realm_id (it may be left out), or: backroom disconnect {settings.name}, "
            f"then: backroom connect {settings.name}",
        )
    if not settings.realm_id and not told:
        raise not_connected(settings)
    return settings.realm_id or told


def not_connected(settings: QuickBooksSettings) -> NotAuthorised:
    """Nobody has granted access yet."""
    return NotAuthorised(VENDOR, "is not connected yet", hint=f"grant access: backroom connect {settings.name}")


def token_auth(settings: QuickBooksSettings, services: Services) -> TokenAuth:
    """OAuth with refresh tokens that rotate; a new pair is stored before it is used."""
    return TokenAuth(
        vendor=VENDOR,
        store=services.tokens,
        renew=lambda tokens: renewal(settings, tokens),
        read=lambda answer, tokens: read_tokens(answer, tokens, services.clock, account=realm_of(settings, tokens)),
        put=lambda request, access: request.headers.update({"authorization": f"Bearer {access}"}),
        clock=services.clock,
        refused=lambda answer: refuse_renewal(settings, answer),
    )


def refuse_renewal(settings: QuickBooksSettings, answer: httpx.Response) -> None:
    """Raise what a refusal of the token endpoint means: another time, other keys, or access granted anew."""
    if answer.status_code in (408, 429) or answer.status_code >= 500:
        raise TemporarilyUnavailable(VENDOR, f"its token endpoint answered {answer.status_code}")
    word = oauth_error(answer)
    hint = f"grant access anew: backroom connect {settings.name}"
    if word == "invalid_client":
        hint = "client_id and client_secret do not belong together; see Keys & credentials of your Intuit app"
    raise NotAuthorised(VENDOR, f"refuses to renew our access ({answer.status_code} {word})", hint=hint)


def renewal(settings: QuickBooksSettings, tokens: Tokens | None) -> httpx.Request:
    """The call that renews our access. Raises NotAuthorised when there never was a refresh token."""
    refresh = tokens.refresh if tokens and tokens.refresh else settings.refresh_token.get_secret_value()
    if not refresh:
        raise not_connected(settings)
    return token_request(settings, {"grant_type": "refresh_token", "refresh_token": refresh})


def token_request(settings: QuickBooksSettings, form: Mapping[str, str]) -> httpx.Request:
    """A call to the token endpoint that also asks when the five years of a grant end."""
    # https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0
    basic = httpx.BasicAuth(settings.client_id, settings.client_secret.get_secret_value())
    request = httpx.Request(
        "POST",
        settings.token_url,
        headers={
            "accept": "application/json",
            "content-type": "application/x-www-form-urlencoded",
            "x-include-refresh-token-hard-expires-in": "true",
        },
        content=urlencode(form).encode(),
    )
    return next(basic.auth_flow(request))


def read_tokens(
    answer: httpx.Response, previous: Tokens | None, clock: Callable[[], float], *, account: str = ""
) -> Tokens:
    """The new pair. The refresh token lives to the nearer of its rolling 100 days and its hard end after five years.

    Raises TemporarilyUnavailable for what is no answer of Intuit's: the call that needed the token was never sent.
    """
    try:
        told = TokenAnswer.model_validate_json(answer.content)
    except ValidationError as error:
        raise TemporarilyUnavailable(VENDOR, "its token endpoint's answer cannot be read") from error
    now = datetime.fromtimestamp(clock(), UTC)
    ends = [seconds for seconds in (told.refresh_lifetime, told.hard_lifetime) if seconds is not None]
    return Tokens(
        access=told.access,
        refresh=told.refresh or (previous.refresh if previous else ""),
        expires_at=now + timedelta(seconds=told.lifetime),
        refresh_expires_at=now + timedelta(seconds=min(ends)) if ends else None,
        account=account,
    )
