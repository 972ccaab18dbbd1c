"""Intuit's own OAuth client and the widely used python-quickbooks find in the simulator what they expect of Intuit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from integrations.quickbooks.simulator import QuickBooksSimulator, build
from tests.sdk.serving import served

intuitlib = pytest.importorskip("intuitlib.client", reason="make sdk installs the vendors' own SDKs")
quickbooks = pytest.importorskip("quickbooks", reason="make sdk installs the vendors' own SDKs")
from intuitlib.enums import Scopes  # noqa: E402
from intuitlib.exceptions import AuthClientError  # noqa: E402
from quickbooks.batch import batch_create  # noqa: E402
from quickbooks.exceptions import ObjectNotFoundException, QuickbooksException  # noqa: E402
from quickbooks.objects import Customer, Item, SalesReceipt  # noqa: E402
from quickbooks.objects.base import Ref  # noqa: E402
from quickbooks.objects.detailline import SalesItemLine, SalesItemLineDetail  # noqa: E402

BACK = "https://hub.test/back"


@pytest.fixture
def company() -> QuickBooksSimulator:
    """A company with an item."""
    company = build(base_url="http://127.0.0.1", limits=False)
    company.do_setup(
        accounts=[{"Name": "Clearing", "AccountType": "Other Current Asset"}],
        items=[{"Name": "Mug", "account": "Sales"}],
    )
    return company


@pytest.fixture
def address(company: QuickBooksSimulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where it is served."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with served(company) as address:
        yield address


@pytest.fixture
def app(address: str) -> Any:
    """Intuit's OAuth client, its endpoints read from the discovery document."""
    return intuitlib.AuthClient("client", "secret", BACK, f"{address}/.well-known/openid_configuration")


@pytest.fixture
def books(app: Any, company: QuickBooksSimulator, address: str) -> Any:
    """A client of the company."""
    client = quickbooks.QuickBooks(
        auth_client=app, refresh_token="RT1-first", company_id=company.realm_id, minorversion=75
    )
    client.api_url_v3 = f"{address}/v3"
    return client


def a_receipt(company: QuickBooksSimulator, number: str, amount: float = 10.0) -> Any:
    mug, clearing = company.company.named("Item", "Mug"), company.company.named("Account", "Clearing")
    assert mug
    assert clearing
    line = SalesItemLine()
    line.Amount = amount
    line.SalesItemLineDetail = SalesItemLineDetail()
    line.SalesItemLineDetail.Qty, line.SalesItemLineDetail.UnitPrice = 1, amount
    line.SalesItemLineDetail.ItemRef = Ref()
    line.SalesItemLineDetail.ItemRef.value = mug["Id"]
    receipt = SalesReceipt()
    receipt.DocNumber = number
    receipt.TxnDate = "2026-11-23"
    receipt.DepositToAccountRef = Ref()
    receipt.DepositToAccountRef.value = clearing["Id"]
    receipt.Line.append(line)
    return receipt


def test_access_is_granted_renewed_and_given_back(app: Any, company: QuickBooksSimulator) -> None:
    # given the address that Intuit's own client makes, which a merchant opens
    back = httpx.get(app.get_authorization_url([Scopes.ACCOUNTING], state_token="s"), trust_env=False)
    answer = httpx.URL(back.headers["location"]).params
    assert (answer["state"], answer["realmId"]) == ("s", company.realm_id)
    # when the code is exchanged, then there are tokens, which rotate
    app.get_bearer_token(answer["code"], realm_id=answer["realmId"])
    first = app.refresh_token
    assert app.x_refresh_token_expires_in == 8_640_000
    app.refresh()
    assert app.refresh_token != first
    with pytest.raises(AuthClientError) as caught:
        app.refresh(refresh_token=first)
    assert caught.value.status_code == 400
    # and they are given back
    assert app.revoke()
    with pytest.raises(AuthClientError):
        app.refresh()


def test_receipts_are_created_read_queried_and_counted(books: Any, company: QuickBooksSimulator) -> None:
    made = a_receipt(company, "S-1").save(qb=books)
    assert (made.TotalAmt, made.SyncToken) == (10.0, "0")
    assert SalesReceipt.get(made.Id, qb=books).DocNumber == "S-1"
    assert [one.Id for one in SalesReceipt.filter(DocNumber="S-1", qb=books)] == [made.Id]
    assert SalesReceipt.count(qb=books) == 1
    assert [one.Name for one in Item.all(qb=books)] == ["Mug"]
    assert SalesReceipt.choose(["S-1", "S-2"], field="DocNumber", qb=books)[0].TotalAmt == 10.0
    with pytest.raises(ObjectNotFoundException):
        SalesReceipt.get("4711", qb=books)


def test_a_name_with_an_apostrophe_is_found(books: Any) -> None:
    customer = Customer()
    customer.DisplayName = "O'Brien"
    customer.save(qb=books)
    assert [one.DisplayName for one in Customer.filter(DisplayName="O'Brien", qb=books)] == ["O'Brien"]
    twin = Customer()
    twin.DisplayName = "o'brien"
    with pytest.raises(QuickbooksException) as caught:
        twin.save(qb=books)
    assert caught.value.error_code == 6240


def test_a_batch_answers_each(books: Any, company: QuickBooksSimulator) -> None:
    bad = a_receipt(company, "S-3")
    bad.DocNumber = "x" * 22
    answer = batch_create([a_receipt(company, "S-1"), a_receipt(company, "S-2"), bad], qb=books)
    assert [one.DocNumber for one in answer.successes] == ["S-1", "S-2"]
    assert [error.code for fault in answer.faults for error in fault.Error] == ["2050"]


def test_changes_are_captured(books: Any, company: QuickBooksSimulator) -> None:
    a_receipt(company, "S-1").save(qb=books)
    found = books.change_data_capture("SalesReceipt", "2026-11-20T00:00:00-08:00")
    assert found["CDCResponse"][0]["QueryResponse"][0]["SalesReceipt"][0]["DocNumber"] == "S-1"
