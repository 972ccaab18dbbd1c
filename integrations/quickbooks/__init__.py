"""QuickBooks Online, the books: a sales receipt for each order, a refund receipt for each refund."""

from integrations.connector import Connector
from integrations.quickbooks.authorisation import AUTHORISATION
from integrations.quickbooks.connection import connect
from integrations.quickbooks.settings import QuickBooksSettings
from integrations.quickbooks.webhooks import receive

CONNECTOR = Connector(
    vendor="quickbooks",
    title="QuickBooks Online",
    settings=QuickBooksSettings,
    connect=connect,
    receive=receive,
    authorisation=AUTHORISATION,
)
