"""The parts that our GraphQL documents are made of.

https://shopify.dev/docs/api/admin-graphql/2026-10/objects/Order
"""

from __future__ import annotations

SHOP_MONEY = "fragment Bag on MoneyBag { shopMoney { amount currencyCode } }"

TAX = "fragment Tax on TaxLine { title rate channelLiable priceSet { ...Bag } }"

ADDRESS = """
fragment Address on MailingAddress {
  firstName lastName name company address1 address2 city province provinceCode zip country countryCodeV2 phone
}
"""

ORDER_LINE = """
fragment OrderLine on LineItem {
  id
  title
  variantTitle
  sku
  vendor
  quantity
  currentQuantity
  requiresShipping
  taxable
  isGiftCard
  variant { id }
  product { id }
  originalUnitPriceSet { ...Bag }
  discountAllocations { allocatedAmountSet { ...Bag } }
  taxLines { ...Tax }
}
"""

ORDER_SHIPPING = """
fragment OrderShipping on ShippingLine {
  title
  code
  isRemoved
  originalPriceSet { ...Bag }
  discountedPriceSet { ...Bag }
  taxLines { ...Tax }
}
"""

MONEY_MOVED = """
fragment MoneyMoved on OrderTransaction {
  id
  kind
  status
  gateway
  createdAt
  processedAt
  amountSet { ...Bag }
  parentTransaction { id }
}
"""

REFUND_LINE = """
fragment RefundLine on RefundLineItem {
  quantity
  restockType
  restocked
  lineItem { id }
  subtotalSet { ...Bag }
  totalTaxSet { ...Bag }
}
"""

REFUND_SHIPPING = """
fragment RefundShipping on RefundShippingLine { subtotalAmountSet { ...Bag } taxAmountSet { ...Bag } }
"""

ADJUSTMENT = "fragment Adjustment on OrderAdjustment { amountSet { ...Bag } taxAmountSet { ...Bag } }"

TO_SHIP_LINE = """
fragment ToShipLine on FulfillmentOrderLineItem {
  id totalQuantity remainingQuantity sku requiresShipping lineItem { id }
}
"""

TO_SHIP = """
fragment ToShip on FulfillmentOrder {
  id
  status
  requestStatus
  fulfillAt
  fulfillBy
  supportedActions { action }
  assignedLocation { name location { id } }
  deliveryMethod { methodType presentedName serviceCode }
  fulfillmentHolds { reason reasonNotes }
  lineItems(first: 50) { pageInfo { hasNextPage endCursor } nodes { ...ToShipLine } }
}
"""

SHIPPED_LINE = "fragment ShippedLine on FulfillmentLineItem { quantity lineItem { id } }"

SHIPPED = """
fragment Shipped on Fulfillment {
  id
  legacyResourceId
  status
  createdAt
  trackingInfo { company number url }
  fulfillmentLineItems(first: 50) { pageInfo { hasNextPage endCursor } nodes { ...ShippedLine } }
}
"""

SALE_ROW = """
fragment SaleRow on Sale {
  __typename
  id
  actionType
  lineType
  quantity
  totalAmount { ...Bag }
  totalTaxAmount { ...Bag }
  taxes { amount { ...Bag } taxLine { title rate channelLiable } }
  ... on ProductSale { lineItem { id } }
}
"""

AGREEMENT = """
fragment AgreementRow on SalesAgreement {
  id
  happenedAt
  reason
  sales(first: 50) { pageInfo { hasNextPage endCursor } nodes { ...SaleRow } }
}
"""

ORDER_HEAD = """
  id
  legacyResourceId
  name
  createdAt
  updatedAt
  processedAt
  cancelledAt
  cancelReason
  test
  edited
  displayFinancialStatus
  displayFulfillmentStatus
  currencyCode
  presentmentCurrencyCode
  taxesIncluded
  email
  phone
  note
  tags
  sourceName
  paymentGatewayNames
  discountCodes
  customer { id firstName lastName defaultEmailAddress { emailAddress marketingState } }
  billingAddress { ...Address }
  shippingAddress { ...Address }
  subtotalPriceSet { ...Bag }
  totalTaxSet { ...Bag }
  totalTipReceivedSet { ...Bag }
  totalPriceSet { shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }
  totalRefundedSet { ...Bag }
  totalOutstandingSet { ...Bag }
  originalTotalDutiesSet { ...Bag }
  originalTotalAdditionalFeesSet { ...Bag }
  currentSubtotalPriceSet { ...Bag }
  currentShippingPriceSet { ...Bag }
  currentTotalTaxSet { ...Bag }
  currentTotalPriceSet { ...Bag }
  totalCashRoundingAdjustment { paymentSet { ...Bag } refundSet { ...Bag } }
  transactions(first: 250) { ...MoneyMoved }
"""
"""What an order says of itself, without anything that comes in pages."""

ORDER_REST = """
  shippingLines(first: 10, includeRemovals: true) { pageInfo { hasNextPage endCursor } nodes { ...OrderShipping } }
  refunds(first: 250) {
    id
    legacyResourceId
    createdAt
    processedAt
    note
    totalRefundedSet { ...Bag }
    refundLineItems(first: 50) { pageInfo { hasNextPage endCursor } nodes { ...RefundLine } }
    refundShippingLines(first: 10) { pageInfo { hasNextPage endCursor } nodes { ...RefundShipping } }
    orderAdjustments(first: 10) { pageInfo { hasNextPage endCursor } nodes { ...Adjustment } }
    transactions(first: 20) { pageInfo { hasNextPage endCursor } nodes { ...MoneyMoved } }
  }
  fulfillmentOrders(first: 10) { pageInfo { hasNextPage endCursor } nodes { ...ToShip } }
  fulfillments(first: 250) { ...Shipped }
"""
"""What a bulk operation cannot say of an order: no pages within plain lists, none too deep, nothing without an id."""

ORDER_FULL = f"""
fragment OrderFull on Order {{
  {ORDER_HEAD}
  lineItems(first: 50) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ ...OrderLine }} }}
  {ORDER_REST}
}}
"""
