"""Shopify documents as the vendor's pages show them, kept apart from the client's own, so that the two can disagree."""

ORDER_FRAGMENTS = """
fragment Bag on MoneyBag {
  shopMoney {
    amount
    currencyCode
  }
  presentmentMoney {
    amount
    currencyCode
  }
}

fragment Tax on TaxLine {
  title
  rate
  channelLiable
  source
  priceSet {
    ...Bag
  }
}

fragment Allocation on DiscountAllocation {
  allocatedAmountSet {
    ...Bag
  }
  discountApplication {
    index
    targetType
    allocationMethod
  }
}

fragment Address on MailingAddress {
  firstName
  lastName
  name
  company
  address1
  address2
  city
  province
  provinceCode
  zip
  country
  countryCodeV2
  phone
}

fragment OrderCore on Order {
  id
  legacyResourceId
  name
  number
  createdAt
  updatedAt
  processedAt
  cancelledAt
  cancelReason
  closedAt
  test
  confirmed
  edited
  displayFinancialStatus
  displayFulfillmentStatus
  returnStatus
  requiresShipping
  currencyCode
  presentmentCurrencyCode
  taxesIncluded
  taxExempt
  email
  phone
  note
  tags
  poNumber
  sourceName
  sourceIdentifier
  paymentGatewayNames
  discountCodes
  customAttributes {
    key
    value
  }
  customer {
    id
    firstName
    lastName
    defaultEmailAddress {
      emailAddress
      marketingState
    }
  }
  billingAddress {
    ...Address
  }
  shippingAddress {
    ...Address
  }
  subtotalPriceSet {
    ...Bag
  }
  totalDiscountsSet {
    ...Bag
  }
  totalShippingPriceSet {
    ...Bag
  }
  totalTaxSet {
    ...Bag
  }
  totalTipReceivedSet {
    ...Bag
  }
  totalPriceSet {
    ...Bag
  }
  totalReceivedSet {
    ...Bag
  }
  totalRefundedSet {
    ...Bag
  }
  totalOutstandingSet {
    ...Bag
  }
  netPaymentSet {
    ...Bag
  }
  currentSubtotalPriceSet {
    ...Bag
  }
  currentTotalDiscountsSet {
    ...Bag
  }
  currentShippingPriceSet {
    ...Bag
  }
  currentTotalTaxSet {
    ...Bag
  }
  currentTotalDutiesSet {
    ...Bag
  }
  currentTotalAdditionalFeesSet {
    ...Bag
  }
  currentTotalPriceSet {
    ...Bag
  }
  totalCashRoundingAdjustment {
    paymentSet {
      ...Bag
    }
    refundSet {
      ...Bag
    }
  }
  taxLines {
    ...Tax
  }
}

fragment OrderLine on LineItem {
  id
  title
  variantTitle
  name
  sku
  vendor
  quantity
  currentQuantity
  refundableQuantity
  unfulfilledQuantity
  requiresShipping
  taxable
  isGiftCard
  variant {
    id
    sku
  }
  product {
    id
  }
  lineItemGroup {
    id
    title
    quantity
    variantSku
  }
  customAttributes {
    key
    value
  }
  originalUnitPriceSet {
    ...Bag
  }
  originalTotalSet {
    ...Bag
  }
  discountedTotalSet {
    ...Bag
  }
  discountAllocations {
    ...Allocation
  }
  taxLines {
    ...Tax
  }
  duties {
    id
    price {
      ...Bag
    }
  }
}

fragment OrderShipping on ShippingLine {
  id
  title
  code
  source
  carrierIdentifier
  custom
  isRemoved
  originalPriceSet {
    ...Bag
  }
  discountedPriceSet {
    ...Bag
  }
  currentDiscountedPriceSet {
    ...Bag
  }
  discountAllocations {
    ...Allocation
  }
  taxLines {
    ...Tax
  }
}
"""

ORDERS_PAGE = (
    """
query OrdersPage($first: Int!, $after: String, $query: String!) {
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo {
      hasNextPage
      endCursor
    }
    nodes {
      ...OrderCore
      lineItems(first: 20) {
        pageInfo {
          hasNextPage
          endCursor
        }
        nodes {
          ...OrderLine
        }
      }
      shippingLines(first: 5) {
        nodes {
          ...OrderShipping
        }
      }
    }
  }
}
"""
    + ORDER_FRAGMENTS
)

