"""What is odd about QuickBooks, and what becomes of our documents then."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from commerce.errors import IntegrationError, NotAuthorised, RateLimited, TemporarilyUnavailable
from commerce.outcomes import Done, Held, Retry, Unknown
from integrations.quickbooks.problems import problem_in, problem_of
from tests.builders import a_line, an_order, changed, usd
from tests.integrations.quickbooks.conftest import World

BATCH = "POST /v3/company/.*/batch"
GATEWAY = {"fault": {"error": [{"message": "message=X; errorCode=003100; statusCode=403"}], "type": "AUTHORIZATION"}}
XML = (
    '<?xml version="1.0"?><IntuitResponse xmlns="http://schema.intuit.com/finance/v3"><Fault type="SERVICE">'
    '<Error code="3001"><Message>message=ThrottleExceeded; errorCode=003001; statusCode=403</Message>'
    "<Detail>The request limit was reached.</Detail></Error></Fault></IntuitResponse>"
)


def edited(quantity: int = 1) -> Any:
    mug = a_line("MUG-RED", 2)
    return an_order(lines=(changed(mug, current=quantity),), edited=True, current_total=usd("24.90"))


# ---- every code has its outcome ----

CODES = [
    ("100", Held, "refused"),
    ("500", Held, "refused"),
    ("610", Held, "inactive_reference"),
    ("2010", Held, "refused"),
    ("2020", Held, "refused"),
    ("2050", Held, "too_long"),
    ("2170", Held, "refused"),
    ("2500", Held, "inactive_reference"),
    ("6000", Held, "refused"),
    ("6070", Held, "total_mismatch"),
    ("6140", Held, "number_taken"),
    ("6210", Held, "books_closed"),
    ("6240", Held, "name_taken"),
    ("6270", Held, "inventory_start"),
    ("6540", Held, "deposited"),
    ("99999", Held, "refused"),
    ("10000", Unknown, ""),
    ("003001", Retry, ""),
]


def item_fault(world: World, error: dict[str, Any], **fault: Any) -> None:
    """The next batch of writes answers its first document with a fault, and does not apply it."""
    used = []

    def answer(request: httpx.Request) -> httpx.Response | None:
        if used or not request.url.path.endswith("/batch") or b"requestid" not in request.url.query:
            return None
        used.append(request)
        one = {"bId": "1", "Fault": {"type": "ValidationFault", "Error": [error], **fault}}
        return httpx.Response(200, json={"BatchItemResponse": [one]}, headers={"intuit_tid": "1-abc"})

    world.interfere = answer


@pytest.mark.parametrize(("code", "kind", "cause"), CODES)
def test_every_code_of_a_document_has_its_outcome(world: World, code: str, kind: type, cause: str) -> None:
    item_fault(world, {"Message": "No", "Detail": "because", "code": code, "element": ""})
    (outcome,) = world.deliver(an_order())
    assert isinstance(outcome, kind)
    if isinstance(outcome, Held):
        assert outcome.cause == cause
        assert outcome.hint
    if isinstance(outcome, Held) and code != "6140":
        assert "intuit_tid 1-abc" in outcome.reason


@pytest.mark.parametrize("code", ["3200", "003100", "120", "6190"])
def test_codes_of_our_access_stop_the_connection(world: World, code: str) -> None:
    item_fault(world, {"Message": "No", "code": code})
    with pytest.raises(NotAuthorised) as caught:
        world.deliver(an_order())
    assert caught.value.hint
    assert caught.value.request_id == "1-abc"


@pytest.mark.parametrize(
    ("type_", "kind"), [("SystemFault", Unknown), ("SERVICE", Unknown), ("ValidationFault", Held), ("", Held)]
)
def test_a_fault_without_a_code_goes_by_its_type(world: World, type_: str, kind: type) -> None:
    item_fault(world, {"Message": "No"}, type=type_)
    (outcome,) = world.deliver(an_order())
    assert isinstance(outcome, kind)


@pytest.mark.parametrize("type_", ["AuthorizatonFault", "AuthorizationFault", "AuthenticationFault", "AUTHORIZATION"])
def test_a_fault_of_access_without_a_code_stops_the_connection(world: World, type_: str) -> None:
    item_fault(world, {"Message": "No"}, type=type_)
    with pytest.raises(NotAuthorised):
        world.deliver(an_order())


# ---- shapes ----


def test_faults_are_read_in_every_shape() -> None:
    in_words = problem_in(GATEWAY)
    assert in_words is not None
    assert in_words.number == "3100"
    in_xml = problem_of(httpx.Response(403, text=XML, headers={"intuit_tid": "t"}))
    assert in_xml is not None
    assert (in_xml.number, in_xml.words, in_xml.tid) == ("3001", "The request limit was reached.", "t")
    assert problem_of(httpx.Response(403, text="<html><body>Forbidden</body></html>")) is None
    odd = problem_in({"Fault": {"Error": [{"code": 5010, "Message": None, "Detail": ["x"]}], "type": None}})
    assert odd is not None
    assert (odd.number, odd.words) == ("5010", "fault")
    for empty in ({"Fault": None}, {"Fault": []}, [], None, "x", {"Fault": {"Error": []}}):
        problem_in(empty)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, XML, RateLimited),
        (429, "<html>Too many</html>", RateLimited),
        (429, {}, RateLimited),
        (400, {"fault": {"error": [{"code": "003001"}], "type": "SERVICE"}}, RateLimited),
        (403, "<html>Forbidden</html>", NotAuthorised),
        (401, {"fault": {"error": [{"code": "3200", "detail": "Token expired"}]}}, NotAuthorised),
    ],
)
def test_a_whole_call_that_is_refused_burns_no_record(world: World, status: int, body: Any, kind: type) -> None:
    world.books.catalog.chart()
    world.fault("before", BATCH, status=status, body=body, times=4)
    with pytest.raises(kind):
        world.deliver(an_order())
    assert world.documents() == []


@pytest.mark.parametrize(
    "body", ["", "<html>", "[]", "{}", '{"BatchItemResponse": {}}', '{"BatchItemResponse": [{"bId']
)
def test_an_answer_that_nobody_can_read_leaves_doubt_and_never_doubles(world: World, body: str) -> None:
    # given a batch that was applied, whose answer a proxy replaced
    world.books.catalog.chart()
    world.fault("after", BATCH, status=200, body=body)
    (outcome,) = world.deliver(an_order())
    assert isinstance(outcome, Unknown)
    # then the next try finds it
    (outcome,) = world.deliver(an_order(), in_doubt=True, attempt=2)
    assert isinstance(outcome, Done)
    assert world.totals() == {"S-1001": "49.80"}


def test_a_batch_that_broke_in_the_middle_is_completed_and_not_doubled(world: World) -> None:
    # given three orders, of which one was applied before the answer was lost
    orders = [an_order(1001), an_order(1002), an_order(1003)]
    world.deliver(orders[1])
    world.forget()
    world.fault("drop", BATCH, times=4)
    world.connect()
    outcomes: list[Any] = []
    try:
        outcomes = world.deliver(*orders)
    except IntegrationError:
        outcomes = world.deliver(*orders, in_doubt=True, attempt=2)
    outcomes = world.deliver(*orders, in_doubt=True, attempt=3)
    # then all three are there once
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert world.totals() == {"S-1001": "49.80", "S-1002": "49.80", "S-1003": "49.80"}


@pytest.mark.parametrize("kept", [None, 60.0])
@pytest.mark.parametrize("numbers", [True, False])
def test_nothing_doubles_within_and_beyond_the_memory_of_request_ids(kept: float | None, numbers: bool) -> None:
    # given a company with and without numbers of ours, that remembers request ids for ever or for a minute
    world = World(habits={"request_ids_kept": kept})
    world.sim.do_preferences(custom_numbers=numbers)
    world.books.catalog.chart()
    world.fault("drop_after", BATCH, times=4)
    world.deliver(an_order(1001), an_order(1002))
    # when the hub comes back a day later
    world.now += 86_400
    world.connect()
    outcomes = world.deliver(an_order(1001), an_order(1002), in_doubt=True, attempt=2)
    # then each is there once
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert len(world.documents()) == 2


@pytest.mark.parametrize("name", ["books", "ledger"])
def test_two_hubs_at_once_post_an_order_once(world: World, name: str) -> None:
    # given two hubs over one company, of which both have looked and found nothing
    world.books.catalog.chart()
    orders = [an_order(1001), an_order(1002)]
    other = World()
    other.sim, other.tokens = world.sim, world.tokens
    world.now += 61
    other.now = world.now
    other.connect(name=name)
    other.books.catalog.chart()
    began = []

    def meanwhile(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith("/batch") and not began:
            began.append(request)
            other.now = world.now = world.now + 61
            assert all(isinstance(outcome, Done) for outcome in other.deliver(*orders))
        return None

    # when the second posts while the first is about to
    world.interfere = meanwhile
    outcomes = world.deliver(*orders)
    # then each order is there once, and both know its document
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert world.totals() == {"S-1001": "49.80", "S-1002": "49.80"}
    assert {key: one.vendor_id for key, one in world.bindings.items()} == {
        key: one.vendor_id for key, one in other.bindings.items()
    }


def test_two_hubs_with_other_batches_meet_at_the_duplicate_warning(world: World) -> None:
    # given a company that warns of a number that is used, and two hubs of which the second has more to do
    world.sim.do_preferences(duplicate_warning=True)
    world.books.catalog.chart()
    other = World()
    other.sim, other.tokens = world.sim, world.tokens
    other.now = world.now = world.now + 61
    other.connect()
    other.books.catalog.chart()
    began = []

    def meanwhile(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith("/batch") and not began:
            began.append(request)
            other.now = world.now = world.now + 61
            other.deliver(an_order(1001), an_order(1002), an_order(1003))
        return None

    world.interfere = meanwhile
    outcomes = world.deliver(an_order(1001), an_order(1002))
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert sorted(world.totals()) == ["S-1001", "S-1002", "S-1003"]


@pytest.mark.parametrize("survives", ["replaced", "kept"])
def test_a_restored_backup_adopts_also_where_quickbooks_gives_the_numbers(survives: str) -> None:
    world = World(habits={"own_numbers_when_off": survives})
    world.sim.do_preferences(custom_numbers=False)
    world.sim.do_add_document("SalesReceipt", "1001", "49.80", note="by hand")
    world.deliver(an_order(1001), an_order(1002))
    world.forget()
    world.connect()
    outcomes = world.deliver(an_order(1001), an_order(1002))
    assert [outcome.changed for outcome in outcomes if isinstance(outcome, Done)] == [False, False]
    assert len(world.documents()) == 3


@pytest.mark.parametrize("replayed", [True, False])
def test_a_released_record_is_tried_afresh_whatever_becomes_of_refused_request_ids(replayed: bool) -> None:
    world = World(habits={"refusals_replayed": replayed})
    world.sim.do_close_books("2026-11-30")
    (held,) = world.deliver(an_order())
    assert isinstance(held, Held)
    world.sim.do_close_books(None)
    (outcome,) = world.deliver(an_order(), attempt=2)
    assert isinstance(outcome, Done)


@pytest.mark.parametrize(
    "habits",
    [
        {"inactive": "610"},
        {"wrong_product": "6000"},
        {"throttled_with": 403},
        {"faults_with_200": True},
        {"padded_codes": True},
        {"other_minor_versions": "refused"},
        {"tax": "replaced"},
        {"tax": "added on shipping"},
        {"sku_with_star": True},
    ],
    ids=str,
)
def test_orders_arrive_and_edits_follow_whichever_way_quickbooks_is(habits: dict[str, Any]) -> None:
    world = World(habits=habits)
    world.deliver(an_order(lines=(a_line("MUG-RED", 2),)), an_order(1002))
    world.now += 4000
    (outcome,) = world.deliver(edited())
    assert isinstance(outcome, Done)
    assert world.totals() == {"S-1001": "24.90", "S-1002": "49.80"}


@pytest.mark.parametrize(("taken", "kind"), [("taken", Done), ("refused", Held)])
def test_an_order_paid_wholly_by_gift_card_is_a_receipt_of_nothing_or_held(taken: str, kind: type) -> None:
    from tests.builders import a_payment

    world = World(habits={"zero_totals": taken})
    order = an_order(payments=(a_payment("49.80", gateway="gift_card", id="gc"),))
    (outcome,) = world.deliver(order)
    assert isinstance(outcome, kind)


@pytest.mark.parametrize(("told", "waited"), [(None, 60.0), (7, 7.0)])
def test_a_throttle_waits_as_told_or_a_minute(told: int | None, waited: float) -> None:
    world = World(habits={"retry_after": told})
    world.books.prepare()
    world.now += 61
    world.connect(pace=False)
    world.books.catalog.chart()
    for _ in range(10):
        world.sim.gate._windows[0].take()
    if told is None:
        with pytest.raises(RateLimited) as caught:
            world.deliver(an_order())
        assert caught.value.retry_after == waited
    else:
        assert isinstance(world.deliver(an_order())[0], Done)
        assert waited in world.slept


# ---- documents that came out wrong, changed or gone ----


def test_a_correction_that_comes_out_wrong_is_voided_and_can_be_corrected_later(world: World) -> None:
    # given a receipt in the books, and a company that adds a cent to its correction
    world.deliver(an_order(lines=(a_line("MUG-RED", 2),)))
    world.sim.do_distort("0.01")
    (held,) = world.deliver(edited())
    # then no wrong amount stays in the books, and the receipt is not lost
    assert isinstance(held, Held)
    assert (held.cause, "it was voided" in held.reason) == ("total_mismatch", True)
    assert world.totals() == {"S-1001": "0.00"}
    # when the cause is gone and the record is released
    (outcome,) = world.deliver(edited(), attempt=2)
    assert isinstance(outcome, Done)
    (receipt,) = world.documents()
    assert (receipt["TotalAmt"], receipt["PrivateNote"]) == ("24.90", "backroom:shop:51001:sale:51001")


def test_a_correction_keeps_the_memo_that_a_bookkeeper_wrote(world: World) -> None:
    (first,) = world.deliver(an_order(lines=(a_line("MUG-RED", 2),)))
    assert isinstance(first, Done)
    world.sim.do_edit_document(first.binding.vendor_id, note="checked by Ada")
    world.deliver(edited())
    (receipt,) = world.documents()
    assert (receipt["TotalAmt"], receipt["PrivateNote"].endswith("checked by Ada")) == ("24.90", True)


# ---- names ----


def test_a_customer_whose_name_a_vendor_has_gets_a_longer_one_and_no_order_waits(world: World) -> None:
    world.sim.do_setup(people=[("Vendor", "Online sales")])
    world.connect(customer="online sales")
    (outcome,) = world.deliver(an_order())
    assert isinstance(outcome, Done)
    assert world.sim.state()["customers"] == ["online sales (customer)"]
    # and the next process finds it again
    world.now += 61
    world.connect(customer="online sales")
    assert isinstance(world.deliver(an_order(1002))[0], Done)
    assert len(world.sim.state()["customers"]) == 1


def test_an_inactive_item_is_made_active_again_when_we_may_create(world: World) -> None:
    world.deliver(an_order(1001))
    world.sim.do_deactivate("Item", "Shipping")
    world.connect()
    assert isinstance(world.deliver(an_order(1002))[0], Done)
    assert world.sim.state()["items"].count("Shipping") == 1


def test_what_could_not_be_created_is_said_with_quickbooks_own_words(world: World) -> None:
    fault = {"Fault": {"Error": [{"Message": "No", "Detail": "plan has no items", "code": "6000"}]}}
    world.fault("before", "POST /v3/company/.*/item", status=400, body=fault, times=99)
    (held,) = world.deliver(an_order())
    assert isinstance(held, Held)
    assert (held.cause, "plan has no items" in held.reason) == ("missing_item", True)


def test_descriptions_that_json_or_a_form_cannot_hold_are_cleaned(world: World) -> None:
    (outcome,) = world.deliver(an_order(lines=(a_line("MUG-RED", 2, title="Mug\x00\n\tred " + "x" * 5000),)))
    assert isinstance(outcome, Done)
    assert world.documents()[0]["lines"][0]["description"].startswith("Mug red xxx")


# ---- the token endpoint ----


@pytest.mark.parametrize(("old", "survives"), [("a day", True), ("dead", False)])
def test_a_renewal_whose_answer_is_lost_recovers_where_intuit_lets_it_or_says_so_once(old: str, survives: bool) -> None:
    world = World(habits={"old_refresh_tokens": old})
    world.deliver(an_order(1001))
    world.now += 3600
    world.fault("drop_after", "/oauth2/v1/tokens/bearer")
    if survives:
        assert isinstance(world.deliver(an_order(1002))[0], Done)
    else:
        with pytest.raises(NotAuthorised, match="invalid_grant") as caught:
            world.deliver(an_order(1002))
        assert caught.value.hint == "grant access anew: backroom connect books"


@pytest.mark.parametrize("body", ["<html>", "{}", "[]"])
def test_a_token_endpoint_that_answers_nonsense_burns_nothing(world: World, body: str) -> None:
    world.fault("before", "/oauth2/v1/tokens/bearer", status=200, body=body)
    assert isinstance(world.deliver(an_order())[0], Done)
    world.now += 3600
    world.fault("before", "/oauth2/v1/tokens/bearer", status=200, body=body, times=99)
    with pytest.raises(TemporarilyUnavailable):
        world.deliver(an_order(1002))
    assert list(world.totals()) == ["S-1001"]


def test_access_ends_after_five_years_however_often_it_was_renewed(world: World) -> None:
    world.deliver(an_order(1001))
    for _ in range(18):
        world.now += 99 * 86_400
        world.deliver(an_order(1001 + _ + 1))
    tokens = world.tokens.load()
    assert tokens is not None
    assert tokens.refresh_expires_at is not None
    left = tokens.refresh_expires_at.timestamp() - world.now
    assert left == pytest.approx(157_680_000 - 18 * 99 * 86_400, abs=5)
    (concern,) = world.books.concerns()
    assert concern.fingerprint == "concern:books:access"
    assert "backroom connect books" in concern.todo
