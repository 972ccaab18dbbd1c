"""Serving the receiver to the world: heads of requests are bounded in size and time, before any of our code runs, and
so is the time that our answers wait to be read."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import Any, ClassVar

import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from deployments.receiver import LARGEST_HEAD

LONGEST_HEAD = 10.0
"""Seconds that a sender may take from connecting to the end of its headers."""

CONNECTIONS = 1000
"""Open connections and requests; more are answered with 503. When nine tenths are taken, silent ones make room."""

TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class BoundedHead(H11Protocol):
    """Closes a connection whose request does not come, or whose sender does not read: uvicorn waits for ever for both.

    When there are too many connections, the oldest that has no request under way makes room: an honest sender speaks
    at once, so that silent ones, however many, crowd out each other and nobody else.
    """

    longest_head = LONGEST_HEAD
    most = CONNECTIONS
    silent: ClassVar[dict[BoundedHead, None]]
    """Connections of this server that have no request under way, the oldest first."""
    _patience: asyncio.TimerHandle | None = None
    _deaf: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Somebody connects."""
        super().connection_made(transport)
        self._be_patient()
        if len(self.connections) >= self.most:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        """A part of a request."""
        before = self.scope
        if self._patience is None and (self.cycle is None or self.cycle.response_complete):
            self._be_patient()  # the next request on a connection that was kept
        super().data_received(data)
        if self.scope is not before:
            self._done()

    def on_response_complete(self) -> None:
        """It was answered, and may say more."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._let_go()
        elif self.cycle.response_complete:
            self.silent[self] = None

    def pause_writing(self) -> None:
        """They ask, and do not read our answers: nothing else would end that."""
        super().pause_writing()
        self._deaf = self.loop.call_later(self.longest_head, self.transport.abort)

    def resume_writing(self) -> None:
        """They read."""
        if self._deaf is not None:
            self._deaf.cancel()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """They said nothing more."""
        super().timeout_keep_alive_handler()
        self._let_go()

    def connection_lost(self, exc: Exception | None) -> None:
        """They are gone."""
        self._done()
        super().connection_lost(exc)

    def _make_room(self) -> None:
        """Close the oldest silent ones; several when many were busy before, so that nobody could be closed then."""
        living = sum(not one.transport.is_closing() for one in self.connections)
        for oldest in list(islice(self.silent, max(0, living + 1 - self.most))):
            if oldest is not self:
                oldest._too_slow()

    def _be_patient(self) -> None:
        self._patience = self.loop.call_later(self.longest_head, self._too_slow)
        self.silent.setdefault(self)

    def _done(self) -> None:
        self.silent.pop(self, None)
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _too_slow(self) -> None:
        self._done()
        if not self.transport.is_closing():
            self.transport.write(TOO_SLOW)
            self.transport.close()
        if self.transport.get_write_buffer_size():  # nor do they read
            self.transport.abort()

    def _let_go(self) -> None:
        """End a connection that is closing also when our last words are not read."""
        if self.transport.get_write_buffer_size():
            self.loop.call_later(self.longest_head, self.transport.abort)


def one_length(app: ASGIApp) -> ASGIApp:
    """Refuses requests that say twice where they end, by length and by chunks, and closes their connection.

    A proxy in front may believe the one and we the other: what somebody hides in between would be taken for the
    beginning of the next sender's delivery.
    """

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        names = {name for name, _ in scope.get("headers", ())}
        if {b"content-length", b"transfer-encoding"} <= names:
            await Response(status_code=400, headers={"connection": "close"})(scope, receive, send)
        else:
            await app(scope, receive, send)

    return served


def receiver_config(
    app: Any, host: str, port: int, *, longest_head: float = LONGEST_HEAD, connections: int = CONNECTIONS
) -> uvicorn.Config:
    """How uvicorn serves the receiver."""
    # Room is made a little earlier than uvicorn refuses, as those that are being answered just now cannot be closed.
    bounds = {"longest_head": longest_head, "most": connections - connections // 10, "silent": {}}
    protocol = type("BoundedHead", (BoundedHead,), bounds)
    return uvicorn.Config(
        one_length(app),
        host=host,
        port=port,
        http=protocol,
        ws="none",
        h11_max_incomplete_event_size=LARGEST_HEAD,
        limit_concurrency=connections,
        log_level="warning",
        access_log=False,
        server_header=False,
    )
