"""The webhook receiver: verify the raw bytes, store once, answer. What it means is read later, as the poll does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from commerce.errors import HubError
from deployments import reconnecting
from deployments.health import health_of, health_page
from integrations.connector import QUERY, Connector, Forged, WebhookDelivery, connector
from tasks.hub import Hub, the_hub

log = logging.getLogger(__name__)

LONGEST_BODY = 2 * 1024 * 1024
"""Bytes. The largest order of a real shop is far below."""

LONGEST_READ = 10.0
"""Seconds that a sender may take to send its body."""

AT_ONCE = 64
"""Deliveries that may be worked on; more are sent away with 503, and come back."""


class Refused(Exception):
    """An answer that is not a success, without any detail."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def receiver_app(hub: Hub | None = None, *, longest_read: float = LONGEST_READ, at_once: int = AT_ONCE) -> Starlette:
    """The ASGI application. Without `hub` it opens the one of the environment when it starts."""
    opened: list[Hub] = [hub] if hub else []
    busy = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if not opened:
            opened.append(await asyncio.to_thread(the_hub))
        yield

    async def hook(request: Request) -> Response:
        if busy.locked():
            return Response(status_code=503, headers={"retry-after": "2"})
        async with busy:
            try:
                body = await bounded_body(request, longest_read)
                await asyncio.to_thread(take_in, opened[0], request.path_params["connection"], request, body)
            except Refused as refused:
                retry = {"retry-after": "5"} if refused.status == 503 else {}
                return Response(status_code=refused.status, headers=retry)
        return Response(status_code=200)

    async def health(request: Request) -> Response:
        try:
            found = await asyncio.to_thread(health_of, opened[0])
        except Exception:
            log.exception("the ledger cannot be read")
            return Response(status_code=503, headers={"retry-after": "5"})
        status = 200 if found.well else 503
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(health_page(found), status_code=status)
        return JSONResponse(found.model_dump(mode="json"), status_code=status)

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/hooks/{connection}", hook, methods=["POST"]),
            *reconnecting.routes(opened),
            Route("/health", health, methods=["GET"]),
            Route("/alive", lambda _: Response("ok", media_type="text/plain"), methods=["GET"]),
        ],
    )


async def bounded_body(request: Request, longest_read: float) -> bytes:
    """The raw body. Raises Refused: 413 when too large, 415 when compressed, 408 when too slow, 400 when cut off."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(415)
    with suppress(ValueError):
        if int(request.headers.get("content-length", "0")) > LONGEST_BODY:
            raise Refused(413)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(longest_read):
            async for part in request.stream():
                size += len(part)
                if size > LONGEST_BODY:
                    raise Refused(413)
                parts.append(part)
    except TimeoutError as error:
        raise Refused(408) from error
    except ClientDisconnect as error:
        raise Refused(400) from error
    return b"".join(parts)


def take_in(hub: Hub, connection: str, request: Request, body: bytes) -> None:
    """Verify and store. Raises Refused: 404 for an unknown connection, 401 (or what the vendor's pages ask for) for a
    signature that does not fit, 503 when it cannot be verified or kept now."""
    vendor = _vendor(hub, connection)
    # A header that was sent twice is joined, as HTTP says: it then fits no signature.
    headers = {name: ", ".join(request.headers.getlist(name)) for name in request.headers}
    headers[QUERY] = request.url.query
    delivery = verified(hub, connection, vendor, headers, body)
    try:
        hints = [hint.model_dump() for hint in delivery.hints]
        hub.ledger.store_hint(connection, delivery.id, delivery.topic, hints)
    except Exception as error:
        log.exception("a webhook for %s could not be stored; its sender will send it again", connection)
        raise Refused(503) from error


def verified(hub: Hub, connection: str, vendor: Connector, headers: dict[str, str], body: bytes) -> WebhookDelivery:
    """The delivery, if its sender signed it. Raises Refused."""
    if vendor.receive is None:
        raise Refused(404)
    try:
        return vendor.receive(hub.stack.connection(connection), hub.services(connection), headers, body)
    except Forged as error:
        log.warning("refused a webhook for %s: %s", connection, error)
        raise Refused(error.status) from error
    except HubError as error:  # the vendor's public keys, say: its sender comes back
        log.warning("a webhook for %s cannot be verified now: %s", connection, error)
        raise Refused(503) from error
    except Exception as error:
        log.exception("a webhook for %s could not be verified", connection)
        raise Refused(400) from error


def _vendor(hub: Hub, connection: str) -> Connector:
    if connection not in hub.stack.connections:
        raise Refused(404)
    return connector(hub.stack.connection(connection).vendor)
