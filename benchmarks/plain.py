"""Copying an order as a plain script would: one request for each destination, and nothing remembered.

Both baselines share this. What it sends is what the vendors demand, and no more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import httpx

from deployments.demo_stack import SECRETS

ORDERS = """
query Orders($after: String) {
  orders(first: 50, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id legacyResourceId name createdAt email phone
      currentTotalPriceSet { shopMoney { amount currencyCode } }
      shippingAddress { name address1 city provinceCode zip countryCodeV2 phone }
      lineItems(first: 20) { nodes { id title sku quantity originalUnitPriceSet { shopMoney { amount } } } }
    }
  }
}
"""

Json = dict[str, Any]


class Vendors:
    """The simulated vendors, called directly. `books` refers to an account and an item, made when they are missing."""

    def __init__(self, base: str, without: Collection[str] = ()) -> None:
        self.base = base
        self.without = without
        self.http = httpx.Client(timeout=60.0, trust_env=False)
        self.refused = 0
        self.shop = self._shop_headers()
        self.warehouse_id = self._json("GET", "warehouse/v2/warehouses", headers=WAREHOUSE)["warehouses"][0][
            "warehouse_id"
        ]
        if "books" not in without:
            self.books = self._books_headers()
            self.account, self.item = self._account_and_item()

    def orders(self, most: int | None = None) -> Iterator[Json]:
        """All orders, or the first of them, 50 a page."""
        after, count = None, 0
        while True:
            body = {"query": ORDERS, "variables": {"after": after}}
            answer = self._json("POST", "shop/admin/api/2026-10/graphql.json", headers=self.shop, json=body)
            page = answer["data"]["orders"]
            for order in page["nodes"]:
                if count == most:
                    return
                count += 1
                yield order
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]

    def copy(self, order: Json) -> None:
        """To the warehouse, the books and marketing, one after another. What is refused is counted and forgotten."""
        self._send("warehouse/v2/shipments", {"shipments": [shipment(order, self.warehouse_id)]}, WAREHOUSE)
        if "books" not in self.without:
            self._send(f"{REALM}/salesreceipt?{MINOR}", sales_receipt(order, self.account, self.item), self.books)
        self._send("marketing/api/events", event(order), MARKETING)

    def _send(self, path: str, body: Json, headers: dict[str, str]) -> None:
        answer = self.http.post(f"{self.base}/{path}", json=body, headers=headers)
        if not answer.is_success or (answer.content and answer.json().get("has_errors")):
            self.refused += 1

    def _json(self, method: str, path: str, **more: Any) -> Any:
        return self.http.request(method, f"{self.base}/{path}", **more).raise_for_status().json()

    def _shop_headers(self) -> dict[str, str]:
        form = {"client_id": "sim-client", "client_secret": SECRETS["BACKROOM_SHOP_CLIENT_SECRET"]}
        form["grant_type"] = "client_credentials"
        token = self._json("POST", "shop/admin/oauth/access_token", data=form)["access_token"]
        return {"x-shopify-access-token": token}

    def _books_headers(self) -> dict[str, str]:
        form = {"grant_type": "refresh_token", "refresh_token": SECRETS["BACKROOM_BOOKS_REFRESH_TOKEN"]}
        auth = ("client", SECRETS["BACKROOM_BOOKS_CLIENT_SECRET"])
        token = self._json("POST", "books/oauth2/v1/tokens/bearer", data=form, auth=auth)["access_token"]
        return {"authorization": f"Bearer {token}", "accept": "application/json"}

    def _account_and_item(self) -> tuple[str, str]:
        clearing = self._make("Account", {"Name": "Benchmark clearing", "AccountType": "Other Current Asset"})
        income = self._make("Account", {"Name": "Benchmark income", "AccountType": "Income"})
        item = {"Name": "Benchmark sales", "Type": "Service", "IncomeAccountRef": {"value": income}}
        return clearing, self._make("Item", item)

    def _make(self, entity: str, body: Json) -> str:
        answer = self._json("POST", f"{REALM}/{entity.lower()}?{MINOR}", json=body, headers=self.books)
        return str(answer[entity]["Id"])


REALM = "books/v3/company/9130357992221046"
MINOR = "minorversion=75"
WAREHOUSE = {"API-Key": SECRETS["BACKROOM_WAREHOUSE_API_KEY"]}
MARKETING = {
    "authorization": f"Klaviyo-API-Key {SECRETS['BACKROOM_MARKETING_API_KEY']}",
    "revision": "2026-07-15",
    "content-type": "application/vnd.api+json",
}


def shipment(order: Json, warehouse_id: str) -> Json:
    """An entry of `POST /v2/shipments`."""
    address = order["shippingAddress"] or {}
    return {
        "external_shipment_id": order["legacyResourceId"],
        "shipment_number": order["name"].lstrip("#"),
        "warehouse_id": warehouse_id,
        "validate_address": "no_validation",
        "ship_to": {
            "name": address.get("name") or "Nobody",
            "phone": address.get("phone") or "+1 555 0100",
            "address_line1": address.get("address1") or "1 Sample St",
            "city_locality": address.get("city") or "Austin",
            "state_province": address.get("provinceCode") or address.get("city") or "TX",
            "postal_code": address.get("zip") or "78701",
            "country_code": address.get("countryCodeV2") or "US",
            "address_residential_indicator": "unknown",
        },
        "items": [
            {"name": line["title"], "sku": line["sku"] or "", "quantity": line["quantity"]}
            for line in order["lineItems"]["nodes"]
        ],
    }


def sales_receipt(order: Json, account: str, item: str) -> Json:
    """A sales receipt of one line, the order's total."""
    amount = float(order["currentTotalPriceSet"]["shopMoney"]["amount"])
    return {
        "DocNumber": order["name"].lstrip("#"),
        "TxnDate": order["createdAt"][:10],
        "DepositToAccountRef": {"value": account},
        "Line": [
            {
                "Amount": amount,
                "DetailType": "SalesItemLineDetail",
                "SalesItemLineDetail": {"ItemRef": {"value": item}, "TaxCodeRef": {"value": "NON"}},
            }
        ],
    }


def event(order: Json) -> Json:
    """The body of `POST /api/events`."""
    money = order["currentTotalPriceSet"]["shopMoney"]
    profile = {"email": order["email"]} if order["email"] else {"external_id": order["legacyResourceId"]}
    attributes = {
        "unique_id": order["legacyResourceId"],
        "time": order["createdAt"],
        "value": float(money["amount"]),
        "value_currency": money["currencyCode"],
        "properties": {"OrderId": order["legacyResourceId"], "Items": [one["title"] for one in lines(order)]},
        "metric": {"data": {"type": "metric", "attributes": {"name": "Placed Order"}}},
        "profile": {"data": {"type": "profile", "attributes": profile}},
    }
    return {"data": {"type": "event", "attributes": attributes}}


def lines(order: Json) -> list[Json]:
    """The order's lines."""
    return list(order["lineItems"]["nodes"])
