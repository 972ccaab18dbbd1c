"""The vendors in rough weather: one process of simulators that lose answers, refuse calls, and lose or double webhooks.

What happens to whom falls from the seed; the control door of each simulator has three actions more, see `Rough.act`.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn

from deployments.simulators import build
from integrations.simulator import Simulator
from integrations.simulator_server import simulator_app
from tests.gauntlet.clockwork import Clockwork

DESTINATIONS = ("shop", "warehouse", "books", "marketing")
TOKEN_LIFE = 360
"""Seconds that an access token of the books lives, rather than an hour: it is renewed every minute, as the hub does so
five minutes before the end, and renewals are killed as well."""

PROXY_PAGE = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


@dataclass(frozen=True)
class Odds:
    """Shares of calls and webhooks that go wrong while the weather is rough."""

    lost_answers: float = 0.05
    """Writes that are done and answered with a proxy's 502."""
    cut_off: float = 0.01
    """Writes that are done, and then the connection ends."""
    refused: float = 0.05
    """Calls that are answered with 429."""
    hooks_lost: float = 0.01
    hooks_doubled: float = 0.02
    dead: bool = True
    """Whether one destination is dead for a while."""


FAIR = Odds(lost_answers=0, cut_off=0, refused=0, hooks_lost=0, hooks_doubled=0, dead=False)
"""Nothing goes wrong but what is killed."""


class Rough:
    """A simulator behind weather; it quacks like a `Simulator` for the server."""

    def __init__(self, simulator: Simulator, name: str, seed: int, odds: Odds) -> None:
        self.simulator, self.odds = simulator, odds
        self.chance = random.Random(f"{seed}/{name}")
        self.rough = self.dead = False
        self.counts: Counter[str] = Counter()

    @property
    def outbox(self) -> deque[httpx.Request]:
        return self.simulator.outbox

    def state(self) -> dict[str, Any]:
        return self.simulator.state()

    def act(self, action: str, arguments: Mapping[str, Any]) -> Any:
        """`weather` says whether it is `rough`, and whether the vendor is `dead`; `told` counts what happened;
        `knows_token` says whether the `token` is the one that renews access."""
        if action == "weather":
            self.rough, self.dead = bool(arguments.get("rough")), bool(arguments.get("dead"))
            return {}
        if action == "told":
            return dict(self.counts)
        if action == "knows_token":
            return bool(self.simulator.desk.refresh == arguments["token"])  # type: ignore[attr-defined]
        return self.simulator.act(action, arguments)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.counts["calls"] += 1
        if self.dead:
            return self._dead(request)
        dice = self.chance.random()
        if self.rough and dice < self.odds.refused:
            self.counts["429 of the weather"] += 1
            return httpx.Response(429, headers={"retry-after": "2"}, json={"errors": "too many"})
        answer = self.simulator(request)
        if answer.status_code == 429 or b'"THROTTLED"' in answer.content[:400]:
            self.counts["429 of ours"] += 1
        if self.rough and is_write(request):
            dice -= self.odds.refused
            if dice < self.odds.lost_answers:
                self.counts["answers lost"] += 1
                return httpx.Response(502, text=PROXY_PAGE, headers={"content-type": "text/html"})
            if dice < self.odds.lost_answers + self.odds.cut_off:
                self.counts["answers lost"] += 1
                raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
        return answer

    def _dead(self, request: httpx.Request) -> httpx.Response:
        self.counts["calls while dead"] += 1
        if self.chance.random() < 0.5:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
        return httpx.Response(503, text="down for maintenance")


def is_write(request: httpx.Request) -> bool:
    """Whether the call changes something at its vendor; a renewed token is no such thing."""
    path = request.url.path
    if request.method == "GET" or "oauth" in path or path.endswith("/query"):
        return False
    return b"mutation" in request.content if path.endswith("/graphql.json") else True


class Postman(httpx.BaseTransport):
    """Brings webhooks; loses some while saying that they arrived, and brings some twice. Counts the answers."""

    def __init__(self, seed: int, odds: Odds) -> None:
        self.chance, self.odds = random.Random(f"{seed}/post"), odds
        self.inner = httpx.HTTPTransport()
        self.counts: Counter[str] = Counter()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        dice = self.chance.random()
        if dice < self.odds.hooks_lost:
            return httpx.Response(200)
        if dice < self.odds.hooks_lost + self.odds.hooks_doubled:
            self._bring(request).close()
        return self._bring(request)

    def _bring(self, request: httpx.Request) -> httpx.Response:
        try:
            answer = self.inner.handle_request(request)
        except httpx.TransportError:
            self.counts["not reached"] += 1
            raise
        self.counts["acknowledged" if answer.is_success else "refused"] += 1
        return answer


class Post:
    """The post's control door: `told` counts webhooks by how they were answered, and those that wait to be brought."""

    def __init__(self, postman: Postman, senders: Iterable[Simulator]) -> None:
        self.postman, self.senders = postman, list(senders)
        self.outbox: deque[httpx.Request] = deque()

    def act(self, action: str, _: Mapping[str, Any]) -> dict[str, int]:
        """Only `told`."""
        if action != "told":
            raise ValueError(f"the post has no action {action!r}")
        return {"waiting": sum(len(one.outbox) for one in self.senders), **self.postman.counts}


def serve(port: int, seed: int, time: Clockwork, odds: Odds) -> None:
    """Serve all vendors on loopback until ended."""
    vendors: dict[str, Any] = dict(build(f"http://127.0.0.1:{port}", clock=time.now))
    vendors["books"].desk.lifetime = TOKEN_LIFE
    vendors |= {name: Rough(vendors[name], name, seed, odds) for name in DESTINATIONS}
    postman = Postman(seed, odds)
    vendors["post"] = Post(postman, vendors.values())
    post = httpx.Client(transport=postman, timeout=5.0, trust_env=False)
    # The simulators tell the time by their own clocks.
    quiet: dict[str, Any] = {"log_level": "warning", "access_log": False, "date_header": False}
    uvicorn.run(simulator_app(vendors, post), host="127.0.0.1", port=port, lifespan="on", **quiet)
