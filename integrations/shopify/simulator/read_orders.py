"""How orders, lines, payments and refunds read. https://shopify.dev/docs/api/admin-graphql/latest/objects/Order"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from integrations.shopify.simulator.clock import maybe_stamp, stamp
from integrations.shopify.simulator.model import (
    Allocation,
    Application,
    Line,
    Order,
    Shipping,
    Tax,
    gid,
)
from integrations.shopify.simulator.money import NOTHING, Bag, hundredths, money_record, total
from integrations.shopify.simulator.plan import GETTERS
from integrations.shopify.simulator.totals import (
    Totals,
    financial_status,
    fulfillment_status,
    net_without_tax,
    taxes_of,
    totals,
)

NO_RISK = {"recommendation": "NONE", "assessments": []}
SHIPPING_FIELDS = (
    "firstName",
    "lastName",
    "company",
    "address1",
    "address2",
    "city",
    "province",
    "zip",
    "country",
    "phone",
)
SNAKE = {"firstName": "first_name", "lastName": "last_name"}


def sum_of(read: Callable[[Totals], Bag]) -> Callable[[Order], dict[str, Any]]:
    """A `MoneyBag` field that is one of the order's sums."""
    return lambda order: order.exchange.record(read(totals(order)))


def if_any(read: Callable[[Order], Bag]) -> Callable[[Order], dict[str, Any] | None]:
    """A `MoneyBag` field that is null when there is nothing of the kind."""
    return lambda order: order.exchange.record(read(order)) if read(order) != NOTHING else None


def of_spec(name: str, default: Any = None) -> Callable[[Order], Any]:
    """A field that is kept as it was given."""
    return lambda order: order.spec.get(name, default)


def zero(order: Order) -> dict[str, Any]:
    """No money."""
    return order.exchange.record(NOTHING)


def nothing(_: Any) -> None:
    """Null."""


def no(_: Any) -> bool:
    """False."""
    return False


def empty(_: Any) -> list[Any]:
    """An empty list."""
    return []


def mailing_address(given: dict[str, Any] | None, number: int) -> dict[str, Any] | None:
    """A `MailingAddress`. https://shopify.dev/docs/api/admin-graphql/latest/objects/MailingAddress"""
    if given is None:
        return None
    read = {name: given.get(SNAKE.get(name, name)) for name in SHIPPING_FIELDS}
    names = [part for part in (read["firstName"], read["lastName"]) if part]
    return {
        "__typename": "MailingAddress",
        "id": f"{gid('MailingAddress', number)}?model_name=Address",
        **read,
        "name": " ".join(names) or None,
        "provinceCode": given.get("province_code"),
        "countryCodeV2": given.get("country_code"),
    }


def gateways(order: Order) -> list[str]:
    """Every gateway that took part, or the one that is to pay."""
    used = list(dict.fromkeys(one.gateway for one in order.transactions))
    return used or [order.spec.get("gateway", "shopify_payments")]


def still_refundable(line: Line) -> int:
    """Units that can still be given back."""
    return line.current


def cart_discount(order: Order) -> dict[str, Any]:
    """The part of the discounts that was given on the whole order."""
    across = {one.number for one in order.applications if one.method == "ACROSS"}
    parts = (part.amount for line in order.lines for part in line.allocations if part.application in across)
    return order.exchange.record(total(parts))


