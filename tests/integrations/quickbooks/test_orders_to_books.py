"""Orders become receipts, refunds become refund receipts, once each and to the cent."""

from __future__ import annotations

import pytest

from commerce.errors import NotAuthorised, RateLimited, TemporarilyUnavailable
from commerce.money import money
from commerce.orders import Financial, Line
from commerce.outcomes import Done, Held, Skipped, Unknown
from integrations.quickbooks.faults import THROTTLE_WAIT
from tests.builders import (
    NOON,
    a_line,
    a_payment,
    a_refund,
    a_refund_line,
    a_shipping_charge,
    a_tax,
    after,
    an_event,
    an_order,
    changed,
    usd,
)
from tests.integrations.quickbooks.conftest import World

BATCH = "POST /v3/company/.*/batch"
PAID_BACK = Financial.PARTIALLY_REFUNDED


def a_taxed_mug(quantity: int = 2) -> Line:
    return a_line("MUG-RED", quantity, "25.00", discount=usd("5"), taxes=(a_tax("3.60", rate="0.08"),))


def test_an_order_becomes_one_sales_receipt_dated_in_the_merchants_zone(world: World) -> None:
    # given an order placed at five in the morning of the 21st, Greenwich time
    order = an_order(lines=(a_taxed_mug(),), processed_at=after(hours=17))
    # when it is delivered
    (outcome,) = world.deliver(order)
    # then the books hold one receipt of the same total, dated on the evening before in California
    assert isinstance(outcome, Done)
    assert outcome.changed
    (receipt,) = world.documents()
    assert receipt == {
        "kind": "SalesReceipt",
        "Id": outcome.binding.vendor_id,
        "SyncToken": "0",
        "DocNumber": "S-1001",
        "TxnDate": "2026-11-20",
        "PrivateNote": "backroom:shop:51001:sale:51001",
        "TotalAmt": "53.60",
        "currency": "USD",
        "lines": [
            {"description": "Mug red (MUG-RED)", "amount": "50.00"},
            {"description": "Standard", "amount": "5.00"},
            {"description": "Discounts", "amount": "-5.00"},
            {"description": "Sales tax 8 %", "amount": "3.60"},
            {"description": "SubTotalLineDetail", "amount": "53.60"},
        ],
    }
    assert world.accounts == {
        "Online sales clearing": "53.60",
        "Product sales": "50.00",
        "Shipping income": "5.00",
        "Discounts": "-5.00",
        "Sales tax payable (online)": "3.60",
    }
    assert outcome.binding.url.endswith(f"/app/salesreceipt?txnId={receipt['Id']}")


def test_a_second_run_sends_nothing(world: World) -> None:
    orders = [an_order(number) for number in range(1001, 1006)]
    world.deliver(*orders)
    before = len(world.sim.calls)
    outcomes = world.deliver(*orders)
    assert [outcome.changed for outcome in outcomes if isinstance(outcome, Done)] == [False] * 5
    assert len(world.sim.calls) == before


def test_sixty_orders_cost_one_read_and_two_batches(world: World) -> None:
    world.books.prepare()
    world.books.catalog.chart()
    reads, batches = world.calls("/query"), world.calls("/batch")
    outcomes = world.deliver(*[an_order(number) for number in range(1000, 1060)])
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert (world.calls("/query") - reads, world.calls("/batch") - batches) == (1, 2)
    assert len(world.totals()) == 60


def test_a_refund_follows_its_receipt_and_is_posted_once(world: World) -> None:
    # given a receipt in the books
    mug = a_taxed_mug()
    world.deliver(an_order(lines=(mug,)))
    # when one of the mugs is given back, and then the other
    first = a_refund(a_refund_line(mug, 1), id="r1", at=after(hours=20))
    second = a_refund(a_refund_line(mug, 1), id="r2", at=after(hours=30))
    world.deliver(an_order(lines=(changed(mug, current=1),), refunds=(first,), financial=PAID_BACK))
    both = an_order(lines=(changed(mug, current=0),), refunds=(first, second), financial=PAID_BACK)
    world.deliver(both)
    (again,) = world.deliver(both)
    # then each has its own document, dated when it happened, and the receipt was never touched
    assert world.totals() == {"S-1001": "53.60", "R-1001-1": "24.30", "R-1001-2": "24.30"}
    assert [one["SyncToken"] for one in world.documents()] == ["0", "0", "0"]
    assert [one["TxnDate"] for one in world.documents("RefundReceipt")] == ["2026-11-21", "2026-11-21"]
    assert world.accounts == {
        "Online sales clearing": "5.00",
        "Product sales": "50.00",
        "Returns and refunds": "-50.00",
        "Shipping income": "5.00",
    }
    assert isinstance(again, Done)
    assert not again.changed


