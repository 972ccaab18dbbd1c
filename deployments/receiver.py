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
from deployments.crowding import NoRoom, Readers, Shared
from deployments.health import health_of, health_page
from deployments.keeping import Keeper, NotKept
from integrations.connector import QUERY, Connector, Forged, WebhookDelivery, connector
from ledger.inbox import Arrival
from tasks.hub import Hub, the_hub

log = logging.getLogger(__name__)

LONGEST_BODY = 2 * 1024 * 1024
"""Bytes. The largest order of a real shop is far below."""

LONGEST_READ = 10.0
"""Seconds that a sender may take to send its body."""

AT_ONCE = 256
"""Bodies that may be on their way, where the slowest makes room for one more; and deliveries that may be worked on,
where more are sent away with 503, and come back."""

MOST_READ = 64 * 1024 * 1024
"""Bytes of bodies that may be in memory together; beyond them the slowest senders are sent away."""

MOST_HEADERS, LARGEST_HEAD = 100, 32 * 1024
"""Headers, and bytes of them all."""


LATER = {"retry-after": "5"}


class Refused(Exception):
    """An answer that is not a success, without any detail."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def receiver_app(
    hub: Hub | None = None,
    *,
    longest_read: float = LONGEST_READ,
    at_once: int = AT_ONCE,
    most_read: int = MOST_READ,
) -> Starlette:
    """The ASGI application. Without `hub` it opens the one of the environment when it starts."""
    opened: list[Hub] = [hub] if hub else []
    busy = asyncio.Semaphore(at_once)
    readers = Readers(at_once, most_read)
    health_now = Shared(lambda: health_of(opened[0]))
    keeper = Keeper(lambda arrivals: opened[0].ledger.store_hints(arrivals))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if not opened:
            opened.append(await asyncio.to_thread(the_hub))
        yield

    async def hook(request: Request) -> Response:
        try:
            connection = known_door(opened[0], request)
            async with bounded_body(request, longest_read, readers) as body:
                if busy.locked():
                    raise NoRoom
                async with busy:
                    arrival = await asyncio.to_thread(verify, opened[0], connection, request, body)
                    await keeper.keep(arrival)
        except Refused as refused:
            return Response(status_code=refused.status, headers=LATER if refused.status == 503 else {})
        except NoRoom:
            return Response(status_code=503, headers={"retry-after": "2"})
        except NotKept as error:
            log.warning("a webhook was not kept, its sender will send it again: %s", error)
            return Response(status_code=503, headers=LATER)
        return Response(status_code=200)

    async def health(request: Request) -> Response:
        try:
            found = await health_now.look()
        except Exception:
            log.exception("the ledger cannot be read")
            return Response(status_code=503, headers=LATER)
        status = 200 if found.well else 503
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(health_page(found), status_code=status)
        return JSONResponse(found.model_dump(mode="json"), status_code=status)

    async def alive(_: Request) -> Response:
        return Response("ok", media_type="text/plain")

    app = Starlette(
        lifespan=lifespan,
        routes=[
            Route("/hooks/{connection}", hook, methods=["POST"]),
            *reconnecting.routes(opened),
            Route("/health", health, methods=["GET"]),
            Route("/alive", alive, methods=["GET"]),
        ],
    )
    app.router.redirect_slashes = False  # it would send a sender to whatever host its own request names
    return app


def known_door(hub: Hub, request: Request) -> str:
    """The connection whose webhooks come in here, before anything of the body is read or anybody is asked.

    Raises Refused: 404 for an unknown name, which costs the same whatever is sent; 431 for too much of headers.
    """
    name: str = request.path_params["connection"]
    if name not in hub.stack.connections or connector(hub.stack.connection(name).vendor).receive is None:
        raise Refused(404)
    sizes = [len(key) + len(value) for key, value in request.headers.raw]
    if len(sizes) > MOST_HEADERS or sum(sizes) > LARGEST_HEAD:
        raise Refused(431)
    return name


@asynccontextmanager
async def bounded_body(request: Request, longest_read: float, readers: Readers) -> AsyncIterator[bytes]:
    """The raw body. Raises Refused: 413 when too large, 415 when compressed, 408 when too slow, 400 when cut off.

    Raises NoRoom when there is no room for it, or when a newer one has got its place.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(415)
    with suppress(ValueError):
        if int(request.headers.get("content-length", "0")) > LONGEST_BODY:
            raise Refused(413)
    with readers.place() as reader:
        try:
            async with asyncio.timeout(longest_read) as reader.patience:
                async for part in request.stream():
                    if reader.size + len(part) > LONGEST_BODY:
                        raise Refused(413)
                    reader.take(part)
        except TimeoutError as error:
            raise (NoRoom() if reader.sent_away else Refused(408)) from error
        except ClientDisconnect as error:
            raise Refused(400) from error
        yield reader.whole()


def verify(hub: Hub, connection: str, request: Request, body: bytes) -> Arrival:
    """What is to be kept of a delivery. Raises Refused: 401 (or what the vendor's pages ask for) for a signature that
    does not fit, 503 when it cannot be verified now."""
    vendor = connector(hub.stack.connection(connection).vendor)
    # A header that was sent twice is joined, as HTTP says: it then fits no signature.
    headers = {name: ", ".join(request.headers.getlist(name)) for name in request.headers}
    headers[QUERY] = request.url.query
    delivery = verified(hub, connection, vendor, headers, body)
    return connection, delivery.id, delivery.topic, [hint.model_dump() for hint in delivery.hints]


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
