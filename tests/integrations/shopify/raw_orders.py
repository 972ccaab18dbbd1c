"""An order as Shopify writes it, with all that can happen to one."""

from __future__ import annotations

from typing import Any


def bag(amount: str, currency: str = "USD") -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": currency}}


def nodes(*rows: Any) -> dict[str, Any]:
    return {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": list(rows)}


VAT = {"title": "State tax", "rate": 0.08, "channelLiable": False, "priceSet": bag("3.2")}
RAW: dict[str, Any] = {
    "__typename": "Order",
    "id": "gid://shopify/Order/450789469",
    "legacyResourceId": "450789469",
    "name": "#1001",
    "createdAt": "2026-11-23T09:15:42Z",
    "updatedAt": "2026-11-23T09:20:00Z",
    "processedAt": "2026-11-23T09:15:41Z",
    "cancelledAt": None,
    "cancelReason": None,
    "test": False,
    "edited": False,
    "displayFinancialStatus": "PARTIALLY_REFUNDED",
    "displayFulfillmentStatus": "PARTIALLY_FULFILLED",
    "currencyCode": "USD",
    "presentmentCurrencyCode": "EUR",
    "taxesIncluded": False,
    "email": "jo@example.com",
    "phone": None,
    "note": None,
    "tags": ["vip"],
    "sourceName": "web",
    "paymentGatewayNames": ["shopify_payments"],
    "discountCodes": ["TENOFF"],
    "customer": {
        "id": "gid://shopify/Customer/207119551",
        "firstName": "Jo",
        "lastName": None,
        "defaultEmailAddress": {"emailAddress": "jo@example.com", "marketingState": "SUBSCRIBED"},
    },
    "billingAddress": None,
    "shippingAddress": {
        "firstName": "Jo",
        "lastName": "Doe",
        "name": "Jo Doe",
        "company": None,
        "address1": "1 Main Street",
        "address2": None,
        "city": "Buffalo",
        "province": "New York",
        "provinceCode": "NY",
        "zip": "14201",
        "country": "United States",
        "countryCodeV2": "US",
        "phone": None,
    },
    "subtotalPriceSet": bag("40.0"),
    "totalTaxSet": bag("3.2"),
    "totalTipReceivedSet": bag("0.0"),
    "totalPriceSet": {**bag("48.2"), "presentmentMoney": {"amount": "43.38", "currencyCode": "EUR"}},
    "totalRefundedSet": bag("22.6"),
    "totalOutstandingSet": bag("0.0"),
    "originalTotalDutiesSet": None,
    "originalTotalAdditionalFeesSet": None,
    "currentSubtotalPriceSet": bag("20.0"),
    "currentShippingPriceSet": bag("5.0"),
    "currentTotalTaxSet": bag("1.6"),
    "currentTotalPriceSet": bag("26.6"),
    "totalCashRoundingAdjustment": {"paymentSet": bag("0.0"), "refundSet": bag("0.0")},
    "lineItems": nodes(
        {
            "id": "gid://shopify/LineItem/669751112",
            "title": "Mug",
            "variantTitle": "Red",
            "sku": "MUG-RED",
            "vendor": None,
            "quantity": 2,
            "currentQuantity": 1,
            "requiresShipping": True,
            "taxable": True,
            "isGiftCard": False,
            "variant": {"id": "gid://shopify/ProductVariant/457924702"},
            "product": None,
            "originalUnitPriceSet": bag("25.0"),
            "discountAllocations": [{"allocatedAmountSet": bag("4.0")}, {"allocatedAmountSet": bag("6.0")}],
            "taxLines": [VAT],
        }
    ),
    "shippingLines": nodes(
        {
            "title": "Standard",
            "code": "STD",
            "isRemoved": False,
            "originalPriceSet": bag("7.0"),
            "discountedPriceSet": bag("5.0"),
            "taxLines": [],
        }
    ),
    "transactions": [
        {
            "id": "gid://shopify/OrderTransaction/1",
            "kind": "AUTHORIZATION",
            "status": "SUCCESS",
            "gateway": "shopify_payments",
            "createdAt": "2026-11-23T09:15:41Z",
            "processedAt": "2026-11-23T09:15:41Z",
            "amountSet": bag("48.2"),
            "parentTransaction": None,
        },
        {
            "id": "gid://shopify/OrderTransaction/2",
            "kind": "CAPTURE",
            "status": "SUCCESS",
            "gateway": "shopify_payments",
            "createdAt": "2026-11-23T09:16:00Z",
            "processedAt": None,
            "amountSet": bag("48.2"),
            "parentTransaction": {"id": "gid://shopify/OrderTransaction/1"},
        },
        {
            "id": "gid://shopify/OrderTransaction/3",
            "kind": "REFUND",
            "status": "FAILURE",
            "gateway": "shopify_payments",
            "createdAt": "2026-11-23T09:19:00Z",
            "processedAt": "2026-11-23T09:19:00Z",
            "amountSet": bag("22.6"),
            "parentTransaction": {"id": "gid://shopify/OrderTransaction/2"},
        },
    ],
    "refunds": [
        {
            "id": "gid://shopify/Refund/929361463",
            "legacyResourceId": "929361463",
            "createdAt": None,
            "processedAt": "2026-11-23T09:19:30Z",
            "note": "broken",
            "totalRefundedSet": bag("22.6"),
            "refundLineItems": nodes(
                {
                    "quantity": 1,
                    "restockType": "CANCEL",
                    "restocked": True,
                    "lineItem": {"id": "gid://shopify/LineItem/669751112"},
                    "subtotalSet": bag("20.0"),
                    "totalTaxSet": bag("1.6"),
                }
            ),
            "refundShippingLines": nodes(),
            "orderAdjustments": nodes({"amountSet": bag("-1.0"), "taxAmountSet": bag("0.0")}),
            "transactions": nodes(
                {
                    "id": "gid://shopify/OrderTransaction/4",
                    "kind": "REFUND",
                    "status": "SUCCESS",
                    "gateway": "shopify_payments",
                    "createdAt": "2026-11-23T09:19:30Z",
                    "processedAt": "2026-11-23T09:19:31Z",
                    "amountSet": bag("22.6"),
                    "parentTransaction": {"id": "gid://shopify/OrderTransaction/2"},
                }
            ),
        }
    ],
    "fulfillmentOrders": nodes(
        {
            "id": "gid://shopify/FulfillmentOrder/501",
            "status": "ON_HOLD",
            "fulfillBy": "2026-11-25T00:00:00Z",
            "supportedActions": [{"action": "RELEASE_HOLD"}],
            "assignedLocation": {"name": "Main", "location": {"id": "gid://shopify/Location/7"}},
            "deliveryMethod": {"methodType": "SHIPPING", "presentedName": None, "serviceCode": "STD"},
            "fulfillmentHolds": [{"reason": "INCORRECT_ADDRESS"}],
            "lineItems": nodes(
                {
                    "id": "gid://shopify/FulfillmentOrderLineItem/9001",
                    "totalQuantity": 1,
                    "remainingQuantity": 1,
                    "sku": "MUG-RED",
                    "requiresShipping": True,
                    "lineItem": {"id": "gid://shopify/LineItem/669751112"},
                }
            ),
        }
    ),
    "fulfillments": [
        {
            "id": "gid://shopify/Fulfillment/255858046",
            "legacyResourceId": "255858046",
            "status": "CANCELLED",
            "createdAt": "2026-11-23T09:17:00Z",
            "trackingInfo": [
                {"company": "UPS", "number": "1Z", "url": None},
                {"company": "UPS", "number": "2Z", "url": None},
            ],
            "fulfillmentLineItems": nodes({"quantity": 1, "lineItem": {"id": "gid://shopify/LineItem/669751112"}}),
        }
    ],
}