ORDER: dict[str, Callable[[Order], Any]] = {
    "id": lambda one: gid("Order", one.id),
    "legacyResourceId": lambda one: str(one.id),
    "name": attrgetter("name"),
    "number": attrgetter("number"),
    "createdAt": lambda one: stamp(one.created),
    "updatedAt": lambda one: stamp(one.updated),
    "processedAt": lambda one: stamp(one.created),
    "cancelledAt": lambda one: maybe_stamp(one.cancelled),
    "cancelReason": attrgetter("cancel_reason"),
    "closedAt": lambda one: maybe_stamp(one.cancelled),
    "closed": lambda one: one.cancelled is not None,
    "test": of_spec("test", False),
    "confirmed": lambda _: True,
    "edited": attrgetter("edited"),
    "clientIp": nothing,
    "confirmationNumber": lambda one: f"C{one.id % 10**9:09d}",
    "customerLocale": lambda _: "en",
    "displayFinancialStatus": financial_status,
    "displayFulfillmentStatus": fulfillment_status,
    "returnStatus": lambda _: "NO_RETURN",
    "requiresShipping": lambda one: any(line.requires_shipping for line in one.lines),
    "currencyCode": attrgetter("exchange.shop"),
    "presentmentCurrencyCode": attrgetter("exchange.presentment"),
    "taxesIncluded": attrgetter("taxes_included"),
    "taxExempt": of_spec("tax_exempt", False),
    "estimatedTaxes": no,
    "dutiesIncluded": no,
    "email": of_spec("email"),
    "phone": of_spec("phone"),
    "note": of_spec("note"),
    "poNumber": of_spec("po_number"),
    "sourceName": of_spec("source_name", "web"),
    "sourceIdentifier": of_spec("source_identifier"),
    "statusPageUrl": lambda one: f"https://demo.myshopify.com/orders/{one.id}/authenticate",
    "tags": attrgetter("tags"),
    "paymentGatewayNames": gateways,
    "discountCode": lambda one: next((app.code for app in one.applications if app.code), None),
    "discountCodes": lambda one: [app.code for app in one.applications if app.code],
    "discountApplications": attrgetter("applications"),
    "customAttributes": empty,
    "billingAddress": lambda one: mailing_address(one.spec.get("billing_address"), one.id * 2 + 1),
    "shippingAddress": lambda one: mailing_address(one.spec.get("shipping_address"), one.id * 2),
    "displayAddress": lambda one: mailing_address(one.spec.get("shipping_address"), one.id * 2),
    "subtotalPriceSet": sum_of(attrgetter("subtotal")),
    "totalDiscountsSet": sum_of(attrgetter("discounts")),
    "cartDiscountAmountSet": cart_discount,
    "totalShippingPriceSet": sum_of(attrgetter("shipping_price")),
    "totalTaxSet": sum_of(attrgetter("tax")),
    "totalTipReceivedSet": lambda one: one.exchange.record(one.tip),
    "totalPriceSet": sum_of(attrgetter("total")),
    "originalTotalPriceSet": lambda one: one.exchange.record(one.original_total),
    "totalReceivedSet": sum_of(attrgetter("received")),
    "totalRefundedSet": sum_of(attrgetter("refunded")),
    "totalRefundedShippingSet": sum_of(attrgetter("refunded_shipping")),
    "refundDiscrepancySet": sum_of(attrgetter("adjustments")),
    "totalOutstandingSet": sum_of(attrgetter("outstanding")),
    "totalCapturableSet": sum_of(attrgetter("capturable")),
    "netPaymentSet": sum_of(attrgetter("net_payment")),
    "currentSubtotalPriceSet": sum_of(attrgetter("current_subtotal")),
    "currentTotalDiscountsSet": sum_of(attrgetter("current_discounts")),
    "currentCartDiscountAmountSet": cart_discount,
    "currentShippingPriceSet": sum_of(attrgetter("current_shipping")),
    "currentTotalTaxSet": sum_of(attrgetter("current_tax")),
    "currentTotalPriceSet": sum_of(attrgetter("current_total")),
    "currentTotalDutiesSet": if_any(attrgetter("duties")),
    "currentTotalAdditionalFeesSet": if_any(attrgetter("fees")),
    "originalTotalDutiesSet": if_any(attrgetter("duties")),
    "originalTotalAdditionalFeesSet": if_any(attrgetter("fees")),
    "totalCashRoundingAdjustment": lambda one: {
        "paymentSet": one.exchange.record(one.cash_rounding),
        "refundSet": zero(one),
    },
    "taxLines": lambda one: [(one, tax) for tax in taxes_of(one)],
    "currentTaxLines": lambda one: [(one, tax) for tax in taxes_of(one, current=True)],
    "totalWeight": lambda _: "0",
    "currentTotalWeight": lambda _: "0",
    "subtotalLineItemsQuantity": lambda one: sum(line.quantity for line in one.lines),
    "currentSubtotalLineItemsQuantity": lambda one: sum(line.current for line in one.lines),
    "capturable": lambda one: totals(one).capturable.shop > 0,
    "fullyPaid": lambda one: totals(one).outstanding.shop <= 0,
    "unpaid": lambda one: totals(one).outstanding.shop > 0,
    "refundable": lambda one: totals(one).net_payment.shop > 0,
    "restockable": lambda one: any(line.current for line in one.lines),
    "fulfillable": lambda one: any(line.unfulfilled for line in one.lines),
    "lineItems": attrgetter("lines"),
    "shippingLines": attrgetter("shipping"),
    "refunds": attrgetter("refunds"),
    "transactions": attrgetter("transactions"),
    "transactionsCount": lambda one: {"count": len(one.transactions), "precision": "EXACT"},
    "fulfillments": attrgetter("fulfillments"),
    "fulfillmentsCount": lambda one: {"count": len(one.fulfillments), "precision": "EXACT"},
    "risk": lambda _: NO_RISK,
}