def test_an_edited_order_corrects_its_receipt_and_keeps_the_bookkeepers_memo(world: World) -> None:
    # given a receipt that the bookkeeper has written a memo on since
    mug = a_line("MUG-RED", 2)
    (first,) = world.deliver(an_order(lines=(mug,)))
    assert isinstance(first, Done)
    world.sim.do_edit_document(first.binding.vendor_id, note="checked")
    # when an edit of the order takes a mug away without a refund
    edited = an_order(lines=(changed(mug, current=1),), edited=True, current_total=usd("24.90"))
    (outcome,) = world.deliver(edited)
    # then the same receipt says so, though its sync token was stale
    assert isinstance(outcome, Done)
    (receipt,) = world.documents()
    assert (receipt["Id"], receipt["TotalAmt"]) == (first.binding.vendor_id, "24.90")


@pytest.mark.parametrize("kind", ["after", "drop_after", "timeout_after"])
def test_a_batch_that_was_applied_but_not_answered_is_found_and_not_posted_again(world: World, kind: str) -> None:
    # given a batch whose every answer is lost, though it was applied
    orders = [an_order(1001), an_order(1002)]
    world.books.catalog.chart()
    world.fault(kind, BATCH, times=4)
    outcomes = world.deliver(*orders)
    assert all(isinstance(outcome, Unknown) for outcome in outcomes)
    # when the next try looks by number first
    outcomes = world.deliver(*orders, in_doubt=True, attempt=2)
    # then each is there once
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert world.totals() == {"S-1001": "49.80", "S-1002": "49.80"}


def test_a_correction_that_was_taken_without_an_answer_and_then_undone_is_undone_there(world: World) -> None:
    # given a receipt of two mugs, and a correction to one that the books took without ever saying so
    mug = a_line("MUG-RED", 2)
    world.deliver(an_order(lines=(mug,)))
    world.fault("drop_after", BATCH, times=4)
    fewer = an_order(lines=(changed(mug, current=1),), edited=True, current_total=usd("24.90"))
    assert isinstance(world.deliver(fewer)[0], Unknown)
    assert world.totals() == {"S-1001": "24.90"}
    # when the order is again what was accepted last
    (outcome,) = world.deliver(an_order(lines=(mug,)), in_doubt=True, attempt=2)
    # then what we remember proves nothing: the receipt says it too
    assert isinstance(outcome, Done)
    assert world.totals() == {"S-1001": "44.80"}


def test_a_lost_answer_is_asked_for_again_with_the_same_request_id(world: World) -> None:
    world.books.catalog.chart()
    world.fault("drop_after", BATCH)
    (outcome,) = world.deliver(an_order())
    assert isinstance(outcome, Done)
    assert len(world.documents()) == 1


def test_a_lost_answer_never_doubles_even_without_looking_first(world: World) -> None:
    world.connect(look_before_posting=False)
    world.books.catalog.chart()
    world.fault("drop_after", BATCH, times=4)
    world.deliver(an_order())
    (outcome,) = world.deliver(an_order(), in_doubt=True, attempt=2)
    assert isinstance(outcome, Done)
    assert len(world.documents()) == 1


def test_a_restored_backup_adopts_what_is_in_the_books(world: World) -> None:
    # given a receipt and a refund that the hub no longer remembers
    mug = a_taxed_mug()
    refund = a_refund(a_refund_line(mug, 1), id="r1")
    order = an_order(lines=(changed(mug, current=1),), refunds=(refund,), financial=PAID_BACK)
    world.deliver(order)
    world.forget()
    # when everything is delivered again over a new connection
    world.connect()
    (outcome,) = world.deliver(order)
    # then nothing is posted
    assert isinstance(outcome, Done)
    assert not outcome.changed
    assert world.totals() == {"S-1001": "53.60", "R-1001-1": "24.30"}
    assert set(outcome.binding.data["refunds"]) == {"r1"}


def test_an_adopted_receipt_of_another_total_is_corrected(world: World) -> None:
    mug = a_line("MUG-RED", 2)
    world.deliver(an_order(lines=(mug,)))
    world.forget()
    world.deliver(an_order(lines=(changed(mug, current=1),), edited=True, current_total=usd("24.90")))
    assert world.totals() == {"S-1001": "24.90"}


