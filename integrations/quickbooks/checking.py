"""What `backroom check` says of a QuickBooks connection."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from commerce.errors import HubError
from commerce.ports import Finding
from integrations.connector import Services
from integrations.quickbooks.catalog import CLEARING_TYPES, Catalog
from integrations.quickbooks.client import Books
from integrations.quickbooks.settings import QuickBooksSettings

WARN_BEFORE = timedelta(days=60)
"""How long before a refresh token ends the merchant is told to reconnect."""


def findings(settings: QuickBooksSettings, books: Books, catalog: Catalog, services: Services) -> Iterator[Finding]:
    """Credential and company first; when they fail, nothing else is asked."""
    try:
        company = books.company()
    except HubError as error:
        hint = error.hint or f"set a new REFRESH_TOKEN, then: backroom reconnect {settings.name}"
        yield Finding(subject="credential", ok=False, message=str(error), hint=hint)
        return
    yield Finding(subject="credential", ok=True, message=f"{company.name or settings.realm_id} ({company.country})")
    yield from _lifetime(settings, services)
    try:
        catalog.read()
    except HubError as error:
        yield Finding(subject="maps", ok=False, message=str(error), hint=error.hint)
        return
    yield from _preferences(catalog)
    yield from _maps(settings, catalog)
    yield _webhooks(settings)


def _lifetime(settings: QuickBooksSettings, services: Services) -> Iterator[Finding]:
    tokens = services.tokens.load()
    if tokens is None or tokens.refresh_expires_at is None:
        return
    left = tokens.refresh_expires_at - datetime.fromtimestamp(services.clock(), UTC)
    yield Finding(
        subject="refresh token",
        ok=left > WARN_BEFORE,
        message=f"valid for {left.days} more days",
        hint="" if left > WARN_BEFORE else f"set a new REFRESH_TOKEN, then: backroom reconnect {settings.name}",
    )


def _preferences(catalog: Catalog) -> Iterator[Finding]:
    preferences = catalog.preferences
    custom = preferences.sales_forms.custom_numbers
    yield Finding(
        subject="document numbers",
        ok=custom,
        message="our numbers are kept" if custom else "QuickBooks gives its own numbers, so ours cannot be looked up",
        hint="" if custom else "turn on Settings > Sales > Sales form content > Custom transaction numbers",
    )
    home = preferences.currencies.home.value or "USD"
    more = " and others" if preferences.currencies.several else " only"
    yield Finding(subject="currency", ok=True, message=f"the books are kept in {home}{more}")
    if preferences.accounting.closed_until:
        words = f"the books are closed up to {preferences.accounting.closed_until}; older documents are held"
        yield Finding(subject="closed books", ok=True, message=words)


def _maps(settings: QuickBooksSettings, catalog: Catalog) -> Iterator[Finding]:
    missing = catalog.missing()
    hint = "add it in QuickBooks, correct the name, or set create_missing = true"
    for name in missing:
        later = settings.create_missing
        yield Finding(
            subject="maps",
            ok=later,
            message=f"{name} {'will be created' if later else 'is not in QuickBooks'}",
            hint="" if later else hint,
        )
    if not missing:
        yield Finding(subject="maps", ok=True, message="every item and account of the maps is in QuickBooks")
    clearing = catalog.accounts.get(settings.clearing_account.lower())
    if clearing and clearing.kind not in CLEARING_TYPES:
        words = f"{settings.clearing_account!r} is of type {clearing.kind}; refunds are refused from it"
        yield Finding(subject="clearing account", ok=False, message=words, hint="use an Other Current Asset account")


def _webhooks(settings: QuickBooksSettings) -> Finding:
    given = bool(settings.verifier_token.get_secret_value())
    words = "signatures are verified" if given else "no verifier token, so webhooks are refused; posting works without"
    return Finding(subject="webhooks", ok=True, message=words)
