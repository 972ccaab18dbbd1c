"""Opening a connection: access, our pace, and the client."""

from __future__ import annotations

from integrations.connector import Services
from integrations.http import ApiClient
from integrations.quickbooks.access import realm_of, token_auth
from integrations.quickbooks.client import Books
from integrations.quickbooks.destination import QuickBooks
from integrations.quickbooks.faults import VENDOR, inspect
from integrations.quickbooks.problems import TID
from integrations.quickbooks.settings import QuickBooksSettings

PACE = [(8, 1.0), (450, 60.0)]
"""Below the vendor's 10 a second and 500 a minute for each company."""
BATCH_PACE = [(38, 60.0)]
"""Below the vendor's 40 batches a minute."""


def connect(settings: QuickBooksSettings, services: Services) -> QuickBooks:
    """A client for one company."""
    paced = settings.pace
    api = ApiClient(
        vendor=VENDOR,
        base_url=settings.base_url,
        auth=token_auth(settings, services),
        headers={"accept": "application/json"},
        transport=services.transport,
        inspect=inspect,
        pace=services.pace(PACE) if paced else None,
        calls=services.calls,
        times=services.times,
        sleep=services.sleep,
        timeout=120.0,
        request_id=TID,
    )
    books = Books(
        api,
        realm=lambda: realm_of(settings, services.tokens.load()),
        minor_version=settings.minor_version,
        batch_pace=services.pace(BATCH_PACE, "batches") if paced else None,
    )
    return QuickBooks(settings, books, services)
