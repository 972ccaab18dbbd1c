"""What happens to an app in a shop: it is uninstalled, its secret changes, deliveries fail, people are forgotten."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import httpx

from integrations.shopify.simulator import webhooks
from integrations.shopify.simulator.retries import Retries
from integrations.shopify.simulator.world import World

SHOP_ID = 700001


class Access(World):
    """The actions."""

    compliance_uri: str
    retries: Retries

    def do_uninstall(self) -> int:
        """The merchant removes the app: its tokens are dead before `app/uninstalled` arrives."""
        self.tokens.revoke_all()
        body = {"id": SHOP_ID, "name": self.shop["name"], "domain": self.domain, "myshopify_domain": self.domain}
        before = len(self.outbox)
        self.tell("app/uninstalled", lambda: body, str(uuid.uuid4()))
        self.store.subscriptions.clear()
        return len(self.outbox) - before

    def do_install(self) -> None:
        """The merchant installs it again; tokens must be asked for anew."""
        self.tokens.installed = True

    def do_change_secret(self, secret: str) -> None:
        """The app's client secret is replaced in the dashboard; deliveries are signed with the new one from now on."""
        self.tokens.client_secret = secret

    def do_privacy(self, topic: str, customer: int = 191167, orders: Sequence[int] = ()) -> None:
        """Shopify delivers a compliance topic to the address of the app's configuration.

        https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance
        """
        body: dict[str, Any] = {"shop_id": SHOP_ID, "shop_domain": self.domain}
        if topic != "shop/redact":
            body["customer"] = {"id": customer, "email": "jo@example.com", "phone": "+15555550100"}
        if topic == "customers/data_request":
            body |= {"orders_requested": list(orders), "data_request": {"id": 9999}}
        if topic == "customers/redact":
            body["orders_to_redact"] = list(orders)
        configured = webhooks.subscription(0, topic, {"uri": self.compliance_uri}, self.moment())
        request = webhooks.delivery(self, configured, topic, body, str(uuid.uuid4()))
        self.outbox.append(request)
        self.delivered.append(request)

    def do_redact(self, order: str) -> None:
        """Shopify itself takes the person out of an order; nothing is announced, `updatedAt` does not change."""
        one = self.store.order(order)
        gone = ("email", "phone", "note", "shipping_address", "billing_address")
        one.spec.update(dict.fromkeys(gone))
        one.customer = None

    def webhook_answered(self, request: httpx.Request, status: int | None) -> None:
        """What the receiver said to a delivery; None when it took longer than five seconds.

        Anything but 2xx is a failure: the same delivery comes again, eight times within four hours. When the last one
        fails as well, a subscription that was made through the API is deleted.
        """
        given_up = self.retries.answered(request, status)
        if given_up is not None:
            self.store.subscriptions.pop(given_up, None)

    def do_retry_webhooks(self) -> int:
        """Put the retries that are due into the outbox; how many."""
        due = self.retries.due()
        self.outbox.extend(due)
        return len(due)
