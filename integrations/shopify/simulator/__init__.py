"""Shopify's Admin API in memory: faithful enough to be disagreed with.

https://shopify.dev/docs/api/admin-graphql/2026-10. Imports nothing of the Shopify client.
"""

from __future__ import annotations

import time
from typing import Any

from integrations.shopify.simulator.http import ShopifySimulator
from integrations.simulator import Clock

__all__ = ["ShopifySimulator", "build"]


def build(*, base_url: str, clock: Clock = time.time, limits: bool = True, **options: Any) -> ShopifySimulator:
    """A shop with one location, no products and no orders.

    Options: `client_id`, `client_secret` (also signs webhooks), `access_tokens` (static ones), `scopes`, `domain`,
    `index_lag` and `routing_delay` (seconds), `loopback_webhooks`; `plan` ("Basic", "Advanced", "Plus", "Enterprise"),
    `float_costs`, `header_prefix` of webhooks, `dead_refresh`, `redirects` (those the app lists), `compliance_uri`;
    `bulk_seconds` (that a bulk operation takes), `bulk_results` (where they are fetched; `base_url` when left out);
    `switches` (open questions, see `switches.Switches`).
    """
    return ShopifySimulator(base_url=base_url, clock=clock, limits=limits, **options)
