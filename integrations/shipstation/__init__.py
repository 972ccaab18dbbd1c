"""ShipStation (API V2): orders become shipments there, labels and fulfillments come back as parcels."""

from __future__ import annotations

from integrations.connector import Connector
from integrations.shipstation.connection import ShipStation
from integrations.shipstation.settings import ShipStationSettings
from integrations.shipstation.webhooks import receive

CONNECTOR = Connector(
    vendor="shipstation",
    title="ShipStation",
    settings=ShipStationSettings,
    connect=ShipStation,
    receive=receive,
)
