"""`backroom connect`: a merchant grants access in the browser, and its answer is taken in on this machine."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from commerce.errors import HubError, IntegrationError, NotAuthorised, NotConfigured
from deployments.connecting_page import HEADERS, page
from integrations.connector import Authorisation, connector
from ledger.tokens import key_ring
from tasks.hub import Hub

LIFETIME = 600.0
"""Seconds that a begun authorisation waits for its answer."""

PORT = 8730
PATH = "/callback"
LONGEST_PAUSE = 5.0
"""Seconds that a visitor of our page may take to say what he wants."""


class Attempt:
    """One authorisation that was begun: its state is unguessable, is good once, and ends after `lifetime` seconds."""

    def __init__(
        self,
        hub: Hub,
        connection: str,
        redirect: str,
        *,
        lifetime: float = LIFETIME,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.redirect = redirect
        self._hub, self._connection, self._clock = hub, connection, clock
        self._state = secrets.token_urlsafe(32)
        self._until = clock() + lifetime
        self._lock = threading.Lock()
        self._used = False
        self.address = authorisation_of(hub, connection).address(
            hub.stack.connection(connection), redirect, self._state
        )

    def take(self, answer: Mapping[str, str]) -> str:
        """Take the vendor's answer in; the account that access was granted for, kept by the time we return.

        Raises NotAuthorised: `WrongState` for an answer to something else, which leaves the attempt as it is.
        """
        given = answer.get("state", "").encode("utf-8", "replace")
        with self._lock:
            fits = hmac.compare_digest(given, self._state.encode())
            if not fits or self._used or self._clock() > self._until:
                raise WrongState(
                    "backroom", "this answer belongs to no authorisation that is under way", hint=ONCE_MORE
                )
            self._used = True
        return accept(self._hub, self._connection, self.redirect, answer)


class WrongState(NotAuthorised):
    """The answer is not to what was asked: an old one, a second one, or somebody else's."""


ONCE_MORE = "run backroom connect again and use the address that it prints, within ten minutes"


def authorisation_of(hub: Hub, connection: str) -> Authorisation:
    """How access to this connection is granted. Raises NotConfigured when its vendor has nothing of the kind, or when
    tokens could not be kept."""
    vendor = connector(hub.stack.connection(connection).vendor)
    if vendor.authorisation is None:
        hint = f"set its secrets as integrations/{vendor.vendor}/README.md says"
        raise NotConfigured(f"connections.{connection}", f"{vendor.title} is not connected in the browser", hint=hint)
    key_ring(hub.ledger.token_keys)
    return vendor.authorisation


def accept(hub: Hub, connection: str, redirect: str, answer: Mapping[str, str]) -> str:
    """Exchange and keep what was granted, then let the connection go on; the account it is for."""
    settings, services = hub.stack.connection(connection), hub.services(connection)
    account = authorisation_of(hub, connection).granted(settings, services, redirect, answer)
    hub.ledger.resume(connection)
    hub.ledger.clear_alert(f"paused:{connection}")
    return account


def disconnect(hub: Hub, connection: str) -> str:
    """Give our access back, forget it, and pause the connection; what was done, in words.

    Raises IntegrationError when the vendor cannot be told now: nothing was changed then.
    """
    grant = authorisation_of(hub, connection)
    if grant.revoked:
        grant.revoked(hub.stack.connection(connection), hub.services(connection))
    hub.ledger.forget_tokens(connection)
    hub.ledger.pause(connection, "disconnected by hand", f"grant access again: backroom connect {connection}")
    return "access was given back" if grant.revoked else "our tokens are forgotten; also remove the app at the vendor"


def answer_in(address: str, redirect: str) -> dict[str, str]:
    """The query of the address that the browser ended at. Raises NotAuthorised when it is another address."""
    wanted, given = urlsplit(redirect), urlsplit(address.strip())
    if (given.scheme, given.netloc, given.path) != (wanted.scheme, wanted.netloc, wanted.path) or not given.query:
        hint = "copy the whole address line of the browser, after Connect was chosen"
        raise NotAuthorised("backroom", f"that is not an address that begins with {redirect}?", hint=hint)
    return dict(parse_qsl(given.query, keep_blank_values=True))


class Loopback:
    """A page on this machine that waits for one answer. Leaving the `with` block closes it, whatever happened."""

    def __init__(self, attempt: Attempt, port: int, connection: str) -> None:
        self._attempt, self._connection = attempt, connection
        self._over = threading.Event()
        self.account = ""
        self.failure: HubError | None = None
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        except OSError as error:
            hint = "name another one with --port, and register its redirect address too; or use --paste"
            raise NotConfigured(
                "--port", f"port {port} of this machine cannot be used ({error.strerror})", hint=hint
            ) from None
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Loopback:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """The port it listens at."""
        return int(self._server.server_address[1])

    def wait(self, seconds: float) -> str:
        """The account that access was granted for. Raises what the answer meant, or NotAuthorised after `seconds`."""
        self._over.wait(seconds)
        if self.failure is not None:
            raise self.failure
        if not self.account:
            raise NotAuthorised("backroom", f"no answer came within {seconds / 60:.0f} minutes", hint=ONCE_MORE)
        return self.account

    def visit(self, address: str) -> tuple[int, str]:
        """Status and page for a visit."""
        visited = urlsplit(address)
        if visited.path != PATH:
            return 404, page("Nothing here", "This page only waits for the answer of an authorisation.", well=False)
        try:
            account = self._attempt.take(dict(parse_qsl(visited.query, keep_blank_values=True)))
        except WrongState as wrong:
            return 400, page("That does not fit", f"{wrong}. {wrong.hint}", well=False)
        except HubError as failure:
            self.failure = failure
            return 400, page(f"{self._connection} is not connected", f"{failure}. {failure.hint}".strip(), well=False)
        except Exception:
            self.failure = IntegrationError("backroom", "the answer could not be taken in", hint=ONCE_MORE)
            self._over.set()
            raise
        self.account = account
        words = f"Access for {account} is kept, and the connection goes on. You can close this window."
        return 200, page(f"{self._connection} is connected", words, well=True)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            timeout = LONGEST_PAUSE

            def do_GET(self) -> None:
                """Show a page, and end the waiting when it was the answer."""
                status, text = loopback.visit(self.path)
                body = text.encode()
                self.send_response(status)
                for name, value in {**HEADERS, "content-length": str(len(body)), "connection": "close"}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                self.wfile.flush()
                if loopback.account or loopback.failure:
                    loopback._over.set()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing: the address holds the code."""

        return Handler
