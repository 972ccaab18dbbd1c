"""What `backroom check` says of a QuickBooks connection."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from commerce.errors import HubError
from commerce.ports import Finding
from integrations.connector import Services
from integrations.quickbooks import allowance
from integrations.quickbooks.catalog import CLEARING_TYPES, Catalog
from integrations.quickbooks.client import Books, one_of, rows_of, select
from integrations.quickbooks.problems import problem_in
from integrations.quickbooks.schemas import Named
from integrations.quickbooks.settings import QuickBooksSettings

SOLD = ("Service", "NonInventory", "Inventory")
"""Types of item that a line can name."""
OWED = "Liability"


def findings(settings: QuickBooksSettings, books: Books, catalog: Catalog, services: Services) -> Iterator[Finding]:
    """Credential and company first; when they fail, nothing else is asked."""
    connect = f"grant access anew: backroom connect {settings.name}"
    try:
        company = books.company()
    except HubError as error:
        yield Finding(subject="credential", ok=False, message=str(error), hint=error.hint or connect)
        return
    name = company.name or books.realm_id
    yield Finding(subject="credential", ok=True, message=f"{name} ({company.country}), company {books.realm_id}")
    yield from _lifetime(settings, services)
    yield allowance.finding(settings, services)
    try:
        catalog.read()
        items = list(_items(books, catalog))
    except HubError as error:
        yield Finding(subject="maps", ok=False, message=str(error), hint=error.hint or "try again in some minutes")
        return
    yield from _preferences(catalog)
    yield from _maps(settings, catalog)
    yield from items
    yield _webhooks(settings)


def _lifetime(settings: QuickBooksSettings, services: Services) -> Iterator[Finding]:
    tokens = services.tokens.load()
    if tokens is None or tokens.refresh_expires_at is None:
        return
    left = tokens.refresh_expires_at - datetime.fromtimestamp(services.clock(), UTC)
    well = left > allowance.NEAR_ITS_END
    yield Finding(
        subject="refresh token",
        ok=well,
        message=f"valid for {left.days} more days",
        hint="" if well else f"grant access anew: backroom connect {settings.name}",
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
    more = " and others" if preferences.currencies.several else " only"
    yield Finding(subject="currency", ok=True, message=f"the books are kept in {catalog.home}{more}")
    if preferences.accounting.closed_until:
        words = f"the books are closed up to {preferences.accounting.closed_until}; older documents are held"
        hint = "move the closing date back in Settings > Advanced > Accounting before a backfill of older orders"
        yield Finding(subject="closed books", ok=True, message=words, hint=hint)


def _maps(settings: QuickBooksSettings, catalog: Catalog) -> Iterator[Finding]:
    missing = catalog.missing()
    hint = "add it in QuickBooks, correct the name, or set create_missing = true"
    for name in missing:
        later = settings.create_missing and not name.startswith("tax_code")
        yield Finding(
            subject="maps",
            ok=later,
            message=f"{name} {'will be created' if later else 'is not in QuickBooks'}",
            hint="" if later else hint,
        )
    if not missing:
        yield Finding(subject="maps", ok=True, message="every item and account of the maps is in QuickBooks")
    for currency, name in catalog.clearing().items():
        account = catalog.accounts.get(name.lower())
        if account and account.kind not in CLEARING_TYPES:
            words = f"{name!r} is of type {account.kind}; refunds are refused from it"
            yield Finding(
                subject="clearing account", ok=False, message=words, hint="use an Other Current Asset account"
            )
        elif account and account.currency.value not in ("", currency, catalog.home):
            words = f"{name!r} is kept in {account.currency.value}, not in {currency}"
            yield Finding(subject="clearing account", ok=False, message=words, hint=f"name an account in {currency}")
    if catalog.needs_tax_code and not settings.tax_code:
        words = f"a company in {catalog.company.country} wants a tax code on every line"
        hint = "name a code of 0 % (for example Exempt or Out of scope) in tax_code"
        yield Finding(subject="tax code", ok=False, message=words, hint=hint)


def _items(books: Books, catalog: Catalog) -> Iterator[Finding]:
    """Whether the items can be sold, and whether what the shop owes is booked as owed and not as income."""
    income = sorted({one.income.value for one in catalog.items.values() if one.income.value})
    kinds: dict[str, Named] = {}
    if income:
        answers = books.batch([{"bId": "behind", "Query": select("*", "Account", f"Id {one_of(income)}")}])
        behind = answers.get("behind", {})
        rows = [] if problem_in(behind) else rows_of(behind)
        kinds = {one.id: one for one in (Named.model_validate(row) for row in rows)}
    for name, item in sorted(catalog.items.items()):
        if item.kind and item.kind not in SOLD:
            words = f"{item.name!r} is a {item.kind}, which no line can name"
            yield Finding(subject="items", ok=False, message=words, hint="name a Service item in its place")
        account = kinds.get(item.income.value)
        if account and name in catalog.owed() and OWED not in account.kind:
            words = f"{item.name!r} posts to {account.name!r}, which is {account.kind}: what you owe would be income"
            hint = "give the item an income account of type Other Current Liability"
            yield Finding(subject="items", ok=False, message=words, hint=hint)


def _webhooks(settings: QuickBooksSettings) -> Finding:
    given = bool(settings.verifier_token.get_secret_value())
    words = "signatures are verified" if given else "no verifier token, so webhooks are refused; posting works without"
    return Finding(subject="webhooks", ok=True, message=words)
