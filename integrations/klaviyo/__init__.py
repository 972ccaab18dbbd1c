"""Klaviyo, the marketing app: told of each order once, without mailing anybody who did not ask for it."""

from integrations.connector import Connector
from integrations.klaviyo.destination import Klaviyo
from integrations.klaviyo.settings import KlaviyoSettings

CONNECTOR = Connector(vendor="klaviyo", title="Klaviyo", settings=KlaviyoSettings, connect=Klaviyo)
