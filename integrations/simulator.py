"""What every vendor's simulator is: a callable from request to response, with state, limits, a clock and faults.

The same object serves unit tests (as an httpx transport), flows and the demo (over HTTP, `simulator_server`). A
simulator speaks raw JSON as the vendor's pages show it and imports nothing of its vendor's client, so that it can
disagree with it.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, ClassVar, Literal

import httpx

Clock = Callable[[], float]
"""Seconds since the epoch. `time.time` in the demo, a counter in tests."""

JITTER = 1e-6
"""Seconds that a clock of floats may be off: who waits just as long as he was told is not early."""


@dataclass
class Fault:
    """One misbehaviour, used up `times` times by the requests whose "METHOD /path" matches `on`.

    `before` answers without doing the work; `after` does the work and loses the answer; `drop` and `drop_after` close
    the connection instead of answering; `timeout_after` does the work and answers too late.
    """

    kind: Literal["before", "after", "drop", "drop_after", "timeout_after"] = "before"
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    on: str = ""
    times: int = 1

    def meets(self, request: httpx.Request) -> bool:
        """Whether this fault waits for such a request."""
        return self.times > 0 and re.search(self.on, f"{request.method} {request.url.path}") is not None

    def response(self) -> httpx.Response:
        """The wrong answer. A dict body is JSON, a string is plain text."""
        if isinstance(self.body, str):
            return httpx.Response(self.status, headers=self.headers, text=self.body)
        return httpx.Response(self.status, headers=self.headers, json=self.body if self.body is not None else {})


@dataclass
class Bucket:
    """A leaky bucket: `capacity` at once, `per_second` afterwards."""

    capacity: float
    per_second: float
    clock: Clock
    level: float = field(init=False)
    seen: float = field(init=False)

    def __post_init__(self) -> None:
        self.level, self.seen = self.capacity, self.clock()

    def available(self) -> float:
        """Units that may be taken now."""
        now = self.clock()
        self.level = min(self.capacity, self.level + max(0.0, now - self.seen) * self.per_second)
        self.seen = now
        return self.level

    def take(self, units: float = 1.0) -> bool:
        """Take `units`, or nothing at all."""
        if self.wait_for(units) > JITTER:
            return False
        self.level -= units
        return True

    def wait_for(self, units: float = 1.0) -> float:
        """Seconds until `units` are there."""
        return max(0.0, (units - self.available()) / self.per_second)


@dataclass
class FixedWindow:
    """At most `limit` calls in each window of `seconds`, counted from the window's own start."""

    limit: int
    seconds: float
    clock: Clock
    started: float = field(init=False)
    used: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.started = self.clock()

    def _roll(self) -> None:
        if self.clock() - self.started >= self.seconds - JITTER:
            self.started, self.used = self.clock(), 0

    def take(self) -> bool:
        """Count one call; False when the window is full."""
        self._roll()
        if self.used >= self.limit:
            return False
        self.used += 1
        return True

    @property
    def remaining(self) -> int:
        """Calls left in this window."""
        self._roll()
        return self.limit - self.used

    @property
    def reset(self) -> float:
        """Seconds until the next window."""
        self._roll()
        return max(0.0, self.started + self.seconds - self.clock())


@dataclass(frozen=True)
class Call:
    """One request that reached the simulator, kept so that tests and benchmarks can count."""

    method: str
    path: str
    status: int


class Simulator:
    """A vendor in memory. Subclasses write `answer`; methods named `do_…` are what people and the world do there.

    `limits=False` switches the rate limits off (benchmarks). `outbox` holds webhook requests to be delivered by
    whoever runs the simulator. `base_url` is where clients reach it, for links in answers.
    """

    vendor: ClassVar[str]

    def __init__(self, *, base_url: str, clock: Clock = time.time, limits: bool = True) -> None:
        self.base_url = base_url.rstrip("/")
        self.clock = clock
        self.limits = limits
        self.faults: list[Fault] = []
        self.calls: deque[Call] = deque(maxlen=100_000)
        self.outbox: deque[httpx.Request] = deque()

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The vendor's answer. The request's path starts after `base_url`'s own path."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """Everything the vendor now holds, JSON-able: the ground truth an independent check compares."""
        raise NotImplementedError

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer, or misbehave once as told."""
        request.read()
        fault = next((one for one in self.faults if one.meets(request)), None)
        response = self.answer(request) if fault is None else self._misbehave(fault, request)
        response.headers.setdefault("date", formatdate(self.clock(), usegmt=True))
        self.calls.append(Call(request.method, request.url.path, response.status_code))
        return response

    def _misbehave(self, fault: Fault, request: httpx.Request) -> httpx.Response:
        fault.times -= 1
        if fault.kind in ("after", "drop_after", "timeout_after"):
            self.answer(request)
        if fault.kind.startswith("drop"):
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
        if fault.kind == "timeout_after":
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        return fault.response()

    def transport(self) -> httpx.MockTransport:
        """The simulator as an httpx transport; the base URL's path is cut off as the HTTP server does."""
        prefix = httpx.URL(self.base_url).path.rstrip("/")

        def handle(request: httpx.Request) -> httpx.Response:
            if prefix and f"{request.url.path}/".startswith(f"{prefix}/"):
                raw = "/" + request.url.raw_path.decode()[len(prefix) :].removeprefix("/")
                request = httpx.Request(
                    request.method,
                    request.url.copy_with(raw_path=raw.encode()),
                    headers=request.headers,
                    content=request.read(),
                )
            return self(request)

        return httpx.MockTransport(handle)

    def act(self, action: str, arguments: Mapping[str, Any]) -> Any:
        """Let something happen at the vendor: runs `do_<action>(**arguments)`."""
        method = getattr(self, f"do_{action}", None)
        if method is None:
            known = sorted(name[3:] for name in dir(self) if name.startswith("do_"))
            raise KeyError(f"{self.vendor} has no action {action!r}; it has {', '.join(known)}")
        return method(**arguments)

    def do_fault(self, **fault: Any) -> None:
        """Queue a `Fault`."""
        self.faults.append(Fault(**fault))

    def do_calls(self) -> dict[str, int]:
        """Requests so far, counted by "METHOD status"."""
        counts: dict[str, int] = {}
        for call in self.calls:
            name = f"{call.method} {call.status}"
            counts[name] = counts.get(name, 0) + 1
        return counts


def json_body(request: httpx.Request) -> Any:
    """The request's JSON, or None when it is not JSON (a vendor answers 400 then)."""
    try:
        return json.loads(request.content)
    except (ValueError, UnicodeDecodeError):
        return None
