"""What a vendor folder offers the hub, and how vendor folders are found."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import httpx
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

import integrations
from commerce.errors import NotConfigured
from commerce.ports import Alert, CallLog, Limits, Notices, TokenStore
from commerce.values import Frozen
from integrations.auth import MemoryTokens
from integrations.dates import Timekeeper, Timeless
from integrations.limits import LocalLimits, Paced

ConnectionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,19}$")]


NAMES_ACCOUNT = ("shop", "realm_id", "api_key", "access_token")
"""Fields of settings that tell accounts apart; two keys of one account look like two accounts."""


class ConnectionSettings(BaseModel):
    """One `[connections.<name>]` of stack.toml, with its secrets put in. Vendors add their own fields.

    A field of type SecretStr is never written in stack.toml; it comes from the environment as
    BACKROOM_<NAME>_<FIELD>. `pace` False switches our own pacing off.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: ConnectionName = Field(description="The merchant's own name of this connection; part of every key.")
    vendor: str = Field(description="The vendor folder.")
    base_url: str = Field(description="Where the vendor's API is.")
    pace: bool = Field(default=True, description="Whether we keep to the vendor's rate limit by ourselves.")

    def same_account(self, other: ConnectionSettings) -> bool:
        """Whether both surely are one account at the vendor, so that they use up one budget of calls."""
        if (self.vendor, self.base_url) != (other.vendor, other.base_url):
            return False
        named = [(getattr(self, field, None), getattr(other, field, None)) for field in NAMES_ACCOUNT]
        return any(mine and mine == theirs for mine, theirs in named)


class Unheard:
    """Notices that nobody reads."""

    def noticed(self, alert: Alert) -> None:
        """Nobody hears it."""

    def over(self, fingerprint: str) -> None:
        """Nobody had heard it."""


@dataclass(frozen=True)
class Services:
    """What the hub lends a connection. The defaults serve tests: no tokens yet, nothing counted, the real network."""

    tokens: TokenStore = field(default_factory=MemoryTokens)
    calls: CallLog | None = None
    times: Timekeeper = field(default_factory=Timeless)
    notices: Notices = field(default_factory=Unheard)
    transport: httpx.BaseTransport | None = None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time
    shared: Limits | None = None
    """Budgets that all processes share; without them this process keeps its own."""

    @property
    def limits(self) -> Limits:
        """The connection's budgets."""
        return self.shared or LocalLimits(self.clock)

    def pace(self, rates: Sequence[tuple[int, float]], name: str = "calls") -> Paced:
        """Waits before each call until all of `rates` (calls, seconds) allow it. `name` tells budgets apart."""
        return Paced(rates, sleep=self.sleep, budget=self.limits.windows(name, rates))


class Hint(Frozen):
    """What a webhook points at: re-read this."""

    topic: str
    """"order", "parcel", "stock", "document", "privacy" (a person asks) or "access" (we may have lost it)."""
    id: str = ""
    """The vendor's id of it; empty means "whatever changed lately"."""
    action: str = ""


class WebhookDelivery(Frozen):
    """A verified webhook: `id` is the same when the vendor sends it again."""

    id: str
    topic: str
    hints: tuple[Hint, ...] = ()


class Forged(Exception):
    """A webhook that the vendor did not send, or not lately. Answered with `status` (401) and no detail."""

    def __init__(self, reason: str, *, status: int = 401) -> None:
        super().__init__(reason)
        self.status = status


QUERY = ":query"
"""Among a webhook's headers: what stood behind the "?" of the address it was sent to. No sender can write this name."""

Receive = Callable[[Any, Services, Mapping[str, str], bytes], WebhookDelivery]


@dataclass(frozen=True)
class Authorisation:
    """How a merchant gives us access in the browser (OAuth 2.0, authorisation code).

    `address(settings, redirect, state)` is where the browser goes; `redirect` is where the vendor sends it back to.
    `granted(settings, services, redirect, answer)` reads the answer's query (its state is already checked), exchanges
    the code, keeps the tokens with the account they are for, and returns that account. Raises NotAuthorised when the
    merchant or the vendor refused. `revoked(settings, services)` gives our access back to the vendor, where it offers
    that; repeating it is harmless. `account(settings)` is the account that stack.toml names, empty when it names none:
    `granted` refuses any other.
    """

    address: Callable[[Any, str, str], str]
    granted: Callable[[Any, Services, str, Mapping[str, str]], str]
    revoked: Callable[[Any, Services], None] | None = None
    account: Callable[[Any], str] | None = None


@dataclass(frozen=True)
class Connector:
    """A vendor folder's front door.

    `connect` opens a client that implements the ports it can (OrderSource, Destination, ...) and `Checkable`.
    `receive` verifies a webhook on its raw bytes (header names in lower case), then reads it; raises Forged.
    `authorisation` is there when access is granted in the browser.
    """

    vendor: str
    title: str
    settings: type[ConnectionSettings]
    connect: Callable[[Any, Services], Any]
    receive: Receive | None = None
    authorisation: Authorisation | None = None


def vendors() -> list[str]:
    """The vendor folders there are, found by looking."""
    return sorted(module.name for module in pkgutil.iter_modules(integrations.__path__) if module.ispkg)


def connector(vendor: str) -> Connector:
    """The vendor's connector, imported when first asked for. Raises NotConfigured for an unknown vendor."""
    known = getattr(sys.modules.get(f"integrations.{vendor}"), "CONNECTOR", None)
    if isinstance(known, Connector):  # without a look at the disk, as every webhook asks
        return known
    if vendor not in vendors():
        raise NotConfigured("vendor", f"{vendor!r} is not one of {', '.join(vendors())}")
    found = getattr(importlib.import_module(f"integrations.{vendor}"), "CONNECTOR", None)
    if not isinstance(found, Connector):
        raise NotConfigured("vendor", f"integrations/{vendor} has no CONNECTOR")
    return found
