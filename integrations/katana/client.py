"""Katana's endpoints, and what the hub asks of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from commerce.errors import NotConfigured, Rejected
from commerce.ports import Unreadable
from commerce.stock import StockLevel
from integrations.auth import HeaderAuth
from integrations.connector import Services
from integrations.http import ApiClient, answered_json
from integrations.katana import refusals
from integrations.katana.checks import Checks
from integrations.katana.mapping import may_be_kits, short, to_levels
from integrations.katana.reading import read, readable
from integrations.katana.refusals import VENDOR, Invalid
from integrations.katana.schemas import Factory, Location, Product
from integrations.katana.settings import KatanaSettings
from integrations.katana.walk import ListCut, ListMoved, Walk
from integrations.katana.webhooks import Subscriptions

PAGE = 250
"""Rows a page; clients in use know it as the most."""
SMALL_PAGE = 50
"""Rows a page when Katana does not like our `limit`: its own default."""
WALKS = 3
"""How often a list is walked that was cut short or changed while it was read."""
PACE = [(50, 60.0)]
"""Calls and seconds, over all processes. Katana allows 60 a minute."""
LONGEST_WAIT = 65.0
"""Seconds. Katana's window is a minute: waiting it out is cheaper than starting a walk again."""


class Katana(Checks, Subscriptions):
    """A Katana account. Implements StockSource and Subscribing."""

    def __init__(self, settings: KatanaSettings, services: Services) -> None:
        self.settings = settings
        self.services = services
        self._page = PAGE
        self.api = ApiClient(
            vendor=VENDOR,
            base_url=settings.base_url,
            auth=HeaderAuth("authorization", f"Bearer {settings.api_key.get_secret_value()}"),
            transport=services.transport,
            inspect=lambda answer: refusals.inspect(answer, services.clock(), settings.name),
            pace=services.pace(PACE) if settings.pace else None,
            calls=services.calls,
            times=services.times,
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
        found = readable(Location, self.all_rows("/locations", key=("id",)), "/locations")
        return [place for place in found if not place.deleted_at]

    def inventory(self) -> list[Any]:
        """Every stock row with its variant, raw. Raises UnexpectedAnswer or TemporarilyUnavailable for half a list."""
        # https://developer.katanamrp.com/reference/list-current-inventory
        rows = self.all_rows("/inventory", key=("variant_id", "location_id"), extend="variant")
        if all(not isinstance(row, dict) or isinstance(row.get("variant"), dict) for row in rows):
            return rows
        # Katana is known to ignore some parameters in silence: without `extend` the SKUs are a list of their own.
        variants = (one for one in self.all_rows("/variants", key=("id",)) if isinstance(one, dict))
        known = {short(one.get("id"), ""): one for one in variants}
        return [with_variant(row, known) for row in rows]

    def kits(self) -> set[int]:
        """Products that are put together from their parts when they are sold."""
        # https://developer.katanamrp.com/reference/list-all-products
        try:
            found = self.all_rows("/products", key=("id",), is_auto_assembly="true")
        except Rejected:
            return set()
        products = readable(Product, found, "/products")
        return {product.id for product in products if product.is_auto_assembly}

    def stock(self) -> Iterator[StockLevel | Unreadable]:
        """Every level at the locations we read. Nothing is yielded before the whole list has been read.

        Raises NotConfigured when the settings name a location that Katana does not have, and IntegrationError when
        the list was cut short or changed while it was read.
        """
        known = self.locations()
        # By Katana's clock and not by ours: it is compared with the storefront's stamps of orders.
        as_of = self.api.answered_at or datetime.fromtimestamp(self.services.clock(), UTC)
        wanted = {place.id for place in self.chosen(known)}
        rows = self.inventory()
        yield from to_levels(
            self.settings.name,
            rows,
            types=self.settings.types,
            as_of=as_of,
            # A row of a location that is not in the list is kept: the hub reports locations that it has no map for.
            unwanted={place.id for place in known} - wanted,
            kits=self.kits() if may_be_kits(self.settings.name, rows) else (),
        )

    def chosen(self, known: Sequence[Location]) -> list[Location]:
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

    def all_rows(self, path: str, *, key: tuple[str, ...], **params: Any) -> list[Any]:
        """The rows of all pages. `key` names the fields that no two rows share.

        A list that was cut short or changed while it was read is walked again, a few times.
        """
        for left in reversed(range(WALKS)):
            try:
                return self._walked(path, key, params)
            except (ListCut, ListMoved):
                if not left:
                    raise
        raise AssertionError("the last walk returns or raises")

    def _walked(self, path: str, key: tuple[str, ...], params: dict[str, Any]) -> list[Any]:
        walk = Walk(VENDOR, path, key)
        while not walk.over:
            try:
                answer = self.api.request("GET", path, params={**params, "limit": self._page, "page": walk.next_page})
            except Invalid as refused:
                if self._page == SMALL_PAGE or not any("limit" in field for field in refused.paths):
                    raise
                self._page = SMALL_PAGE
                return self._walked(path, key, params)
            walk.take(answer.headers.get("x-pagination"), answered_json(VENDOR, answer))
        return walk.rows


def with_variant(row: Any, known: dict[str, Any]) -> Any:
    """The row with its variant put in, if it has none and we know it. `known` are variants by id."""
    if not isinstance(row, dict) or isinstance(row.get("variant"), dict):
        return row
    variant = known.get(short(row.get("variant_id"), "?"))
    return row if variant is None else {**row, "variant": variant}