def posted_twice(world: World) -> str:
    """A run that stood still posts a receipt after another one did; the second one's id."""
    (first,) = world.deliver(an_order())
    assert isinstance(first, Done)
    marker = world.documents()[0]["PrivateNote"]
    world.sim.do_add_document("SalesReceipt", "S-1001", "49.80", note=marker)
    return str(next(one["Id"] for one in world.documents() if one["Id"] != first.binding.vendor_id))


def test_a_receipt_that_is_there_twice_after_a_try_in_doubt_is_taken_out_once(world: World) -> None:
    second = posted_twice(world)
    (outcome,) = world.deliver(an_order(), in_doubt=True, attempt=2)
    assert isinstance(outcome, Done)
    assert (outcome.changed, outcome.note) == (True, "S-1001 was in the books twice; the second one was deleted")
    assert world.totals() == {"S-1001": "49.80"}
    assert second not in {one["Id"] for one in world.documents()}


def test_nothing_is_taken_out_while_nothing_is_in_doubt(world: World) -> None:
    posted_twice(world)
    world.deliver(an_order())
    assert len(world.documents()) == 2


def test_the_only_receipt_that_is_left_is_not_taken_out(world: World) -> None:
    # given a person who deletes the one that we remember
    second = posted_twice(world)
    world.sim.do_delete_document(world.bindings[an_order().key].vendor_id)
    world.deliver(an_order(), in_doubt=True, attempt=2)
    assert [one["Id"] for one in world.documents()] == [second]


def test_a_second_receipt_that_the_books_keep_is_a_question_for_a_person(world: World) -> None:
    second = posted_twice(world)
    world.sim.do_deposit([second])
    (held,) = world.deliver(an_order(), in_doubt=True, attempt=2)
    assert isinstance(held, Held)
    assert held.cause == "doubled"
    assert f"the document with the id {second}" in held.hint


def test_a_number_of_somebody_else_is_never_taken_over(world: World) -> None:
    world.sim.do_add_document("SalesReceipt", "S-1001", "49.80", note="by hand")
    held, good = world.deliver(an_order(1001), an_order(1002))
    assert isinstance(held, Held)
    assert held.cause == "number_taken"
    assert isinstance(good, Done)
    assert len(world.documents()) == 2


def test_a_duplicate_number_warning_leads_to_the_document_of_ours(world: World) -> None:
    # given a company that warns, a hub that does not look first, and a receipt that it does not remember
    world.sim.do_preferences(duplicate_warning=True)
    world.connect(look_before_posting=False)
    world.deliver(an_order())
    world.forget()
    outcomes = world.deliver(an_order(1001), an_order(1002))
    # then the refused one is recognised, and the other is posted beside it
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert world.totals() == {"S-1001": "49.80", "S-1002": "49.80"}


def test_one_bad_order_holds_itself(world: World) -> None:
    # given three orders, one of which does not add up, and one that is in another currency
    bad = an_order(1002, total=usd("50.80"), current_total=usd("50.80"))
    foreign = an_order(1003, lines=(a_line("TEA", 1, money("5.00", "EUR")),))
    outcomes = world.deliver(an_order(1001), bad, foreign, an_order(1004))
    # then both sums are named, and the others are posted
    good, held, currency, last = outcomes
    assert isinstance(good, Done)
    assert isinstance(last, Done)
    assert held == Held(
        cause="total_mismatch",
        reason="order #1002: total: the lines add up to 49.80 USD, the storefront says 50.80 USD",
        hint="compare the order's lines, taxes, shipping and refunds in the storefront; nothing was posted",
    )
    assert isinstance(currency, Held)
    assert currency.cause == "currency"
    assert sorted(world.totals()) == ["S-1001", "S-1004"]


def test_a_document_that_comes_out_wrong_is_taken_back_at_once(world: World) -> None:
    # given a company that adds a cent of its own
    world.sim.do_distort("0.01")
    held, good = world.deliver(an_order(1001), an_order(1002))
    # then the wrong one is gone and both sums are told
    assert isinstance(held, Held)
    assert held.cause == "total_mismatch"
    assert "49.81 USD" in held.reason
    assert "49.80 USD" in held.reason
    assert isinstance(good, Done)
    assert world.totals() == {"S-1002": "49.80"}


def test_closed_books_hold_and_a_release_is_not_answered_with_the_old_refusal(world: World) -> None:
    world.sim.do_close_books("2026-11-30")
    (held,) = world.deliver(an_order())
    assert isinstance(held, Held)
    assert held.cause == "books_closed"
    # when the merchant opens the period and the same record is released
    world.sim.do_close_books(None)
    (outcome,) = world.deliver(an_order(), attempt=2)
    assert isinstance(outcome, Done)


