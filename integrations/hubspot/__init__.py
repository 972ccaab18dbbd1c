"""HubSpot, a CRM: each order a deal, each shopper a contact, the two tied together."""

from integrations.connector import Connector
from integrations.hubspot.client import HubSpot
from integrations.hubspot.settings import HubSpotSettings

CONNECTOR = Connector(vendor="hubspot", title="HubSpot", settings=HubSpotSettings, connect=HubSpot)