ORDER_FINANCIALS = """
query OrderFinancials($id: ID!) {
  order(id: $id) {
    id
    name
    updatedAt
    currencyCode
    displayFinancialStatus
    transactions(first: 100) {
      id
      kind
      status
      gateway
      formattedGateway
      manualPaymentGateway
      test
      createdAt
      processedAt
      paymentId
      errorCode
      amountSet {
        shopMoney {
          amount
          currencyCode
        }
        presentmentMoney {
          amount
          currencyCode
        }
      }
      settlementCurrency
      settlementCurrencyRate
      parentTransaction {
        id
        kind
      }
      fees {
        id
        type
        amount {
          amount
          currencyCode
        }
        flatFee {
          amount
        }
        rate
        rateName
        taxAmount {
          amount
          currencyCode
        }
      }
    }
    refunds(first: 100) {
      id
      legacyResourceId
      createdAt
      processedAt
      updatedAt
      note
      totalRefundedSet {
        shopMoney {
          amount
          currencyCode
        }
      }
      refundLineItems(first: 50) {
        pageInfo {
          hasNextPage
          endCursor
        }
        nodes {
          id
          quantity
          restockType
          restocked
          location {
            id
          }
          lineItem {
            id
            sku
          }
          priceSet {
            shopMoney {
              amount
              currencyCode
            }
          }
          subtotalSet {
            shopMoney {
              amount
              currencyCode
            }
          }
          totalTaxSet {
            shopMoney {
              amount
              currencyCode
            }
          }
        }
      }
      refundShippingLines(first: 10) {
        nodes {
          subtotalAmountSet {
            shopMoney {
              amount
              currencyCode
            }
          }
          taxAmountSet {
            shopMoney {
              amount
              currencyCode
            }
          }
        }
      }
      orderAdjustments(first: 10) {
        nodes {
          reason
          amountSet {
            shopMoney {
              amount
              currencyCode
            }
          }
          taxAmountSet {
            shopMoney {
              amount
              currencyCode
            }
          }
        }
      }
      transactions(first: 20) {
        nodes {
          id
          kind
          status
          gateway
          processedAt
          amountSet {
            shopMoney {
              amount
              currencyCode
            }
          }
        }
      }
    }
  }
}
"""

ORDER_AGREEMENTS = """
query OrderAgreements($id: ID!) {
  order(id: $id) {
    id
    agreements(first: 25) {
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        __typename
        id
        happenedAt
        reason
        sales(first: 50) {
          pageInfo {
            hasNextPage
            endCursor
          }
          nodes {
            __typename
            id
            actionType
            lineType
            quantity
            totalAmount {
              shopMoney {
                amount
                currencyCode
              }
            }
            totalTaxAmount {
              shopMoney {
                amount
                currencyCode
              }
            }
            totalDiscountAmountBeforeTaxes {
              shopMoney {
                amount
                currencyCode
              }
            }
            totalDiscountAmountAfterTaxes {
              shopMoney {
                amount
                currencyCode
              }
            }
            taxes {
              amount {
                shopMoney {
                  amount
                  currencyCode
                }
              }
              taxLine {
                title
                rate
              }
            }
            ... on ProductSale {
              lineItem {
                id
                sku
              }
            }
          }
        }
      }
    }
  }
}
"""

ORDER_FULFILLMENT_ORDERS = """
query OrderFulfillmentOrders($id: ID!) {
  order(id: $id) {
    id
    name
    cancelledAt
    displayFulfillmentStatus
    fulfillmentOrders(first: 20) {
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        status
        requestStatus
        createdAt
        updatedAt
        fulfillAt
        fulfillBy
        supportedActions {
          action
        }
        assignedLocation {
          name
          countryCode
          location {
            id
          }
        }
        deliveryMethod {
          methodType
          presentedName
          serviceCode
          maxDeliveryDateTime
        }
        destination {
          firstName
          lastName
          company
          address1
          address2
          city
          province
          zip
          countryCode
          email
          phone
        }
        fulfillmentHolds {
          id
          reason
          reasonNotes
          displayReason
          handle
          heldByRequestingApp
        }
        lineItems(first: 50) {
          pageInfo {
            hasNextPage
            endCursor
          }
          nodes {
            id
            totalQuantity
            remainingQuantity
            sku
            requiresShipping
            lineItem {
              id
            }
          }
        }
      }
    }
    fulfillments(first: 50) {
      id
      legacyResourceId
      status
      displayStatus
      createdAt
      updatedAt
      trackingInfo {
        company
        number
        url
      }
      fulfillmentLineItems(first: 50) {
        nodes {
          id
          quantity
          lineItem {
            id
            sku
          }
        }
      }
    }
  }
}
"""

ORDERS_BY_IDS = """
query OrdersByIds($ids: [ID!]!) {
  nodes(ids: $ids) {
    __typename
    ... on Order {
      id
      name
      updatedAt
      displayFinancialStatus
      displayFulfillmentStatus
      cancelledAt
    }
  }
}
"""

SHOP_AND_SCOPES = """
query ShopAndScopes {
  shop {
    id
    name
    myshopifyDomain
    currencyCode
    ianaTimezone
    taxesIncluded
    plan {
      publicDisplayName
      shopifyPlus
      partnerDevelopment
    }
  }
  currentAppInstallation {
    accessScopes {
      handle
    }
  }
  publicApiVersions {
    handle
    supported
  }
}
"""