def test_a_deposited_receipt_is_not_changed(world: World) -> None:
    mug = a_line("MUG-RED", 2)
    (first,) = world.deliver(an_order(lines=(mug,)))
    assert isinstance(first, Done)
    world.sim.do_deposit([first.binding.vendor_id])
    edited = an_order(lines=(changed(mug, current=1),), edited=True, current_total=usd("24.90"))
    (held,) = world.deliver(edited)
    assert isinstance(held, Held)
    assert held.cause == "deposited"


def test_a_deleted_receipt_is_a_question_for_a_person(world: World) -> None:
    mug = a_line("MUG-RED", 2)
    (first,) = world.deliver(an_order(lines=(mug,)))
    assert isinstance(first, Done)
    world.sim.do_delete_document(first.binding.vendor_id)
    edited = an_order(lines=(changed(mug, current=1),), edited=True, current_total=usd("24.90"))
    (held,) = world.deliver(edited)
    assert isinstance(held, Held)
    assert held.cause == "document_gone"
    assert world.documents() == []


def test_an_item_made_inactive_holds_and_its_map_is_read_again(world: World) -> None:
    world.connect(create_missing=True)
    world.deliver(an_order(1001))
    world.sim.do_deactivate("Item", "Shipping")
    world.sim.do_setup(items=[{"Name": "Delivery", "account": "Shipping income"}])
    (held,) = world.deliver(an_order(1002))
    assert isinstance(held, Held)
    assert held.cause == "inactive_reference"
    world.connect(items={"shipping": "Delivery"})
    (outcome,) = world.deliver(an_order(1002), attempt=2)
    assert isinstance(outcome, Done)


def test_without_create_missing_each_order_says_which_item_it_lacks(world: World) -> None:
    world.connect(create_missing=False)
    (held,) = world.deliver(an_order())
    assert isinstance(held, Held)
    assert held.cause in ("missing_item", "missing_account")
    assert world.sim.state()["items"] == []


def test_too_fast_waits_the_minute_that_intuit_asks_for(world: World) -> None:
    world.books.catalog.chart()
    body = {"fault": {"error": [{"message": "message=ThrottleExceeded; errorCode=003001", "code": "003001"}]}}
    world.fault("before", BATCH, status=403, body=body)
    with pytest.raises(RateLimited) as caught:
        world.deliver(an_order())
    assert caught.value.retry_after == THROTTLE_WAIT
    assert world.documents() == []
    (outcome,) = world.deliver(an_order())
    assert isinstance(outcome, Done)


def test_a_throttle_between_receipt_and_refund_forgets_nothing(world: World) -> None:
    # given an order with a refund, and a throttle on the second batch
    mug = a_taxed_mug()
    refund = a_refund(a_refund_line(mug, 1), id="r1")
    order = an_order(lines=(changed(mug, current=1),), refunds=(refund,), financial=PAID_BACK)
    world.books.catalog.chart()
    world.throttle_batch(2)
    outcomes, error = world.deliver_until_stopped(order)
    # then the order is handed out as half done, and the next try finds the receipt
    assert isinstance(error, TemporarilyUnavailable)
    assert outcomes == [Unknown(reason=f"order #1001: posted in part, then {error}")]
    (done,) = world.deliver(order, attempt=2)
    assert isinstance(done, Done)
    assert world.totals() == {"S-1001": "53.60", "R-1001-1": "24.30"}


def test_our_own_pace_is_never_throttled(world: World) -> None:
    outcomes = world.deliver(*[an_order(number) for number in range(1000, 1000 + 60)])
    for start in range(2000, 2600, 60):
        outcomes += world.deliver(*[an_order(number) for number in range(start, start + 60)])
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert {call.status for call in world.sim.calls} == {200}


def test_a_refused_credential_burns_nothing(world: World) -> None:
    world.sim.do_revoke()
    with pytest.raises(NotAuthorised):
        world.deliver(an_order())
    assert world.sim.state()["items"] == []


def test_an_ended_subscription_stops_the_connection(world: World) -> None:
    world.sim.do_preferences(subscribed=False)
    with pytest.raises(NotAuthorised, match="Subscription"):
        world.deliver(an_order())


def test_a_fault_inside_a_200_is_a_fault(world: World) -> None:
    world.books.catalog.chart()
    fault = {"Fault": {"Error": [{"Message": "Bad", "Detail": "no good", "code": "6000"}], "type": "ValidationFault"}}
    world.fault("before", BATCH, status=200, body=fault)
    (held,) = world.deliver(an_order())
    assert isinstance(held, Held)
    assert "no good" in held.reason


