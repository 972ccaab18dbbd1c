"""Access granted again at the public receiver: the Reconnect URL that a vendor asks for in the settings of an app.

Anybody may open it, so it can do little: it sends the visitor's own browser to the vendor, takes the answer only from
that browser, and only for the account that the connection has already. The first access needs a link that
`backroom connect --remote` prints.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections import deque
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from commerce.errors import HubError, NotConfigured
from deployments.connecting import accept, authorisation_of
from deployments.connecting_page import HEADERS, page
from tasks.hub import Hub

log = logging.getLogger(__name__)

LIFETIME = 600
"""Seconds between the beginning and the answer."""
LINK_LIFETIME = 1800
"""Seconds that a link of `backroom connect --remote` is good for."""
AT_ONCE = 4
ANSWERS_A_MINUTE = 10
"""Each answer asks the vendor once; more than these are sent away for a while."""


def redirect_of(hub: Hub, connection: str) -> str:
    """The redirect address that is registered at the vendor. Raises NotConfigured without a public receiver."""
    return f"{_reconnect(hub, connection)}/callback"


def link(hub: Hub, connection: str) -> str:
    """An address at which access can be granted for the first time. Raises NotConfigured."""
    authorisation_of(hub, connection)
    ticket = sealed(hub, "ticket", connection, "", LINK_LIFETIME)
    return f"{_reconnect(hub, connection)}?{urlencode({'ticket': ticket})}"


def _reconnect(hub: Hub, connection: str) -> str:
    receiver = hub.stack.hub.receiver.rstrip("/")
    if not receiver:
        raise NotConfigured("hub.receiver", "is not set", hint="say where the receiver is reached, https://…")
    return f"{receiver}/reconnect/{connection}"


def sealed(hub: Hub, purpose: str, connection: str, browser: str, lifetime: int) -> str:
    """Something that only this hub can make, for one connection, one browser and some time."""
    until, nonce = int(hub.clock()) + lifetime, secrets.token_urlsafe(16)
    return f"{until}.{nonce}.{_mac(hub, purpose, connection, browser, f'{until}.{nonce}')}"


def opened(hub: Hub, purpose: str, connection: str, browser: str, seal: str) -> bool:
    """Whether we made it, for this and not too long ago."""
    head, _, mac = seal.rpartition(".")
    until = head.partition(".")[0]
    good = hmac.compare_digest(_mac(hub, purpose, connection, browser, head).encode(), mac.encode("utf-8", "replace"))
    return good and until.isdigit() and int(until) >= hub.clock()


def _mac(hub: Hub, *parts: str) -> str:
    keys = hub.ledger.token_keys
    if not keys:
        raise NotConfigured("BACKROOM_TOKEN_KEY", "is not set")
    message = "\x1f".join(("backroom reconnect", *parts)).encode("utf-8", "replace")
    return hmac.new(keys[0].encode(), message, hashlib.sha256).hexdigest()


class Reconnecting:
    """The two addresses, for one receiver."""

    def __init__(self) -> None:
        self._busy = asyncio.Semaphore(AT_ONCE)
        self._answers: deque[float] = deque()
        self._used: dict[str, float] = {}

    async def begin(self, hub: Hub, request: Request) -> Response:
        """Send this browser to the vendor, with a state that fits this browser alone."""
        connection = request.path_params["connection"]
        if self._busy.locked():
            return _later()
        async with self._busy:
            return await run_in_threadpool(self._begin, hub, connection, request.query_params.get("ticket", ""))

    async def end(self, hub: Hub, request: Request) -> Response:
        """Take the vendor's answer from the browser that began."""
        connection = request.path_params["connection"]
        answer = dict(request.query_params)
        browser = request.cookies.get(_cookie(connection), "")
        if self._busy.locked():
            return _later()
        async with self._busy:
            return await run_in_threadpool(self._end, hub, connection, browser, answer)

    def _begin(self, hub: Hub, connection: str, ticket: str) -> Response:
        if not _offered(hub, connection):
            return Response(status_code=404)
        if not known_account(hub, connection) and not opened(hub, "ticket", connection, "", ticket):
            words = f"Nobody has connected {connection} yet. Run there: backroom connect {connection} --remote"
            return _shown(403, "Not from here", words)
        browser = secrets.token_urlsafe(32)
        state = sealed(hub, "state", connection, browser, LIFETIME)
        redirect = redirect_of(hub, connection)
        try:
            address = authorisation_of(hub, connection).address(hub.stack.connection(connection), redirect, state)
        except HubError as error:
            log.warning("%s cannot be reconnected at the receiver: %s", connection, error)
            return _shown(503, "Not now", "The hub's settings have to be corrected first; see its log.")
        response = RedirectResponse(address, status_code=303, headers=_headers())
        response.set_cookie(
            _cookie(connection),
            browser,
            max_age=LIFETIME,
            path=f"/reconnect/{connection}",
            secure=redirect.startswith("https://"),
            httponly=True,
            samesite="lax",  # the vendor's page sends the browser back from another site
        )
        return response

    def _end(self, hub: Hub, connection: str, browser: str, answer: dict[str, str]) -> Response:
        if not _offered(hub, connection):
            return Response(status_code=404)
        state = answer.get("state", "")
        if not browser or not opened(hub, "state", connection, browser, state):
            words = (
                "This browser did not begin here, or too long ago. If a terminal asked you for it, copy the address "
            )
            return _shown(400, "That does not fit", words + "of this page there; otherwise begin again.")
        refused = self._spend(hub.clock(), state)
        if refused is not None:
            return refused
        try:
            accept(hub, connection, redirect_of(hub, connection), answer)
        except HubError as error:  # its words may name the account, which is nobody's business here
            log.warning("%s was not reconnected at the receiver: %s", connection, error)
            words = (
                "Nothing was changed: access was refused, or granted for another account. The hub's log says which. "
            )
            return _shown(
                400, f"{connection} is not reconnected", words + f"Or run there: backroom connect {connection}"
            )
        log.info("%s was reconnected at the receiver", connection)
        done = _shown(200, f"{connection} is connected again", "You can close this window.", well=True)
        done.delete_cookie(_cookie(connection), path=f"/reconnect/{connection}")
        return done

    def _spend(self, now: float, state: str) -> Response | None:
        """Use the state up; an answer when that cannot be."""
        self._used = {one: until for one, until in self._used.items() if until >= now}
        if state in self._used:
            return _shown(400, "That was used", "This answer was taken in before; begin again if it did not end well.")
        while self._answers and self._answers[0] <= now - 60:
            self._answers.popleft()
        if len(self._answers) >= ANSWERS_A_MINUTE:
            return _later()
        self._answers.append(now)
        self._used[state] = now + LIFETIME
        return None