VARIANTS_BY_SKU = """
query VariantsBySku($query: String!, $after: String) {
  productVariants(first: 100, after: $after, query: $query) {
    pageInfo {
      hasNextPage
      endCursor
    }
    nodes {
      id
      sku
      barcode
      displayName
      inventoryPolicy
      inventoryQuantity
      requiresComponents
      product {
        id
        status
      }
      inventoryItem {
        id
        tracked
        requiresShipping
        duplicateSkuCount
      }
    }
  }
}
"""

INVENTORY_ITEMS_BY_SKU = """
query InventoryItemsBySku($query: String!, $locationId: ID!) {
  inventoryItems(first: 50, query: $query) {
    pageInfo {
      hasNextPage
      endCursor
    }
    nodes {
      id
      sku
      tracked
      updatedAt
      inventoryLevel(locationId: $locationId, includeInactive: true) {
        id
        isActive
        updatedAt
        quantities(
          names: ["available", "on_hand", "committed"]
        ) {
          name
          quantity
          updatedAt
        }
      }
    }
  }
}
"""

LEVELS_AT_LOCATION = """
query LevelsAtLocation($locationId: ID!, $after: String, $query: String!) {
  location(id: $locationId) {
    id
    inventoryLevels(first: 250, after: $after, query: $query) {
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        updatedAt
        isActive
        item {
          id
          sku
          tracked
        }
        quantities(names: ["available", "on_hand", "committed"]) {
          name
          quantity
        }
      }
    }
  }
}
"""

INVENTORY_SET = """
mutation InventorySet($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup {
      id
      createdAt
      reason
      referenceDocumentUri
      changes {
        name
        delta
        quantityAfterChange
        item {
          id
          sku
        }
        location {
          id
        }
      }
    }
    userErrors {
      field
      message
      code
    }
  }
}
"""

FULFILLMENT_CREATE = """
mutation FulfillmentCreate($fulfillment: FulfillmentInput!, $message: String) {
  fulfillmentCreate(fulfillment: $fulfillment, message: $message) {
    fulfillment {
      id
      legacyResourceId
      status
      displayStatus
      createdAt
      trackingInfo {
        company
        number
        url
      }
      fulfillmentLineItems(first: 50) {
        nodes {
          id
          quantity
          lineItem {
            id
          }
        }
      }
    }
    userErrors {
      field
      message
    }
  }
}
"""

TRACKING_UPDATE = """
mutation TrackingUpdate($id: ID!, $tracking: FulfillmentTrackingInput!, $notify: Boolean) {
  fulfillmentTrackingInfoUpdate(
    fulfillmentId: $id
    trackingInfoInput: $tracking
    notifyCustomer: $notify
  ) {
    fulfillment {
      id
      status
      trackingInfo {
        company
        number
        url
      }
    }
    userErrors {
      field
      message
    }
  }
}
"""

FULFILLMENT_CANCEL = """
mutation FulfillmentCancel($id: ID!) {
  fulfillmentCancel(id: $id) {
    fulfillment {
      id
      status
      displayStatus
    }
    userErrors {
      field
      message
    }
  }
}
"""

WEBHOOK_CREATE = """
mutation WebhookCreate($topic: WebhookSubscriptionTopic!, $sub: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $sub) {
    webhookSubscription {
      id
      topic
      uri
      format
      filter
      includeFields
      apiVersion {
        handle
      }
    }
    userErrors {
      field
      message
    }
  }
}
"""

CUSTOMERS_CONSENT = """
query CustomersConsent($first: Int!, $after: String, $query: String!) {
  customers(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo {
      hasNextPage
      endCursor
    }
    nodes {
      id
      firstName
      lastName
      locale
      tags
      updatedAt
      numberOfOrders
      amountSpent {
        amount
        currencyCode
      }
      defaultEmailAddress {
        emailAddress
        marketingState
        marketingOptInLevel
        marketingUpdatedAt
      }
      defaultPhoneNumber {
        phoneNumber
        smsMarketingConsent {
          state
          optInLevel
          updatedAt
        }
      }
      defaultAddress {
        city
        provinceCode
        zip
        countryCodeV2
      }
    }
  }
}
"""

LOCATIONS = """
query Locations {
  locations(first: 100, includeInactive: false, includeLegacy: true) {
    pageInfo {
      hasNextPage
      endCursor
    }
    nodes {
      id
      legacyResourceId
      name
      isActive
      fulfillsOnlineOrders
      shipsInventory
      fulfillmentService {
        handle
        serviceName
      }
      address {
        address1
        city
        provinceCode
        zip
        countryCode
      }
    }
  }
}
"""
