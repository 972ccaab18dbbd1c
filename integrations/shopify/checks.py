"""Looking at a shop before anything is sent: credential, scopes, version, places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from commerce.errors import HubError
from commerce.ports import Alert, Finding
from integrations.shopify import documents, versions
from integrations.shopify.graphql import GraphQL
from integrations.shopify.schemas import Location
from integrations.shopify.settings import ShopifySettings

SCOPES = {
    "read_orders": "orders, refunds and payments",
    "read_customers": "who bought",
    "read_products": "finding products by SKU",
    "read_inventory": "reading stock",
    "write_inventory": "setting stock",
    "read_locations": "the stock map",
    "read_merchant_managed_fulfillment_orders": "what has to be shipped from where",
    "write_merchant_managed_fulfillment_orders": "bringing tracking back",
    "read_fulfillments": "webhooks about fulfilments",
}
"""What the hub needs each scope for."""
OF_SERVICES = ("read_third_party_fulfillment_orders", "write_third_party_fulfillment_orders")
"""What it needs besides when a fulfilment service ships for the shop."""
IN_DASHBOARD = "in the Dev Dashboard, add it to the app's scopes, release a version, and approve it in the shop"


class Checks:
    """The store as a Checkable."""

    graphql: GraphQL
    settings: ShopifySettings

    def locations(self) -> list[Location]:
        """Every active location, those of fulfilment services too."""
        pages = self.graphql.pages(documents.LOCATIONS, "locations")
        return [Location.model_validate(node) for page in pages for node in page["nodes"]]

    def check(self) -> Iterator[Finding]:
        """One finding per thing looked at; nothing is written."""
        try:
            seen = self.graphql.ask(documents.SHOP_AND_SCOPES)
        except HubError as error:
            yield Finding(subject="credential", ok=False, message=str(error), hint=error.hint)
            return
        yield self._shop(seen["shop"])
        granted = {one["handle"] for one in seen["currentAppInstallation"]["accessScopes"]}
        yield from scopes(granted)
        yield self._version({one["handle"] for one in seen["publicApiVersions"] if one["supported"]})
        yield self._signing()
        if holds(granted, "read_locations"):
            yield from self._places(granted)
        if holds(granted, "read_orders"):
            yield from self._addresses()
        yield from self._deprecated()

    def concerns(self) -> Iterator[Alert]:
        """The end of the API version, some weeks ahead. No call is made."""
        found = versions.ending(self.settings.name, self.settings.api_version, self.graphql.now())
        if found is not None:
            yield found

    def check_locations(self, ids: Sequence[str]) -> Iterator[Finding]:
        """Whether the locations of a stock map exist in the shop; ids are numbers."""
        known = {one.legacy_resource_id: one.name for one in self.locations()}
        offered = ", ".join(f"{name} = {number}" for number, name in known.items())
        for number in ids:
            name = known.get(number)
            message = f"is {name}" if name else "is no active location of the shop"
            hint = "" if name else f"use one of: {offered}"
            yield Finding(subject=f"location {number}", ok=bool(name), message=message, hint=hint)

    def _shop(self, shop: dict[str, Any]) -> Finding:
        domain, plan = shop["myshopifyDomain"], shop["plan"]["publicDisplayName"]
        if domain != self.settings.shop:
            hint = f'set shop = "{domain}" in stack.toml, or use the credential of {self.settings.shop}'
            return Finding(subject="shop", ok=False, message=f"the credential belongs to {domain}", hint=hint)
        message = f"{shop['name']} ({domain}), plan {plan}, {shop['currencyCode']}"
        return Finding(subject="shop", ok=True, message=message)

    def _version(self, supported: set[str]) -> Finding:
        pinned, served = self.settings.api_version, self.graphql.served_version
        if served != pinned:
            message = f"asked for {pinned}, but Shopify answers as {served or 'an unknown version'}"
            hint = "set api_version in stack.toml to a supported version, and read the changelog first"
            return Finding(subject="API version", ok=False, message=message, hint=hint)
        newer = sorted(one for one in supported if one > pinned)
        until = f"{pinned} is served, at least until {versions.ends(pinned):%Y-%m-%d}"
        message = until + (f"; newer stable ones: {', '.join(newer)}" if newer else "")
        return Finding(subject="API version", ok=True, message=message)

    def _signing(self) -> Finding:
        if any(self.settings.secrets):
            return Finding(subject="webhook secret", ok=True, message="webhooks can be verified")
        hint = f"set BACKROOM_{self.settings.name.upper().replace('-', '_')}_CLIENT_SECRET if you use webhooks"
        return Finding(
            subject="webhook secret", ok=True, message="none: webhooks are refused, polling works", hint=hint
        )

    def _places(self, granted: set[str]) -> Iterator[Finding]:
        try:
            places = self.locations()
        except HubError as error:
            yield Finding(subject="locations", ok=False, message=str(error), hint=error.hint)
            return
        names = [f"{one.name} = {one.legacy_resource_id}" for one in places]
        hint = "" if names else "make a location under Settings > Locations"
        yield Finding(subject="locations", ok=bool(names), message=", ".join(names) or "the shop has none", hint=hint)
        theirs = [one.name for one in places if one.fulfillment_service is not None]
        for scope in (one for one in OF_SERVICES if theirs and not holds(granted, one)):
            message = f"is missing, so what {', '.join(theirs)} ships looks as if there were nothing to ship"
            yield Finding(subject=f"scope {scope}", ok=False, message=message, hint=IN_DASHBOARD)

    def _deprecated(self) -> Iterator[Finding]:
        for operation, reason in self.graphql.deprecated.items():
            hint = "update backroom before the next version of Shopify's API"
            yield Finding(subject=f"deprecated {operation}", ok=False, message=reason[:300], hint=hint)

    def _addresses(self) -> Iterator[Finding]:
        """Whether Shopify shows us where parcels go: on some plans it hides personal data from custom apps."""
        try:
            recent = self.graphql.ask(documents.RECENT_ADDRESSES)["orders"]["nodes"]
        except HubError as error:
            yield Finding(subject="addresses", ok=False, message=str(error), hint=error.hint)
            return
        seen = [one["shippingAddress"] for one in recent if one["requiresShipping"] and one["shippingAddress"]]
        if seen and not any(one["name"] or one["address1"] for one in seen):
            hint = "ask for access to protected customer data in the Dev Dashboard; some plans need an upgrade"
            message = "Shopify hides names and streets from this app, so nothing can be shipped"
            yield Finding(subject="addresses", ok=False, message=message, hint=hint)
        elif seen:
            yield Finding(subject="addresses", ok=True, message="names and streets of recent orders are visible")


def holds(granted: set[str], scope: str) -> bool:
    """Whether a scope is granted; one to write includes the one to read."""
    return scope in granted or scope.replace("read_", "write_", 1) in granted


def scopes(granted: set[str]) -> Iterator[Finding]:
    """One finding for what is missing, by name; one when nothing is. A write scope includes its read scope."""
    missing = [one for one in SCOPES if not holds(granted, one)]
    for one in missing:
        yield Finding(
            subject=f"scope {one}", ok=False, message=f"is missing: needed for {SCOPES[one]}", hint=IN_DASHBOARD
        )
    if not missing:
        yield Finding(subject="scopes", ok=True, message=f"all {len(SCOPES)} that the hub needs")
    if "read_all_orders" not in granted:
        message = "not granted: orders older than 60 days are invisible, to a backfill as well"
        yield Finding(subject="scope read_all_orders", ok=True, message=message, hint=IN_DASHBOARD)
