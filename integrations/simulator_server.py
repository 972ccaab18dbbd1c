"""The simulators as one HTTP server: `/<name>/…` is the vendor, `/_control/<name>/<action>` is the world."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from integrations.simulator import Simulator

log = logging.getLogger(__name__)

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
DROPPED_AT_TRANSPORT = {"content-length", "transfer-encoding", "content-encoding", "connection"}


class Dropped(Response):
    """An answer that breaks off after its head: an ASGI server then closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Promise a byte that never comes."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})


def simulator_app(
    simulators: Mapping[str, Simulator], webhook_client: httpx.Client | None = None, *, webhook_pause: float = 0.25
) -> Starlette:
    """An ASGI application that serves each simulator under its name and delivers their webhooks.

    A webhook is tried every `webhook_pause` seconds until the receiver answers 2xx, three times at most; what the
    real vendor does beyond that belongs to its own simulator.
    """
    locks = {name: threading.Lock() for name in simulators}
    client = webhook_client or httpx.Client(timeout=5.0, trust_env=False)

    async def vendor(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in simulators:
            return JSONResponse({"error": f"no simulator named {name}"}, status_code=404)
        inner = await _inner_request(request, name)
        return await asyncio.to_thread(_ask, simulators[name], locks[name], inner)

    async def control(request: Request) -> Response:
        name, action = request.path_params["name"], request.path_params["action"]
        if name not in simulators:
            return JSONResponse({"error": f"no simulator named {name}"}, status_code=404)
        try:
            arguments = await request.json() if await request.body() else {}
        except (json.JSONDecodeError, UnicodeDecodeError):
            return JSONResponse({"error": "the arguments are not JSON"}, status_code=400)
        return await asyncio.to_thread(_act, simulators[name], locks[name], action, arguments)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(_deliver_webhooks(simulators, client, webhook_pause))
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/_control", lambda _: JSONResponse({"simulators": sorted(simulators)})),
            Route("/_control/{name}/{action}", control, methods=["GET", "POST"]),
            Route("/{name}", vendor, methods=METHODS),
            Route("/{name}/{path:path}", vendor, methods=METHODS),
        ],
    )


async def _inner_request(request: Request, name: str) -> httpx.Request:
    raw = request.scope["raw_path"].decode().removeprefix(f"/{name}") or "/"
    query = request.scope["query_string"].decode()
    url = f"{request.url.scheme}://{request.url.netloc}{raw}" + (f"?{query}" if query else "")
    return httpx.Request(request.method, url, headers=request.headers.raw, content=await request.body())


def _ask(simulator: Simulator, lock: threading.Lock, request: httpx.Request) -> Response:
    try:
        with lock:
            answer = simulator(request)
    except httpx.TransportError:
        return Dropped()
    headers = {key: value for key, value in answer.headers.items() if key.lower() not in DROPPED_AT_TRANSPORT}
    return Response(answer.content, status_code=answer.status_code, headers=headers)


def _act(simulator: Simulator, lock: threading.Lock, action: str, arguments: dict[str, Any]) -> Response:
    try:
        with lock:
            result = simulator.state() if action == "state" else simulator.act(action, arguments)
    except (KeyError, TypeError, ValueError) as wrong:
        return JSONResponse({"error": str(wrong)}, status_code=400)
    return JSONResponse(result)


async def _deliver_webhooks(simulators: Mapping[str, Simulator], client: httpx.Client, pause: float) -> None:
    while True:
        for simulator in simulators.values():
            while simulator.outbox:
                await asyncio.to_thread(_deliver, client, simulator.outbox.popleft(), pause)
        await asyncio.sleep(pause)


def _deliver(client: httpx.Client, request: httpx.Request, pause: float) -> None:
    for attempt in range(3):
        if attempt:
            time.sleep(pause)
        try:
            if client.send(request).is_success:
                return
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.warning("a webhook to %s failed: %s", request.url.host, type(error).__name__)