LINE: dict[str, Callable[[Line], Any]] = {
    "id": lambda one: gid("LineItem", one.id),
    "title": attrgetter("title"),
    "variantTitle": nothing,
    "name": attrgetter("title"),
    "sku": attrgetter("sku"),
    "vendor": lambda _: "Demo",
    "quantity": attrgetter("quantity"),
    "currentQuantity": attrgetter("current"),
    "refundableQuantity": still_refundable,
    "unfulfilledQuantity": attrgetter("unfulfilled"),
    "nonFulfillableQuantity": lambda one: one.quantity - one.unfulfilled - one.fulfilled,
    "requiresShipping": attrgetter("requires_shipping"),
    "taxable": attrgetter("taxable"),
    "isGiftCard": attrgetter("gift_card"),
    "merchantEditable": lambda one: one.unfulfilled > 0,
    "restockable": lambda one: one.current > 0,
    "variant": attrgetter("variant"),
    "product": attrgetter("variant"),
    "lineItemGroup": nothing,
    "customAttributes": empty,
    "duties": empty,
    "originalUnitPriceSet": lambda one: one.order.exchange.record(one.unit),
    "originalTotalSet": lambda one: one.order.exchange.record(one.gross),
    "totalDiscountSet": lambda one: one.order.exchange.record(line_discount(one)),
    "discountedTotalSet": lambda one: one.order.exchange.record(one.gross.minus(line_discount(one))),
    "discountedUnitPriceSet": lambda one: one.order.exchange.record(
        one.share(one.gross.minus(line_discount(one)), 0, 1)
    ),
    "discountedUnitPriceAfterAllDiscountsSet": lambda one: one.order.exchange.record(one.share(one.net, 0, 1)),
    "priceAfterAllDiscountsBeforeTaxesSet": lambda one: one.order.exchange.record(net_without_tax(one)),
    "unfulfilledOriginalTotalSet": lambda one: one.order.exchange.record(one.unit.times(one.unfulfilled)),
    "discountAllocations": lambda one: [(one.order, part) for part in one.allocations],
    "taxLines": lambda one: [(one.order, tax) for tax in one.taxes],
}


def line_discount(line: Line) -> Bag:
    """Only the discounts of the line itself: no code, nothing given on the whole order."""
    own = {one.number for one in line.order.applications if one.method == "EACH" and not one.code}
    return total(part.amount for part in line.allocations if part.application in own)


SHIPPING: dict[str, Callable[[Shipping], Any]] = {
    "id": lambda one: gid("ShippingLine", one.id),
    "title": attrgetter("title"),
    "code": attrgetter("code"),
    "source": lambda _: "shopify",
    "carrierIdentifier": nothing,
    "deliveryCategory": nothing,
    "shippingRateHandle": nothing,
    "phone": nothing,
    "custom": no,
    "isRemoved": no,
    "originalPriceSet": lambda one: one.order.exchange.record(one.price),
    "discountedPriceSet": lambda one: one.order.exchange.record(one.discounted),
    "currentDiscountedPriceSet": lambda one: one.order.exchange.record(one.discounted.minus(one.refunded)),
    "discountAllocations": lambda one: [(one.order, part) for part in one.allocations],
    "taxLines": lambda one: [(one.order, tax) for tax in one.taxes],
}

TAX: dict[str, Callable[[tuple[Order, Tax]], Any]] = {
    "title": lambda one: one[1].title,
    "rate": lambda one: float(one[1].rate),
    "ratePercentage": lambda one: float(hundredths(one[1].rate)),
    "channelLiable": no,
    "source": lambda _: "Shopify",
    "priceSet": lambda one: one[0].exchange.record(one[1].amount),
}

ALLOCATION: dict[str, Callable[[tuple[Order, Allocation]], Any]] = {
    "allocatedAmountSet": lambda one: one[0].exchange.record(one[1].amount),
    "discountApplication": lambda one: discount_application(one[0], one[0].applications[one[1].application]),
}


def discount_application(order: Order, one: Application) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/interfaces/DiscountApplication"""
    return {
        "__typename": one.type_name,
        "index": one.number,
        "targetType": one.target,
        "targetSelection": "ALL" if one.method == "ACROSS" else "EXPLICIT",
        "allocationMethod": one.method,
        "value": {"__typename": "MoneyV2", **money_record(one.value.shop, order.exchange.shop)},
    }


ORDER["discountApplications"] = lambda order: [discount_application(order, one) for one in order.applications]

GETTERS.update(
    {
        "Order": ORDER,
        "LineItem": LINE,
        "ShippingLine": SHIPPING,
        "TaxLine": TAX,
        "DiscountAllocation": ALLOCATION,
    }
)
