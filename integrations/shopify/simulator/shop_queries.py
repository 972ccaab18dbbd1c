"""What the shop says about itself, and what this simulator has none of (payouts)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.shopify.simulator.plan import Request, resolves
from integrations.shopify.simulator.stock import COUNTED, NAMES

VERSIONS = ("2026-01", "2026-04", "2026-07", "2026-10")


@resolves("QueryRoot", "shop")
def shop(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/objects/Shop"""
    own = request.sim.shop
    return {
        "__typename": "Shop",
        "id": "gid://shopify/Shop/700001",
        "name": own["name"],
        "email": "owner@example.com",
        "url": f"https://{request.sim.domain}",
        "myshopifyDomain": request.sim.domain,
        "primaryDomain": {"__typename": "Domain", "id": "gid://shopify/Domain/1"},
        "currencyCode": own["currency"],
        "ianaTimezone": own["timezone"],
        "taxesIncluded": own["taxes_included"],
        "plan": {
            "publicDisplayName": own["plan"],
            "shopifyPlus": own["plan"] in ("Plus", "Enterprise"),
            "partnerDevelopment": False,
        },
    }


@resolves("QueryRoot", "currentAppInstallation")
def app_installation(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/objects/AppInstallation"""
    scopes = [{"handle": one} for one in sorted(request.sim.scopes)]
    return {"__typename": "AppInstallation", "id": "gid://shopify/AppInstallation/1", "accessScopes": scopes}


@resolves("QueryRoot", "publicApiVersions")
def api_versions(_: Any, args: Mapping[str, Any], request: Request) -> list[dict[str, Any]]:
    """https://shopify.dev/docs/api/usage/versioning"""
    known = [{"handle": one, "supported": True} for one in VERSIONS]
    return [*known, {"handle": "2027-01", "supported": False}, {"handle": "unstable", "supported": False}]


@resolves("QueryRoot", "inventoryProperties")
def inventory_properties(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/objects/InventoryProperties"""
    return {"quantityNames": [_quantity_name(one) for one in NAMES]}


def _quantity_name(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "displayName": name.replace("_", " ").capitalize(),
        "isInUse": True,
        "belongsTo": ["on_hand"] if name in COUNTED else [],
        "comprises": list(COUNTED) if name == "on_hand" else [],
    }


@resolves("QueryRoot", "shopifyPaymentsAccount")
def payments_account(_: Any, args: Mapping[str, Any], request: Request) -> None:
    """Null: the shop has no Shopify Payments account."""


@resolves("QueryRoot", "tenderTransactions")
def tender_transactions(_: Any, args: Mapping[str, Any], request: Request) -> list[Any]:
    """None are kept."""
    return []
