"""Katana, the inventory app: where stock is true. Read only; the hub writes nothing there."""

from integrations.connector import Connector
from integrations.katana.client import Katana
from integrations.katana.settings import KatanaSettings
from integrations.katana.webhooks import receive

CONNECTOR = Connector(
    vendor="katana",
    title="Katana",
    settings=KatanaSettings,
    connect=Katana,
    receive=receive,
)