def test_what_is_nothing_to_the_books_is_skipped_with_its_reason(world: World) -> None:
    gone = {"cancelled_at": NOON}
    outcomes = world.deliver(
        an_order(1001, test=True),
        an_order(1002, financial=Financial.PENDING),
        an_order(1003, financial=Financial.VOIDED, **gone),
    )
    assert outcomes == [
        Skipped(reason="test order"),
        Skipped(reason="not paid yet"),
        Skipped(reason="cancelled before it was paid"),
    ]
    assert len(world.sim.calls) == 0


def test_an_order_waiting_for_more_money_keeps_its_receipt(world: World) -> None:
    (first,) = world.deliver(an_order())
    mug = a_line("MUG-RED", 3)
    (outcome,) = world.deliver(an_order(lines=(mug,), edited=True, financial=Financial.PARTIALLY_PAID))
    assert isinstance(outcome, Done)
    assert isinstance(first, Done)
    assert outcome.binding == first.binding
    assert not outcome.changed


def test_an_order_of_nothing_is_posted_as_zero(world: World) -> None:
    gift = a_line("SAMPLE", 1, "4.00", discount=usd("4"))
    (outcome,) = world.deliver(an_order(lines=(gift,), shipping=()))
    assert isinstance(outcome, Done)
    assert world.totals() == {"S-1001": "0.00"}


def test_the_worked_example_balances_over_single_documents(world: World) -> None:
    # given orders of 1,026.00, of which gift cards paid 120.00; a card sold for 200.00; one refund of 77.76
    mug = a_line("MUG", 10, "80.00", discount=usd("80"), taxes=(a_tax("57.60", rate="0.08"),))
    tea = a_line("TEA", 10, "20.00", discount=usd("20"), taxes=(a_tax("14.40", rate="0.08"),))
    shipping = (a_shipping_charge("50.00", taxes=(a_tax("4.00", rate="0.08"),)),)
    paid = (a_payment("906.00"), a_payment("120.00", gateway="gift_card", id="gc"))
    back = a_refund(a_refund_line(mug, 1), id="r1")
    goods = an_order(
        1001,
        lines=(changed(mug, current=9), tea),
        shipping=shipping,
        payments=paid,
        refunds=(back,),
        financial=PAID_BACK,
    )
    card = an_order(1002, lines=(a_line("CARD", 1, "200.00", gift_card=True, requires_shipping=False),), shipping=())
    # when they are posted
    world.deliver(goods, card)
    # then the accounts are those of the worked example, before fees and payout
    assert world.totals() == {"S-1001": "906.00", "S-1002": "200.00", "R-1001-1": "77.76"}
    assert world.accounts == {
        "Online sales clearing": "1028.24",
        "Product sales": "1000.00",
        "Discounts": "-92.00",
        "Shipping income": "50.00",
        "Returns and refunds": "-80.00",
        "Sales tax payable (online)": "70.24",
        "Gift cards outstanding": "80.00",
    }


def test_reconciling_reads_every_document_with_its_marker(world: World) -> None:
    world.deliver(an_order(1001), an_order(1002))
    world.sim.do_add_document("SalesReceipt", "X-1", "5.00", note="by hand")
    found = {
        one.number: (f"{one.total:.2f}", one.kind, one.marker)
        for one in world.books.documents("2026-11-01", "2026-11-30")
    }
    assert found == {
        "S-1001": ("49.80", "SalesReceipt", "backroom:shop:51001:sale:51001"),
        "S-1002": ("49.80", "SalesReceipt", "backroom:shop:51002:sale:51002"),
        "X-1": ("5.00", "SalesReceipt", ""),
    }


def test_two_storefronts_with_the_same_number_are_told_apart_by_the_prefix(world: World) -> None:
    world.connect(prefix="A")
    world.deliver(an_order(1001))
    world.connect(prefix="B")
    world.bindings.clear()
    world.deliver(changed(an_order(1001), source="wholesale"))
    assert world.totals() == {"S-A-1001": "49.80", "S-B-1001": "49.80"}


def test_an_unreadable_order_holds_itself(world: World) -> None:
    event = an_event(an_order())
    broken = world.item(an_order(), events=(event.model_copy(update={"data": {"id": 7}}),))
    ((_, held),) = world.books.deliver([broken])
    assert isinstance(held, Held)
    assert held.cause == "unreadable"
