"""Opening a connection: tokens that rotate, our pace, and the client."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import httpx
from pydantic import ValidationError

from commerce.errors import NotAuthorised, UnexpectedAnswer
from commerce.ports import Tokens
from integrations.auth import TokenAuth
from integrations.connector import Services
from integrations.http import ApiClient
from integrations.limits import Paced
from integrations.quickbooks.client import Books
from integrations.quickbooks.destination import QuickBooks
from integrations.quickbooks.faults import VENDOR, inspect
from integrations.quickbooks.schemas import TokenAnswer
from integrations.quickbooks.settings import QuickBooksSettings

PACE = [(8, 1.0), (450, 60.0)]
"""Below the vendor's 10 a second and 500 a minute for each company."""
BATCH_PACE = [(38, 60.0)]
"""Below the vendor's 40 batches a minute."""


def connect(settings: QuickBooksSettings, services: Services) -> QuickBooks:
    """A client for one company."""
    paced = settings.pace
    api = ApiClient(
        vendor=VENDOR,
        base_url=settings.base_url,
        auth=token_auth(settings, services),
        headers={"accept": "application/json"},
        transport=services.transport,
        inspect=inspect,
        pace=Paced(PACE, clock=services.clock, sleep=services.sleep) if paced else None,
        calls=services.calls,
        sleep=services.sleep,
        timeout=120.0,
        request_id="intuit_tid",
    )
    books = Books(
        api,
        realm_id=settings.realm_id,
        minor_version=settings.minor_version,
        batch_pace=Paced(BATCH_PACE, clock=services.clock, sleep=services.sleep) if paced else None,
    )
    return QuickBooks(settings, books, services)


def token_auth(settings: QuickBooksSettings, services: Services) -> TokenAuth:
    """OAuth with refresh tokens that rotate; a new pair is stored before it is used."""
    return TokenAuth(
        vendor=VENDOR,
        store=services.tokens,
        renew=lambda tokens: renewal(settings, tokens),
        read=lambda answer, tokens: read_tokens(answer, tokens, services.clock, account=settings.realm_id),
        put=lambda request, access: request.headers.update({"authorization": f"Bearer {access}"}),
        clock=services.clock,
    )


def renewal(settings: QuickBooksSettings, tokens: Tokens | None) -> httpx.Request:
    """The call that renews our access. Raises NotAuthorised when there never was a refresh token."""
    # https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0
    refresh = tokens.refresh if tokens and tokens.refresh else settings.refresh_token.get_secret_value()
    if not refresh:
        raise NotAuthorised(
            VENDOR,
            "is not connected yet",
            hint=f"set its REFRESH_TOKEN variable, then: backroom reconnect {settings.name}",
        )
    basic = httpx.BasicAuth(settings.client_id, settings.client_secret.get_secret_value())
    request = httpx.Request(
        "POST",
        settings.token_url,
        headers={
            "accept": "application/json",
            "content-type": "application/x-www-form-urlencoded",
            "x-include-refresh-token-hard-expires-in": "true",
        },
        content=urlencode({"grant_type": "refresh_token", "refresh_token": refresh}).encode(),
    )
    return next(basic.auth_flow(request))


def read_tokens(
    answer: httpx.Response, previous: Tokens | None, clock: Callable[[], float], *, account: str = ""
) -> Tokens:
    """The new pair. The refresh token lives to the nearer of its rolling 100 days and its hard end after five years."""
    try:
        told = TokenAnswer.model_validate_json(answer.content)
    except ValidationError as error:
        raise UnexpectedAnswer(VENDOR, "its token endpoint's answer cannot be read") from error
    now = datetime.fromtimestamp(clock(), UTC)
    ends = [seconds for seconds in (told.refresh_lifetime, told.hard_lifetime) if seconds is not None]
    return Tokens(
        access=told.access,
        refresh=told.refresh or (previous.refresh if previous else ""),
        expires_at=now + timedelta(seconds=told.lifetime),
        refresh_expires_at=now + timedelta(seconds=min(ends)) if ends else None,
        account=account,
    )
