"""Katana's endpoints, and what the hub asks of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from commerce.errors import IntegrationError, NotAuthorised, NotConfigured, RateLimited, UnexpectedAnswer
from commerce.ports import Finding, Unreadable
from commerce.stock import StockLevel
from integrations.auth import HeaderAuth
from integrations.connector import Services
from integrations.http import ApiClient, answered_json, told_wait
from integrations.katana.mapping import to_levels
from integrations.katana.schemas import Factory, Location
from integrations.katana.settings import KatanaSettings
from integrations.katana.walk import Walk
from integrations.limits import Paced

VENDOR = "katana"
PAGE = 250
PACE = [(50, 60.0)]
"""Calls and seconds. Katana allows 60 a minute."""
LONGEST_WAIT = 65.0
"""Seconds. Katana's window is a minute: waiting it out is cheaper than starting a walk again."""
PLAN = "make a new key under Settings > API > API keys; API access needs the Professional plan or above"

Model = TypeVar("Model", bound=BaseModel)


class Katana:
    """A Katana account. Implements StockSource."""

    def __init__(self, settings: KatanaSettings, services: Services) -> None:
        self.settings = settings
        self._clock = services.clock
        self.api = ApiClient(
            vendor=VENDOR,
            base_url=settings.base_url,
            auth=HeaderAuth("authorization", f"Bearer {settings.api_key.get_secret_value()}"),
            transport=services.transport,
            inspect=lambda answer: mind_the_reset(answer, services.clock()),
            pace=Paced(PACE, clock=services.clock, sleep=services.sleep) if settings.pace else None,
            calls=services.calls,
            sleep=services.sleep,
            longest_wait=LONGEST_WAIT,
        )

    def close(self) -> None:
        """Give the connections back."""
        self.api.close()

    def factory(self) -> Factory:
        """Whose account this is."""
        # https://developer.katanamrp.com/reference/retrieve-the-current-factory
        body = answered_json(VENDOR, self.api.request("GET", "/factory"))
        return read(Factory, body, "/factory")

    def locations(self) -> list[Location]:
        """Every location, also those that allow no sales."""
        # https://developer.katanamrp.com/reference/list-all-locations
        return [read(Location, raw, "/locations") for raw in self._all_rows("/locations", key=("id",))]

    def inventory(self) -> list[dict[str, Any]]:
        """Every stock row with its variant, raw. Raises UnexpectedAnswer or TemporarilyUnavailable for half a list."""
        # https://developer.katanamrp.com/reference/list-current-inventory
        return self._all_rows("/inventory", key=("variant_id", "location_id"), extend="variant")

    def stock(self) -> Iterator[StockLevel | Unreadable]:
        """Every level at the locations we read. Nothing is yielded before the whole list has been read.

        Raises NotConfigured when the settings name a location that Katana does not have, and IntegrationError when
        the list was cut short or changed while it was read.
        """
        as_of = datetime.fromtimestamp(self._clock(), UTC)
        known = self.locations()
        wanted = {place.id for place in self._chosen(known)}
        unwanted = {place.id for place in known} - wanted
        # A row of a location that is not in the list is kept: the hub reports locations that it has no map for.
        rows = [row for row in self.inventory() if row.get("location_id") not in unwanted]
        yield from to_levels(self.settings.name, rows, types=self.settings.types, as_of=as_of)

    def check(self) -> Iterator[Finding]:
        """Look at the key, the account, the locations and the webhook's token."""
        try:
            account = self.factory()
            name = account.display_name or account.legal_name or "an account without a name"
            yield Finding(subject="account", ok=True, message=f"{name} ({account.base_currency_code})")
            yield self._check_locations()
        except NotAuthorised as refused:
            yield Finding(subject="credential", ok=False, message=str(refused), hint=PLAN)
        except IntegrationError as error:
            yield Finding(subject="connection", ok=False, message=str(error), hint="check base_url and the network")
        yield self._check_webhooks()

    def _check_locations(self) -> Finding:
        try:
            chosen = self._chosen(self.locations())
        except NotConfigured as wrong:
            return Finding(subject="locations", ok=False, message=str(wrong), hint=wrong.hint)
        if not chosen:
            hint = "allow sales at a location in Katana, or name locations in stack.toml"
            return Finding(subject="locations", ok=False, message="no location allows sales", hint=hint)
        listed = ", ".join(f"{place.name} ({place.id})" for place in chosen)
        return Finding(subject="locations", ok=True, message=f"reads {listed}")

    def _check_webhooks(self) -> Finding:
        if self.settings.webhook_token.get_secret_value():
            return Finding(subject="webhooks", ok=True, message="a signing token is set")
        # Not a fault: without webhooks the schedule alone brings changes.
        return Finding(subject="webhooks", ok=True, message="no webhook_token: changes arrive by schedule only")

    def _chosen(self, known: Sequence[Location]) -> list[Location]:
        """The locations to read. Raises NotConfigured for one that Katana does not have."""
        names = self.settings.locations
        if not names:
            return [place for place in known if place.sales_allowed]
        missing = [name for name in names if not any(name in (str(place.id), place.name) for place in known)]
        if missing:
            there = ", ".join(f"{place.name} ({place.id})" for place in known)
            raise NotConfigured(
                f"connections.{self.settings.name}.locations",
                f"Katana has no location {', '.join(missing)}",
                hint=f"it has {there}",
            )
        return [place for place in known if str(place.id) in names or place.name in names]

    def _all_rows(self, path: str, *, key: tuple[str, ...], **params: Any) -> list[dict[str, Any]]:
        """The rows of all pages, `PAGE` a page. `key` names the fields that no two rows share."""
        walk = Walk(VENDOR, path, key)
        while not walk.over:
            answer = self.api.request("GET", path, params={**params, "limit": PAGE, "page": walk.next_page})
            walk.take(answer.headers.get("x-pagination", ""), answered_json(VENDOR, answer))
        return walk.rows


def read(model: type[Model], raw: Any, path: str) -> Model:
    """The answer as `model`. Raises UnexpectedAnswer that names the fields."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        wrong = ", ".join(".".join(map(str, one["loc"])) or "the answer" for one in error.errors())
        raise UnexpectedAnswer(VENDOR, f"GET {path} cannot be read: {wrong}") from error


def mind_the_reset(answer: httpx.Response, now: float) -> None:
    """Raise RateLimited with the window's end for a 429 without Retry-After.

    `X-Ratelimit-Reset` is documented in milliseconds since the epoch and shown in seconds: both are understood.
    """
    # https://developer.katanamrp.com/reference/api-rate-limiting
    if answer.status_code != 429 or told_wait(answer) is not None:
        return
    try:
        reset = float(answer.headers["x-ratelimit-reset"])
    except (KeyError, ValueError):
        return
    seconds = reset / 1000 if reset > 1e11 else reset
    raise RateLimited(VENDOR, "too many calls in this minute", retry_after=max(0.0, seconds - now))
