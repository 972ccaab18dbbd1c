"""A Shopify store: an OrderSource, a StockDestination and a Destination of parcels."""

from __future__ import annotations

from integrations.connector import Services
from integrations.shopify.bulk import BulkOperations
from integrations.shopify.checks import Checks
from integrations.shopify.fulfilment import Fulfilments
from integrations.shopify.graphql import GraphQL
from integrations.shopify.orders import Orders
from integrations.shopify.settings import ShopifySettings
from integrations.shopify.stock import Stock
from integrations.shopify.webhooks import Subscriptions


class Shopify(Orders, Stock, Fulfilments, Subscriptions, Checks):
    """One store. Each of its parts is described where it lives."""

    def __init__(self, settings: ShopifySettings, services: Services) -> None:
        self.settings = settings
        self.graphql = GraphQL(settings, services)
        self.bulk = BulkOperations(self.graphql, settings, services)
        self._items = {}
        self._sleep = services.sleep

    def close(self) -> None:
        """Give the connections back."""
        self.graphql.close()
        self.bulk.close()