def known_account(hub: Hub, connection: str) -> str:
    """The account that the connection belongs to already, by stack.toml or by access that was granted; else empty."""
    settings = hub.stack.connection(connection)
    fixed = authorisation_of(hub, connection).account
    if fixed and (account := fixed(settings)):
        return account
    tokens = hub.services(connection).tokens.load()
    return tokens.account if tokens else ""


def routes(hub: list[Hub]) -> list[Route]:
    """The receiver's routes; `hub` holds the hub once it is opened."""
    pages = Reconnecting()

    async def begin(request: Request) -> Response:
        return await pages.begin(hub[0], request)

    async def end(request: Request) -> Response:
        return await pages.end(hub[0], request)

    return [
        Route("/reconnect/{connection}", begin, methods=["GET"]),
        Route("/reconnect/{connection}/callback", end, methods=["GET"]),
    ]


def _offered(hub: Hub, connection: str) -> bool:
    """Whether there is such a connection, access to it is granted in the browser, and we know our own address."""
    if connection not in hub.stack.connections or not hub.stack.hub.receiver:
        return False
    try:
        authorisation_of(hub, connection)
    except NotConfigured:
        return False
    return True


def _cookie(connection: str) -> str:
    return f"backroom-reconnect-{connection}"[:60]


def _headers() -> dict[str, str]:
    return {name: value for name, value in HEADERS.items() if name != "content-type"}


def _shown(status: int, title: str, words: str, *, well: bool = False) -> HTMLResponse:
    return HTMLResponse(page(title, words, well=well), status_code=status, headers=_headers())


def _later() -> Response:
    return Response(status_code=503, headers={"retry-after": "60"})
