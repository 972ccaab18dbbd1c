"""ShipStation (API V2, or V1 with `api = "v1"`): orders go there, labels and fulfillments come back as parcels."""

from __future__ import annotations

from collections.abc import Mapping

from integrations.connector import Connector, Services, WebhookDelivery
from integrations.shipstation import webhooks
from integrations.shipstation.connection import ShipStation
from integrations.shipstation.settings import ShipStationSettings
from integrations.shipstation.v1 import webhooks as v1_webhooks
from integrations.shipstation.v1.connection import ShipStationV1


def connect(settings: ShipStationSettings, services: Services) -> ShipStation | ShipStationV1:
    """The account over the API that the merchant chose."""
    return ShipStationV1(settings, services) if settings.api == "v1" else ShipStation(settings, services)


def receive(
    settings: ShipStationSettings, services: Services, headers: Mapping[str, str], body: bytes
) -> WebhookDelivery:
    """Verify a webhook as its version of the API allows, then read it. Raises Forged."""
    taken = v1_webhooks.receive if settings.api == "v1" else webhooks.receive
    return taken(settings, services, headers, body)


CONNECTOR = Connector(
    vendor="shipstation",
    title="ShipStation",
    settings=ShipStationSettings,
    connect=connect,
    receive=receive,
)
