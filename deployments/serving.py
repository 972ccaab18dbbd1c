"""Serving the receiver to the world: heads of requests are bounded in size and time, before any of our code runs."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from deployments.receiver import LARGEST_HEAD

LONGEST_HEAD = 10.0
"""Seconds that a sender may take from connecting to the end of its headers."""

CONNECTIONS = 1000
"""Open connections and requests; more are answered with 503."""

TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class BoundedHead(H11Protocol):
    """Closes a connection whose request does not come: uvicorn itself waits for ever for the end of a head."""

    longest_head = LONGEST_HEAD
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Somebody connects."""
        super().connection_made(transport)
        self._be_patient()

    def data_received(self, data: bytes) -> None:
        """A part of a request."""
        before = self.scope
        if self._patience is None and (self.cycle is None or self.cycle.response_complete):
            self._be_patient()  # the next request on a connection that was kept
        super().data_received(data)
        if self.scope is not before:
            self._done()

    def connection_lost(self, exc: Exception | None) -> None:
        """They are gone."""
        self._done()
        super().connection_lost(exc)

    def _be_patient(self) -> None:
        self._patience = self.loop.call_later(self.longest_head, self._too_slow)

    def _done(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _too_slow(self) -> None:
        self._patience = None
        if not self.transport.is_closing():
            self.transport.write(TOO_SLOW)
            self.transport.close()


def receiver_config(app: Any, host: str, port: int, *, longest_head: float = LONGEST_HEAD) -> uvicorn.Config:
    """How uvicorn serves the receiver."""
    protocol = type("BoundedHead", (BoundedHead,), {"longest_head": longest_head})
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=protocol,
        ws="none",
        h11_max_incomplete_event_size=LARGEST_HEAD,
        limit_concurrency=CONNECTIONS,
        log_level="warning",
        access_log=False,
        server_header=False,
    )
