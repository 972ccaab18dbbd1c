"""Access that the merchant grants in the browser, and that is given back."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import httpx

from commerce.errors import NotAuthorised, TemporarilyUnavailable, UnexpectedAnswer
from integrations.auth import oauth_error
from integrations.connector import Authorisation, Services
from integrations.http import certificates
from integrations.quickbooks.access import is_realm, read_tokens, token_request
from integrations.quickbooks.faults import NOT_US, VENDOR
from integrations.quickbooks.problems import TID, problem_of
from integrations.quickbooks.settings import QuickBooksSettings

SCOPE = "com.intuit.quickbooks.accounting"
TIMEOUT = 30.0
ENDED = "6190"
"""A company whose subscription has ended is still the right company."""

REFUSALS = {
    "access_denied": ("access was not granted", "run it again and choose Connect; it takes an administrator"),
    "invalid_scope": ("the app may not ask for accounting", "give your Intuit app the Accounting scope"),
    "unauthorized_client": ("the app may not be used so", "look at the app's status in Intuit's developer portal"),
    "redirect_uri_mismatch": ("the redirect address is not known to the app", "add it to the app's redirect URIs"),
    "temporarily_unavailable": ("Intuit cannot do it now", "run it again in some minutes"),
    "server_error": ("Intuit cannot do it now", "run it again in some minutes"),
}
"""By the answer's `error`: what happened, and what to do."""


def address(settings: QuickBooksSettings, redirect: str, state: str) -> str:
    """Where the merchant's browser goes to grant access."""
    # https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0
    query = {
        "client_id": settings.client_id,
        "response_type": "code",
        "scope": SCOPE,
        "redirect_uri": redirect,
        "state": state,
    }
    return f"{settings.authorize_url}?{urlencode(query)}"


def granted(settings: QuickBooksSettings, services: Services, redirect: str, answer: Mapping[str, str]) -> str:
    """Exchange the answer's code, keep the tokens with their company, and return that company's id.

    Raises NotAuthorised when somebody refused or when it is another company than the one that is connected.
    """
    _refuse_error(answer)
    realm, code = answer.get("realmId", ""), answer.get("code", "")
    if not code or not is_realm(realm):
        hint = "run it again; the address must hold code and realmId"
        raise NotAuthorised(VENDOR, "the answer names no company or has no code", hint=hint)
    with services.tokens.refreshing():  # a renewal that is under way would put the old access back
        known = services.tokens.load()
        _refuse_other_company(settings, known.account if known else "", realm)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect}
        response = _ask(services, token_request(settings, form))
        _refuse_bad_exchange(response)
        tokens = read_tokens(response, None, services.clock, account=realm)
        _prove(settings, services, realm, tokens.access)
        services.tokens.save(tokens)
    return realm


def revoked(settings: QuickBooksSettings, services: Services) -> None:
    """Give our access back to Intuit. Access that is void already is as good."""
    # https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0
    with services.tokens.refreshing():
        known = services.tokens.load()
        token = (known.refresh or known.access) if known else settings.refresh_token.get_secret_value()
        if not token:
            return
        basic = httpx.BasicAuth(settings.client_id, settings.client_secret.get_secret_value())
        request = httpx.Request(
            "POST", settings.revoke_url, headers={"accept": "application/json"}, json={"token": token}
        )
        response = _ask(services, next(basic.auth_flow(request)))
        if response.status_code == 401:
            raise NotAuthorised(VENDOR, "does not know our client id and secret", hint="see Keys & credentials")
        if response.status_code in (408, 429) or response.status_code >= 500:
            raise TemporarilyUnavailable(VENDOR, f"its revocation endpoint answered {response.status_code}")


def _refuse_error(answer: Mapping[str, str]) -> None:
    word = answer.get("error", "")
    if word:
        what, hint = REFUSALS.get(word, ("Intuit refused", "read Intuit's word for it, then run it again"))
        raise NotAuthorised(VENDOR, f"{what} ({word[:80]})", hint=hint)


def _refuse_other_company(settings: QuickBooksSettings, known: str, realm: str) -> None:
    if settings.realm_id and settings.realm_id != realm:
        raise NotAuthorised(
            VENDOR,
            f"access was granted for company {realm}, but stack.toml names {settings.realm_id}",
            hint="choose the other company in Intuit's page, or correct realm_id (it may be left out)",
        )
    if known and known != realm:
        raise NotAuthorised(
            VENDOR,
            f"access was granted for company {realm}, but this connection belongs to {known}",
            hint=f"choose that company, or first: backroom disconnect {settings.name}; "
            "documents of one company must not go into the books of another",
        )


def _refuse_bad_exchange(response: httpx.Response) -> None:
    if response.is_success:
        return
    if response.status_code in (408, 429) or response.status_code >= 500:
        words = f"its token endpoint answered {response.status_code}"
        raise TemporarilyUnavailable(VENDOR, words, hint="run it again: a code can be used once")
    word = oauth_error(response)
    hint = {
        "invalid_client": "client_id and client_secret do not belong together (sandbox and production have their own); "
        "see Keys & credentials of your Intuit app",
        "invalid_grant": "the code was used or is too old, or the redirect address differs; run it again",
    }.get(word, "run it again")
    raise NotAuthorised(VENDOR, f"does not give access ({response.status_code} {word})", hint=hint)


def _prove(settings: QuickBooksSettings, services: Services, realm: str, access: str) -> None:
    """Ask for the company with the new access: the answer's realmId came through a browser, and anybody could have
    written another company there, whose tokens would then take the place of good ones."""
    # https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/companyinfo
    request = httpx.Request(
        "GET",
        f"{settings.base_url.rstrip('/')}/v3/company/{realm}/companyinfo/{realm}",
        params={"minorversion": str(settings.minor_version)},
        headers={"accept": "application/json", "authorization": f"Bearer {access}"},
    )
    response = _ask(services, request)
    problem = problem_of(response)
    if response.status_code in (401, 403) or (problem and problem.number in NOT_US and problem.number != ENDED):
        words = f"the new access does not open company {realm}"
        raise NotAuthorised(
            VENDOR, words, hint="grant it as an administrator of that company", request_id=response.headers.get(TID, "")
        )
    if response.status_code == 429 or response.status_code >= 500:
        words = f"the new access could not be tried ({response.status_code})"
        raise TemporarilyUnavailable(VENDOR, words, hint="run it again in a minute")


def _ask(services: Services, request: httpx.Request) -> httpx.Response:
    try:
        with httpx.Client(
            transport=services.transport, timeout=TIMEOUT, trust_env=False, verify=certificates()
        ) as client:
            return client.send(request)
    except (httpx.TransportError, httpx.DecodingError) as error:
        words = f"no answer from {request.url.host} ({type(error).__name__})"
        raise TemporarilyUnavailable(VENDOR, words, hint="run it again") from error
    except httpx.InvalidURL as error:
        raise UnexpectedAnswer(VENDOR, "an address of this connection is no web address") from error


AUTHORISATION = Authorisation(
    address=address, granted=granted, revoked=revoked, account=lambda settings: str(settings.realm_id)
)
