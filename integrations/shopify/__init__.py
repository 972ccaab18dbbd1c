"""Shopify, the storefront: where orders are read, stock is set and tracking is brought back."""

from integrations.connector import Connector
from integrations.shopify.client import Shopify
from integrations.shopify.granting import AUTHORISATION
from integrations.shopify.settings import ShopifySettings
from integrations.shopify.webhooks import receive

CONNECTOR = Connector(
    vendor="shopify",
    title="Shopify",
    settings=ShopifySettings,
    connect=Shopify,
    receive=receive,
    authorisation=AUTHORISATION,
)
