"""The simulator refuses what QuickBooks refuses, in its words."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from integrations.quickbooks.simulator import QuickBooksSimulator, build

BASE = "https://quickbooks.test"
REALM = "9130357992221046"


class Caller:
    """Somebody with a valid token and no library."""

    def __init__(self, **options: Any) -> None:
        self.now = 1_795_435_200.0
        self.sim: QuickBooksSimulator = build(base_url=BASE, clock=lambda: self.now, **options)
        self.http = httpx.Client(
            transport=self.sim.transport(),
            base_url=f"{BASE}/v3/company/{REALM}",
            headers={"accept": "application/json"},
        )
        form = {"grant_type": "refresh_token", "refresh_token": "RT1-first"}
        answer = self.http.post(f"{BASE}/oauth2/v1/tokens/bearer", data=form, auth=("client", "secret"))
        self.http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
        self.ids = self.sim.do_setup(
            accounts=[{"Name": "Clearing", "AccountType": "Other Current Asset"}],
            items=[{"Name": "Goods", "account": "Sales"}],
        )

    def post(self, path: str, body: Any, **params: Any) -> httpx.Response:
        return self.http.post(path, json=body, params={"minorversion": "75", **params})

    def query(self, statement: str) -> httpx.Response:
        return self.http.post("/query", content=statement, headers={"content-type": "application/text"})

    def receipt(self, amount: float = 10.0, **fields: Any) -> dict[str, Any]:
        detail = {"ItemRef": {"value": self.ids["Goods"]}}
        return {
            "DepositToAccountRef": {"value": self.ids["Clearing"]},
            "Line": [{"Amount": amount, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}],
            **fields,
        }

    def made(self, **fields: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.post("/salesreceipt", self.receipt(**fields)).json()["SalesReceipt"]
        return made


@pytest.fixture
def caller() -> Caller:
    return Caller()


def code(response: httpx.Response) -> str:
    fault = response.json().get("Fault")
    return str(fault["Error"][0]["code"]) if fault else ""


def test_a_receipt_comes_back_with_what_quickbooks_adds(caller: Caller) -> None:
    made = caller.made(DocNumber="S1", TxnDate="2026-11-23", TotalAmt=99)
    assert (made["SyncToken"], made["TotalAmt"], made["domain"], made["Balance"]) == ("0", 10.0, "QBO", 0.0)
    assert [line["DetailType"] for line in made["Line"]] == ["SalesItemLineDetail", "SubTotalLineDetail"]
    state = caller.sim.state()
    assert (state["accounts"]["Clearing"], state["accounts"]["Sales"], state["ledger_sum"]) == (
        "10.00",
        "10.00",
        "0.00",
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"Line": []}, "2020"),
        ({"Line": [{"Amount": 1, "DetailType": "Nonsense"}]}, "2170"),
        ({"Line": [{"DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {}}]}, "6000"),
        ({"DocNumber": "x" * 22}, "2050"),
        ({"PrivateNote": "x" * 4001}, "2050"),
        ({"Nonsense": 1}, "2010"),
        ({"CustomerRef": {"value": "404"}}, "2500"),
        ({"DepositToAccountRef": {"value": "404"}}, "2500"),
        ({"CurrencyRef": {"value": "EUR"}}, "6000"),
        ({"TxnDate": "2026-10-31"}, "6210"),
        ({"amount": -1.0}, "6000"),
    ],
)
def test_a_bad_receipt_is_refused(caller: Caller, change: dict[str, Any], expected: str) -> None:
    caller.sim.do_close_books("2026-10-31")
    response = caller.post("/salesreceipt", caller.receipt(**change))
    assert (response.status_code, code(response)) == (400, expected)
    assert caller.sim.state()["documents"] == []


def test_quantity_times_price_must_be_the_amount(caller: Caller) -> None:
    body = caller.receipt()
    body["Line"][0]["SalesItemLineDetail"] |= {"Qty": 3, "UnitPrice": 3.33}
    assert code(caller.post("/salesreceipt", body)) == "6070"


def test_a_refund_needs_an_account_to_be_paid_from(caller: Caller) -> None:
    body = caller.receipt()
    del body["DepositToAccountRef"]
    assert code(caller.post("/refundreceipt", body)) == "2020"
    caller.sim.do_rename("Account", "Sales", "Income")
    wrong = caller.sim.company.named("Account", "Income")
    assert wrong is not None
    assert code(caller.post("/refundreceipt", body | {"DepositToAccountRef": {"value": wrong["Id"]}})) == "6000"


def test_sync_tokens_sparse_and_full_updates(caller: Caller) -> None:
    made = caller.made(DocNumber="S1", CustomerMemo={"value": "hello"})
    change = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "x"}
    sparse = caller.post("/salesreceipt", change).json()["SalesReceipt"]
    assert (sparse["SyncToken"], sparse["CustomerMemo"], sparse["TotalAmt"]) == ("1", {"value": "hello"}, 10.0)
    assert code(caller.post("/salesreceipt", change)) == "5010"
    full = caller.post("/salesreceipt", caller.receipt(amount=7.0, Id=made["Id"], SyncToken="1")).json()["SalesReceipt"]
    assert (full["TotalAmt"], "CustomerMemo" in full) == (7.0, False)
    assert caller.sim.state()["accounts"]["Clearing"] == "7.00"


def test_a_request_id_is_answered_again_and_a_refusal_too(caller: Caller) -> None:
    first = caller.post("/salesreceipt", caller.receipt(), requestid="abc")
    assert caller.post("/salesreceipt", caller.receipt(), requestid="abc").content == first.content
    assert len(caller.sim.state()["documents"]) == 1
    assert code(caller.post("/salesreceipt", {}, requestid="bad")) == "2020"
    assert code(caller.post("/salesreceipt", caller.receipt(), requestid="bad")) == "2020"
    assert code(caller.post("/salesreceipt", caller.receipt(), requestid="x" * 51)) == "2050"
    assert code(caller.post("/batch", {"BatchItemRequest": [{"bId": "1"}]}, requestid="x" * 37)) == "2050"


def test_a_batch_answers_each_by_itself(caller: Caller) -> None:
    requests = [
        {"bId": "a", "operation": "create", "SalesReceipt": caller.receipt()},
        {"bId": "b", "operation": "create", "SalesReceipt": {}},
        {"bId": "c", "Query": "select * from Item where Name = 'Goods'"},
    ]
    answers = caller.post("/batch", {"BatchItemRequest": requests}).json()["BatchItemResponse"]
    assert [one["bId"] for one in answers] == ["a", "b", "c"]
    assert answers[1]["Fault"]["Error"][0]["code"] == "2020"
    assert answers[2]["QueryResponse"]["Item"][0]["Name"] == "Goods"
    assert code(caller.post("/batch", {"BatchItemRequest": requests * 11})) == "2010"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM SalesReceipt WHERE DocNumber = 'a' OR DocNumber = 'b'",
        "SELECT * FROM Customer WHERE DisplayName = 'O''Brien'",
        "SELECT * FROM SalesReceipt WHERE TotalAmt > 300",
        "SELECT * FROM SalesReceipt WHERE DocNumber != 'a'",
        "SELECT FROM SalesReceipt",
    ],
)
def test_the_query_language_has_only_and(caller: Caller, statement: str) -> None:
    assert code(caller.query(statement)) == "4000"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM SalesReceipt WHERE PrivateNote = 'x'",
        "SELECT * FROM Nonsense",
        "SELECT * FROM Item STARTPOSITION 0",
    ],
)
def test_some_queries_are_understood_and_refused(caller: Caller, statement: str) -> None:
    assert code(caller.query(statement)) == "4001"


def test_queries_find_page_count_and_escape(caller: Caller) -> None:
    for number in ("A1", "A2", "O'B\\1"):
        caller.made(DocNumber=number, TxnDate="2026-11-23")

    def rows(statement: str) -> Any:
        return caller.query(statement).json()["QueryResponse"]

    found = rows("SELECT Id, DocNumber FROM SalesReceipt WHERE DocNumber IN ('A1', 'O\\'B\\\\1') ORDERBY Id")
    assert [row["DocNumber"] for row in found["SalesReceipt"]] == ["A1", "O'B\\1"]
    assert "TotalAmt" not in found["SalesReceipt"][0]
    page = rows("SELECT * FROM SalesReceipt WHERE TxnDate >= '2026-11-01' ORDER BY Id STARTPOSITION 2 MAXRESULTS 1")
    assert [row["DocNumber"] for row in page["SalesReceipt"]] == ["A2"]
    assert rows("SELECT count(*) FROM SalesReceipt") == {"totalCount": 3}
    assert rows("SELECT * FROM SalesReceipt WHERE DocNumber = 'none'") == {}
    assert len(rows("SELECT * FROM SalesReceipt WHERE DocNumber LIKE 'A%'")["SalesReceipt"]) == 2


def test_inactive_names_are_only_shown_when_asked_for(caller: Caller) -> None:
    caller.sim.do_deactivate("Item", "Goods")
    assert caller.query("SELECT * FROM Item").json()["QueryResponse"] == {}
    both = caller.query("SELECT * FROM Item WHERE Active IN (true, false)").json()["QueryResponse"]
    assert len(both["Item"]) == 1
    assert code(caller.post("/salesreceipt", caller.receipt())) == "2500"


def test_a_journal_must_balance_and_a_deposit_locks_its_receipts(caller: Caller) -> None:
    made = caller.made()

    def line(amount: float, side: str, account: str) -> dict[str, Any]:
        detail = {"PostingType": side, "AccountRef": {"value": account}}
        return {"Amount": amount, "DetailType": "JournalEntryLineDetail", "JournalEntryLineDetail": detail}

    sides = [line(5.0, "Debit", caller.ids["Clearing"]), line(4.99, "Credit", caller.ids["Clearing"])]
    assert code(caller.post("/journalentry", {"Line": sides})) == "6000"
    caller.sim.do_deposit([made["Id"]])
    change = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "x"}
    assert code(caller.post("/salesreceipt", change)) == "6540"
    assert code(caller.post("/salesreceipt", change, operation="delete")) == "6540"
    state = caller.sim.state()
    assert (state["accounts"]["Checking"], state["accounts"]["Clearing"]) == ("10.00", "0.00")


def test_numbers_are_given_when_custom_numbers_are_off_and_doubled_only_without_the_warning(caller: Caller) -> None:
    assert [caller.made(DocNumber="S1")["DocNumber"] for _ in range(2)] == ["S1", "S1"]
    caller.sim.do_preferences(duplicate_warning=True)
    refused = caller.post("/salesreceipt", caller.receipt(DocNumber="S1"))
    assert code(refused) == "6140"
    assert "DocNumber=S1 is assigned to TxnType=Sales Receipt" in refused.json()["Fault"]["Error"][0]["Detail"]
    caller.sim.do_preferences(custom_numbers=False)
    assert caller.made(DocNumber="S1")["DocNumber"] == "1001"


def test_tax_that_a_company_does_not_use_is_dropped(caller: Caller) -> None:
    assert caller.made(TxnTaxDetail={"TotalTax": 0.8})["TotalAmt"] == 10.8
    caller.sim.do_preferences(using_sales_tax=False)
    assert caller.made(TxnTaxDetail={"TotalTax": 0.8})["TotalAmt"] == 10.0


def test_limits_are_ten_a_second_and_forty_batches_a_minute() -> None:
    caller = Caller()
    statuses = [caller.query("SELECT count(*) FROM Item").status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    refused = caller.query("SELECT count(*) FROM Item").json()["fault"]
    assert (refused["error"][0]["code"], refused["type"]) == ("3001", "SERVICE")
    free = Caller(limits=False)
    assert {free.query("SELECT count(*) FROM Item").status_code for _ in range(600)} == {200}


def test_a_bad_token_is_refused_in_lower_case_with_nulls(caller: Caller) -> None:
    response = caller.http.get("/companyinfo/1", headers={"authorization": "Bearer none"})
    body = response.json()
    assert response.status_code == 401
    assert body["fault"]["error"][0]["code"] == "3200"
    assert body["warnings"] is None
    assert response.headers["intuit_tid"]


def test_changes_are_captured_with_stubs_for_what_was_deleted(caller: Caller) -> None:
    first, second = caller.made(), caller.made()
    caller.sim.do_delete_document(second["Id"])
    params = {"entities": "SalesReceipt,RefundReceipt", "changedSince": "2026-11-01T00:00:00-08:00"}
    answers = caller.http.get("/cdc", params=params).json()["CDCResponse"][0]["QueryResponse"]
    assert [row.get("status", "") for row in answers[0]["SalesReceipt"]] == ["", "Deleted"]
    assert answers[0]["SalesReceipt"][0]["Id"] == first["Id"]
    assert answers[1] == {}


def test_names_are_unique_whatever_their_case(caller: Caller) -> None:
    assert code(caller.post("/account", {"Name": "clearing", "AccountType": "Bank"})) == "6240"
    assert code(caller.post("/customer", {"DisplayName": "a:b"})) == "6000"
    assert code(caller.post("/item", {"Name": "New", "Type": "Service"})) == "2020"
    assert (
        caller.post("/customer", {"GivenName": "Ada", "FamilyName": "L"}).json()["Customer"]["DisplayName"] == "Ada L"
    )


def test_the_state_is_json(caller: Caller) -> None:
    caller.made(DocNumber="S1")
    assert json.loads(json.dumps(caller.sim.act("calls", {})))
    assert Decimal(json.loads(json.dumps(caller.sim.state()))["documents"][0]["TotalAmt"]) == Decimal("10.00")
