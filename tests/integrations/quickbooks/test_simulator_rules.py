"""More of what QuickBooks refuses, keeps and forgets, and the two settings of what nobody documents surely."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from integrations.quickbooks.simulator.ladder import Ladder
from tests.integrations.quickbooks.test_simulator import BASE, REALM, Caller, code

LINE = {"Amount": 10.0, "DetailType": "SalesItemLineDetail"}


@pytest.fixture
def caller() -> Caller:
    return Caller(limits=False)


def sold(caller: Caller, amount: float = 10.0, **detail: Any) -> dict[str, Any]:
    return {**LINE, "Amount": amount, "SalesItemLineDetail": {"ItemRef": {"value": caller.ids["Goods"]}, **detail}}


# ---- OAuth ----


def consent(caller: Caller, **asked: str) -> httpx.Response:
    query = {
        "client_id": "client",
        "response_type": "code",
        "scope": "com.intuit.quickbooks.accounting",
        "redirect_uri": "https://hub.test/back",
        "state": "s",
        **asked,
    }
    return caller.http.get(f"{BASE}/connect/oauth2", params=query)


def token(caller: Caller, **form: str) -> httpx.Response:
    return caller.http.post(f"{BASE}/oauth2/v1/tokens/bearer", data=form, auth=("client", "secret"))


def test_a_code_is_good_once_for_its_redirect_and_for_ten_minutes(caller: Caller) -> None:
    def a_code() -> str:
        back = httpx.URL(consent(caller).headers["location"])
        assert (back.params["state"], back.params["realmId"]) == ("s", REALM)
        return back.params["code"]

    first = a_code()
    form = {"grant_type": "authorization_code", "redirect_uri": "https://hub.test/back"}
    good = token(caller, code=first, **form)
    assert good.json()["token_type"] == "bearer"
    assert good.json()["x_refresh_token_expires_in"] == 8_640_000
    assert "x_refresh_token_hard_expires_in" not in good.json()
    assert token(caller, code=first, **form).json()["error"] == "invalid_grant"
    assert token(caller, code=a_code(), **form | {"redirect_uri": "https://hub.test/other"}).status_code == 400
    late = a_code()
    caller.now += 601
    assert token(caller, code=late, **form).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "asked", [{"client_id": "x"}, {"redirect_uri": "http://hub.test/back"}, {"response_type": "token"}, {"state": ""}]
)
def test_a_wrong_question_stays_on_intuits_page(caller: Caller, asked: dict[str, str]) -> None:
    answer = consent(caller, **asked)
    assert (answer.status_code, "location" in answer.headers) == (400, False)


def test_only_registered_redirects_are_taken() -> None:
    caller = Caller(redirects=("https://hub.test/back",))
    assert consent(caller).status_code == 302
    assert consent(caller, redirect_uri="https://hub.test/elsewhere").status_code == 400


def test_revoking_ends_both_tokens(caller: Caller) -> None:
    def revoke(body: Any) -> int:
        return caller.http.post(f"{BASE}/v2/oauth2/tokens/revoke", json=body, auth=("client", "secret")).status_code

    assert revoke({"token": "unknown"}) == 400
    assert revoke({"token": caller.sim.desk.refresh}) == 200
    assert caller.query("SELECT * FROM Item").status_code == 401
    wrong = caller.http.post(f"{BASE}/v2/oauth2/tokens/revoke", json={"token": "x"}, auth=("client", "no"))
    assert wrong.status_code == 401


def test_access_for_one_company_opens_no_other(caller: Caller) -> None:
    answer = caller.http.get(f"{BASE}/v3/company/310687/companyinfo/310687")
    assert (answer.status_code, answer.json()["fault"]["error"][0]["code"]) == (403, "3100")


@pytest.mark.parametrize(("habit", "status"), [("a day", 200), ("dead", 400)])
def test_a_replaced_refresh_token_dies_at_once_or_in_a_day(habit: str, status: int) -> None:
    caller = Caller(habits={"old_refresh_tokens": habit})
    assert token(caller, grant_type="refresh_token", refresh_token="RT1-first").status_code == status
    caller.now += 86_401
    assert token(caller, grant_type="refresh_token", refresh_token="RT1-first").status_code == 400


def test_a_refresh_token_ends_when_it_is_not_used_and_after_five_years(caller: Caller) -> None:
    caller.now += 8_640_001
    assert token(caller, grant_type="refresh_token", refresh_token=caller.sim.desk.refresh).status_code == 400


# ---- switches ----


@pytest.mark.parametrize(("kept", "documents"), [(None, 1), (60.0, 2)])
def test_a_request_id_is_remembered_for_ever_or_for_a_while(kept: float | None, documents: int) -> None:
    caller = Caller(limits=False, habits={"request_ids_kept": kept})
    caller.post("/salesreceipt", caller.receipt(), requestid="abc")
    caller.now += 61
    caller.post("/salesreceipt", caller.receipt(), requestid="abc")
    assert len(caller.sim.state()["documents"]) == documents


@pytest.mark.parametrize(("replayed", "again"), [(True, "2020"), (False, "")])
def test_a_refused_request_id_is_answered_again_or_tried_again(replayed: bool, again: str) -> None:
    caller = Caller(limits=False, habits={"refusals_replayed": replayed})
    assert code(caller.post("/salesreceipt", {}, requestid="bad")) == "2020"
    assert code(caller.post("/salesreceipt", caller.receipt(), requestid="bad")) == again


@pytest.mark.parametrize(("habit", "number"), [("replaced", "1001"), ("kept", "S1")])
def test_a_number_sent_while_custom_numbers_are_off(habit: str, number: str) -> None:
    caller = Caller(limits=False, habits={"own_numbers_when_off": habit})
    caller.sim.do_preferences(custom_numbers=False)
    assert caller.made(DocNumber="S1")["DocNumber"] == number


@pytest.mark.parametrize(("habit", "status"), [("as 75", 200), ("refused", 400)])
def test_a_retired_minor_version(habit: str, status: int) -> None:
    caller = Caller(limits=False, habits={"other_minor_versions": habit})
    assert caller.http.get(f"/companyinfo/{REALM}", params={"minorversion": "70"}).status_code == status
    assert caller.http.get(f"/companyinfo/{REALM}").status_code == status
    assert caller.http.get(f"/companyinfo/{REALM}", params={"minorversion": "75"}).status_code == 200


@pytest.mark.parametrize("inactive", ["2500", "610"])
def test_a_reference_to_something_inactive(inactive: str) -> None:
    caller = Caller(limits=False, habits={"inactive": inactive})
    caller.sim.do_deactivate("Item", "Goods")
    assert code(caller.post("/salesreceipt", caller.receipt())) == inactive


@pytest.mark.parametrize("wrong", ["6070", "6000"])
def test_a_product_that_is_not_the_amount(wrong: str) -> None:
    caller = Caller(limits=False, habits={"wrong_product": wrong})
    body = caller.receipt() | {"Line": [sold(caller, 10.0, Qty=3, UnitPrice=3.33)]}
    assert code(caller.post("/salesreceipt", body)) == wrong
    body["Line"] = [sold(caller, 10.0, Qty=3, UnitPrice=3.3333333)]
    assert code(caller.post("/salesreceipt", body)) == ""


@pytest.mark.parametrize(("habit", "expected"), [("taken", ""), ("refused", "6000")])
def test_a_document_of_nothing(habit: str, expected: str) -> None:
    caller = Caller(limits=False, habits={"zero_totals": habit})
    assert code(caller.post("/salesreceipt", caller.receipt(amount=0.0))) == expected


@pytest.mark.parametrize(("status", "padded", "wait"), [(429, False, None), (403, True, 30)])
def test_a_throttle(status: int, padded: bool, wait: int | None) -> None:
    caller = Caller(habits={"throttled_with": status, "padded_codes": padded, "retry_after": wait})
    answer = [caller.query("SELECT count(*) FROM Item") for _ in range(11)][-1]
    assert answer.status_code == status
    assert answer.json()["fault"]["error"][0]["code"] == ("003001" if padded else "3001")
    assert answer.headers.get("retry-after") == (None if wait is None else str(wait))


@pytest.mark.parametrize(("inside", "status"), [(True, 200), (False, 400)])
def test_a_fault_has_a_status_of_its_own_or_none(inside: bool, status: int) -> None:
    caller = Caller(limits=False, habits={"faults_with_200": inside})
    answer = caller.post("/salesreceipt", {})
    assert (answer.status_code, code(answer)) == (status, "2020")


@pytest.mark.parametrize(("habit", "shown"), [(True, True), (False, False)])
def test_an_items_sku_is_shown_when_it_is_asked_for(habit: bool, shown: bool) -> None:
    caller = Caller(limits=False, habits={"sku_with_star": habit})
    caller.sim.do_setup(items=[{"Name": "Mug", "Sku": "MUG", "account": "Sales"}])
    where = "FROM Item WHERE Name = 'Mug'"
    assert ("Sku" in caller.query(f"SELECT * {where}").json()["QueryResponse"]["Item"][0]) == shown
    assert caller.query(f"SELECT *, Sku {where}").json()["QueryResponse"]["Item"][0]["Sku"] == "MUG"


@pytest.mark.parametrize(
    ("habit", "flag", "total"),
    [
        ("taken", True, 16.5),
        ("replaced", True, 17.28),
        ("added on shipping", True, 16.5),
        ("added on shipping", False, 16.98),
    ],
)
def test_a_tax_that_was_sent_is_taken_replaced_or_added_to(habit: str, flag: bool, total: float) -> None:
    caller = Caller(limits=False, habits={"tax": habit})
    caller.sim.do_preferences(allow_shipping=True)
    taxed = {"TaxCodeRef": {"value": "TAX"}}
    shipping = {**LINE, "Amount": 6.0, "SalesItemLineDetail": {"ItemRef": {"value": "SHIPPING_ITEM_ID"}, **taxed}}
    lines = [sold(caller, 10.0, **taxed), shipping]
    made = caller.made(Line=lines, TxnTaxDetail={"TotalTax": 0.5}, ShippingTaxIncludedInTotalTax=flag)
    assert made["TotalAmt"] == total
    assert made["TxnTaxDetail"]["TaxLine"][0]["TaxLineDetail"]["TaxPercent"] == 8.0


def test_an_unknown_habit_is_refused(caller: Caller) -> None:
    with pytest.raises(KeyError, match="no habit"):
        caller.sim.act("habits", {"nonsense": 1})


# ---- rules ----


def test_tax_is_computed_before_or_after_the_discount(caller: Caller) -> None:
    off = {"Amount": 5.0, "DetailType": "DiscountLineDetail", "DiscountLineDetail": {"PercentBased": False}}
    lines = [sold(caller, 10.0, TaxCodeRef={"value": "TAX"}), off]
    assert caller.made(Line=lines)["TotalAmt"] == 5.8
    assert caller.made(Line=lines, ApplyTaxAfterDiscount=True)["TotalAmt"] == 5.4
    assert code(caller.post("/salesreceipt", caller.receipt(Line=[*lines, off]))) == "6000"
    caller.sim.do_preferences(allow_discount=False)
    assert code(caller.post("/salesreceipt", caller.receipt(Line=lines))) == "6000"


def test_shipping_is_sold_only_where_it_is_turned_on(caller: Caller) -> None:
    line = {**LINE, "SalesItemLineDetail": {"ItemRef": {"value": "SHIPPING_ITEM_ID"}}}
    assert code(caller.post("/salesreceipt", caller.receipt(Line=[line]))) == "6000"
    caller.sim.do_preferences(allow_shipping=True)
    assert caller.made(Line=[line])["TotalAmt"] == 10.0
    assert code(caller.post("/salesreceipt", caller.receipt(Line=[line, line]))) == "6000"


def test_elsewhere_each_line_needs_a_tax_code_and_the_document_a_calculation() -> None:
    caller = Caller(limits=False, country="GB")
    ids = caller.sim.do_setup(tax_codes=[{"Name": "20% S", "rate": "0.2"}, {"Name": "No VAT", "rate": "0"}])
    with_tax = {"Line": [sold(caller, 10.0, TaxCodeRef={"value": ids["20% S"]})], "GlobalTaxCalculation": "TaxExcluded"}
    assert code(caller.post("/salesreceipt", caller.receipt())) == "2020"
    assert code(caller.post("/salesreceipt", caller.receipt(GlobalTaxCalculation="TaxExcluded"))) == "6000"
    pseudo = {"Line": [sold(caller, 10.0, TaxCodeRef={"value": "NON"})], "GlobalTaxCalculation": "TaxExcluded"}
    assert code(caller.post("/salesreceipt", caller.receipt(**pseudo))) == "2500"
    assert caller.made(**with_tax)["TotalAmt"] == 12.0


def test_a_receipt_is_voided_and_a_refund_is_not(caller: Caller) -> None:
    made = caller.made(DocNumber="S1", PrivateNote="memo")
    change = {"Id": made["Id"], "SyncToken": "0", "sparse": True}
    voided = caller.post("/salesreceipt", change, operation="update", include="void").json()["SalesReceipt"]
    assert (voided["TotalAmt"], voided["PrivateNote"], voided["SyncToken"]) == (0.0, "Voided", "1")
    assert caller.sim.state()["accounts"]["Clearing"] == "0.00"
    refund = caller.post("/refundreceipt", caller.receipt()).json()["RefundReceipt"]
    change = {"Id": refund["Id"], "SyncToken": "0", "sparse": True}
    assert code(caller.post("/refundreceipt", change, operation="update", include="void")) == "500"


def test_names_of_people_are_shared(caller: Caller) -> None:
    caller.sim.do_setup(people=[("Vendor", "Ada")])
    assert code(caller.post("/customer", {"DisplayName": "ADA"})) == "6240"
    assert code(caller.post("/customer", {"PrimaryEmailAddr": {"Address": "a@b.test"}})) == "2020"
    assert code(caller.post("/customer", {"DisplayName": "B", "PrimaryEmailAddr": {"Address": "a" * 101}})) == "2050"


def test_inventory_needs_more_and_begins_on_a_day(caller: Caller) -> None:
    body = {"Name": "Mug", "Type": "Inventory", "IncomeAccountRef": {"value": caller.ids["Clearing"]}}
    assert code(caller.post("/item", body)) == "2020"
    body |= {
        "AssetAccountRef": {"value": caller.ids["Clearing"]},
        "ExpenseAccountRef": {"value": caller.ids["Clearing"]},
    }
    body |= {"InvStartDate": "2026-11-20", "QtyOnHand": 5, "TrackQtyOnHand": True}
    item = caller.post("/item", body).json()["Item"]
    line = {**LINE, "SalesItemLineDetail": {"ItemRef": {"value": item["Id"]}}}
    assert code(caller.post("/salesreceipt", caller.receipt(Line=[line], TxnDate="2026-11-19"))) == "6270"
    assert code(caller.post("/salesreceipt", caller.receipt(Line=[line], TxnDate="2026-11-20"))) == ""


def test_several_currencies_want_theirs_said(caller: Caller) -> None:
    caller.sim.do_preferences(several_currencies=True)
    assert code(caller.post("/salesreceipt", caller.receipt())) == "2020"
    customer = caller.post("/customer", {"DisplayName": "E", "CurrencyRef": {"value": "EUR"}}).json()["Customer"]
    dollars = caller.receipt(CustomerRef={"value": customer["Id"]}, CurrencyRef={"value": "USD"})
    assert code(caller.post("/salesreceipt", dollars)) == "6000"
    assert code(caller.post("/salesreceipt", dollars | {"CurrencyRef": {"value": "EUR"}})) == ""
    moved = {"Id": customer["Id"], "SyncToken": "0", "sparse": True, "CurrencyRef": {"value": "GBP"}}
    assert code(caller.post("/customer", moved)) == "6000"


def test_bad_bytes_numbers_as_references_and_large_pages_are_refused(caller: Caller) -> None:
    headers = {"content-type": "application/json"}
    assert code(caller.http.post("/salesreceipt", content=b'{"a": "\xff"}', headers=headers)) == "500"
    assert code(caller.post("/salesreceipt", caller.receipt(CustomerRef={"value": 58}))) == "2010"
    assert code(caller.query("SELECT * FROM Item MAXRESULTS 1001")) == "4001"


def test_without_accept_a_fault_is_xml(caller: Caller) -> None:
    answer = caller.http.post("/salesreceipt", json={}, headers={"accept": "*/*"})
    assert answer.headers["content-type"] == "application/xml"
    assert '<Fault type="ValidationFault"><Error code="2020">' in answer.text


def test_changes_go_thirty_days_back_and_a_thousand_at_most(caller: Caller) -> None:
    def changes(since: str, entities: str = "SalesReceipt,RefundReceipt") -> httpx.Response:
        return caller.http.get("/cdc", params={"entities": entities, "changedSince": since})

    assert code(changes("2026-10-01T00:00:00-08:00")) == "2010"
    assert code(changes("yesterday")) == "2010"
    for number in range(1001):
        caller.sim.do_add_document("SalesReceipt", f"X-{number}", "5.00")
    found = changes("2026-11-20T00:00:00-08:00").json()["CDCResponse"][0]["QueryResponse"][0]
    assert (len(found["SalesReceipt"]), found["totalCount"]) == (1000, 1000)
    # a time means the same in every zone
    assert changes("2026-11-23T13:00:00+00:00").json()["CDCResponse"][0]["QueryResponse"] == [{}, {}]


def test_reads_are_metered_by_the_month_and_writes_are_not() -> None:
    caller = Caller(limits=False, monthly_reads=2)
    assert [caller.query("SELECT * FROM Item").status_code for _ in range(3)] == [200, 200, 429]
    assert code(caller.post("/salesreceipt", caller.receipt())) == ""
    requests = {"BatchItemRequest": [{"bId": "1", "Query": "select * from Item"}]}
    assert caller.post("/batch", requests).status_code == 429
    assert caller.sim.do_allowance(2) == {"2026-11": 2}
    caller.now += 9 * 86_400
    caller.sim.desk.access = dict.fromkeys(caller.sim.desk.realms, caller.now + 60)
    assert caller.query("SELECT * FROM Item").status_code == 200


def test_a_webhook_may_tell_of_two_companies(caller: Caller) -> None:
    made = caller.made()
    caller.sim.do_webhook("https://hub.test", [made["Id"]], other_realm="310687")
    events = httpx.Response(200, content=caller.sim.outbox.popleft().content).json()
    assert [event["intuitaccountid"] for event in events] == ["310687", REALM]
    assert len(events[0]["time"].partition(".")[2]) == len("123456789Z")


def test_a_webhook_is_repeated_ever_more_slowly_and_holds_back_those_behind_it(caller: Caller) -> None:
    # given two deliveries to a receiver that is down for an hour
    ladder, tries = Ladder(lambda: caller.now), []
    began = caller.now
    for _ in range(2):
        ladder.add(httpx.Request("POST", "https://hub.test/hooks/books"))

    def send(request: httpx.Request) -> int:
        tries.append(caller.now - began)
        return 200 if caller.now - began >= 3600 else 503

    # then the first is tried after 10 s, 20 s, 30 s, 5 min, 20 min and 2 h, and the second waits behind it
    while ladder.waiting:
        ladder.deliver(send)
        caller.now += 10
    assert tries == [0, 10, 30, 60, 360, 1560, 8760, 8760]
