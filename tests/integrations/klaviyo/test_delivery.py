"""Facts reach Klaviyo once, whatever happens on the way, and nobody is subscribed or mailed by accident."""

from __future__ import annotations

import pytest

from commerce.errors import NotAuthorised, RateLimited, TemporarilyUnavailable
from commerce.events import Kind
from commerce.outcomes import Binding, Done, Held, Skipped, Unknown
from integrations.simulator import Fault
from tests.builders import a_fulfilment, a_line, a_refund, after, an_event, an_order
from tests.integrations.klaviyo.conftest import about, an_item, deliver, paths, placed, states, unique_ids


def test_the_life_of_an_order(account, klaviyo) -> None:
    # given an order that was placed, half refunded, shipped and cancelled
    order = an_order(
        refunds=(a_refund(id="r1", amount="7.50"),), fulfilments=(a_fulfilment(),), cancelled_at=after(hours=4)
    )
    facts = [(Kind.ORDER_PLACED, ""), (Kind.ORDER_REFUNDED, "r1"), (Kind.ORDER_FULFILLED, "ful-1")]
    items = [about(order, kind, part) for kind, part in [*facts, (Kind.ORDER_CANCELLED, "")]]
    # when Klaviyo is told
    outcomes = {item.ref: outcome for item, outcome in klaviyo.deliver(items)}
    # then each fact is there under its metric, with its amount
    assert all(outcome.state == "done" for outcome in outcomes.values())
    told = {(event["metric"], event["value"]) for event in account.state()["events"]}
    assert told == {
        ("Placed Order", 49.8),
        ("Ordered Product", 39.8),
        ("Ordered Product", 5.0),
        ("Refunded Order", 7.5),
        ("Fulfilled Order", 49.8),
        ("Cancelled Order", 49.8),
    }
    assert outcomes[items[1].ref] == Done(binding=Binding(vendor_id="shop:refunded:51001:r1"))


def test_an_item_with_several_facts_is_bound_to_the_newest(account, klaviyo) -> None:
    order = an_order(cancelled_at=after(hours=1))
    item = an_item(an_event(order), an_event(order, Kind.ORDER_UPDATED), an_event(order, Kind.ORDER_CANCELLED))
    (outcome,) = deliver(klaviyo, [item]).values()
    assert outcome == Done(binding=Binding(vendor_id="shop:cancelled:51001"))
    assert len(account.state()["events"]) == 4


def test_delivering_twice_changes_nothing(account, klaviyo) -> None:
    # given live orders and old ones that were delivered
    items = [placed(1), placed(2), placed(3, historical=True), placed(4, historical=True)]
    assert states(deliver(klaviyo, items).values()) == ["done"] * 4
    before = account.state()
    # when they are delivered again
    again = deliver(klaviyo, items)
    # then Klaviyo holds what it held
    assert states(again.values()) == ["done"] * 4
    assert account.state() == before


def test_two_lines_of_one_order_are_two_events(account, klaviyo) -> None:
    lines = tuple(a_line("TEA", 1, "5", id=f"line-{n}") for n in range(5))
    deliver(klaviyo, [placed(1, lines=lines)])
    assert len(account.state()["events"]) == 6


def test_orders_nobody_needs_to_hear_of_are_skipped_with_the_reason(account, klaviyo) -> None:
    guest = an_order(1, email="", phone="call me", customer=None)
    items = [
        an_item(an_event(guest)),
        an_item(an_event(an_order(2, test=True))),
        about(an_order(3), Kind.ORDER_UPDATED),
    ]
    assert list(deliver(klaviyo, items).values()) == [
        Skipped(reason="guest without e-mail"),
        Skipped(reason="test order"),
        Skipped(reason="nothing that marketing needs"),
    ]
    assert not account.calls


def test_one_bad_address_holds_itself_and_nobody_else(account, klaviyo) -> None:
    bad = placed(2, email="pat at example.com")
    outcomes = deliver(klaviyo, [placed(1), bad, placed(3)])
    held = outcomes.pop(bad.subject)
    assert isinstance(held, Held)
    assert held.cause == "unmappable_email"
    assert "#2" in held.reason
    assert "pat" not in held.reason + held.hint
    assert states(outcomes.values()) == ["done", "done"]


def test_a_record_of_the_log_that_is_no_order_is_held_without_its_values(klaviyo) -> None:
    fact = an_event(an_order(1))
    broken = fact.model_copy(update={"data": {**fact.data, "email": ["pat@example.com"]}})
    (held,) = deliver(klaviyo, [an_item(broken)]).values()
    assert isinstance(held, Held)
    assert held.cause == "unreadable_order"
    assert "email" in held.reason
    assert "pat@" not in held.reason


def test_a_doubtful_phone_number_is_left_out_and_noted(account, klaviyo) -> None:
    (outcome,) = deliver(klaviyo, [placed(1, phone="555-0123")]).values()
    assert isinstance(outcome, Done)
    assert outcome.note == "phone number left out: not a whole international number"


def test_what_klaviyo_refuses_is_held_with_its_words_and_without_the_shoppers(account, klaviyo) -> None:
    # given an event that Klaviyo refuses, quoting what the shopper typed in
    body = {
        "errors": [
            {
                "id": "2c76424d",
                "status": 400,
                "code": "invalid",
                "title": "Invalid input.",
                "detail": "Invalid email 'pat@example.com' with phone +1 503 555 0199 of \"Pat\".",
                "source": {"pointer": "/data/attributes/profile/data/attributes/email"},
            }
        ]
    }
    account.faults = [Fault(on="POST", kind="before", status=400, body=body)]
    (held,) = deliver(klaviyo, [placed(1)]).values()
    # then a person sees where and why, and no personal data
    assert isinstance(held, Held)
    assert held.cause == "refused_invalid"
    assert "order #1: klaviyo: Invalid input. Invalid email […] with phone […] of […]." in held.reason
    assert "/data/attributes/profile/data/attributes/email" in held.reason
    assert "2c76424d" in held.reason


@pytest.mark.parametrize("kind", ["after", "drop_after", "timeout_after"])
def test_a_lost_answer_gives_one_event(account, klaviyo, kind) -> None:
    account.faults = [Fault(on="POST", kind=kind, status=503)]
    assert states(deliver(klaviyo, [placed(1)]).values()) == ["done"]
    assert unique_ids(account) == ["shop:ordered:51:line-TEA", "shop:placed:51"]


def test_an_order_is_done_only_when_all_its_events_are_accepted(account, connect) -> None:
    # given Klaviyo that stops answering after the first event
    klaviyo, item = connect(workers=1), placed(1)
    account.faults = [Fault(on="POST", kind="after", status=202), Fault(on="POST", kind="before", status=502, times=4)]
    (outcome,) = deliver(klaviyo, [item]).values()
    # then the order is in doubt, not done
    assert outcome == Unknown(reason="order #1: Klaviyo gave no clear answer")
    assert unique_ids(account) == ["shop:placed:51"]
    # and the next try completes it
    (again,) = deliver(klaviyo, [item.model_copy(update={"in_doubt": True})]).values()
    assert again.state == "done"
    assert len(account.state()["events"]) == 2


def test_an_order_that_was_cut_in_the_middle_is_in_doubt(account, connect) -> None:
    # given Klaviyo that asks for a long pause after the first event
    klaviyo, told = connect(workers=1), []
    account.faults = [
        Fault(on="POST", kind="after", status=202),
        Fault(on="POST", status=429, headers={"retry-after": "55"}),
    ]
    with pytest.raises(RateLimited):
        told.extend(klaviyo.deliver([placed(1), placed(2)]))
    # then it is told as in doubt, the next one not at all, and nothing more was sent
    assert [(item.subject, outcome) for item, outcome in told] == [
        ("shop:51", Unknown(reason="order #1: 1 of 2 events accepted, the rest not sent"))
    ]
    assert unique_ids(account) == ["shop:placed:51"]


def test_too_fast_waits_as_long_as_klaviyo_asks(account, klaviyo, clock) -> None:
    account.faults = [Fault(on="POST", kind="before", status=429, headers={"retry-after": "7"}, body={"errors": []})]
    assert states(deliver(klaviyo, [placed(1)]).values()) == ["done"]
    assert clock.slept == [7.0]


def test_a_long_wait_is_handed_back_to_the_hub(account, connect, clock) -> None:
    klaviyo = connect(workers=1)
    account.faults = [Fault(on="POST", kind="before", status=429, headers={"retry-after": "55"}, body={"errors": []})]
    with pytest.raises(RateLimited) as told:
        list(klaviyo.deliver([placed(1), placed(2)]))
    assert told.value.retry_after == 55
    assert clock.slept == []


def test_our_pace_stays_within_klaviyos_limits(account, connect, clock) -> None:
    # given 350 live events on one worker
    klaviyo = connect(workers=1)
    outcomes = deliver(klaviyo, [placed(n) for n in range(175)])
    # then Klaviyo never has to slow us down
    assert states(outcomes.values()) == ["done"] * 175
    assert account.do_calls() == {"GET 200": 1, "POST 202": 350}
    assert sum(clock.slept) >= 1


def test_a_vendor_that_is_down_is_not_asked_for_every_order(account, connect) -> None:
    klaviyo = connect(workers=1)
    account.faults = [Fault(on="POST", kind="before", status=503, times=1000)]
    told = []
    with pytest.raises(TemporarilyUnavailable, match="gave no answer to 3 orders"):
        told.extend(klaviyo.deliver([placed(n) for n in range(50)]))
    assert states(outcome for _, outcome in told) == ["unknown"] * 3
    assert len(paths(account)) == 12


def test_a_refused_key_stops_the_batch_and_burns_nothing(account, klaviyo) -> None:
    account.do_revoke_key()
    with pytest.raises(NotAuthorised, match="refuses the API key") as refused:
        list(klaviyo.deliver([placed(n) for n in range(20)]))
    assert "pk_sim" not in str(refused.value)
    assert len(paths(account)) <= 2
    # and once there is a key again, all arrive
    account.do_set_key("pk_sim")
    assert states(deliver(klaviyo, [placed(n) for n in range(20)]).values()) == ["done"] * 20


def test_a_bad_key_that_klaviyo_calls_a_bad_request_is_a_refused_key_too(account, klaviyo) -> None:
    account.auth_status = 400
    account.do_revoke_key()
    with pytest.raises(NotAuthorised, match="refuses the API key"):
        list(klaviyo.deliver([placed(1, historical=True)]))


def test_a_missing_scope_is_named(account, klaviyo) -> None:
    account.do_set_scopes(["metrics:read"])
    with pytest.raises(NotAuthorised, match="lacks the scope events:write"):
        list(klaviyo.deliver([placed(1)]))


def test_a_retired_revision_pauses_instead_of_changing_behaviour(account, klaviyo) -> None:
    account.do_retire_revision("2026-07-15")
    with pytest.raises(NotAuthorised, match="revision retired: 2026-07-15"):
        list(klaviyo.deliver([placed(1)]))


def test_a_wrong_address_pauses_instead_of_holding_every_order(connect) -> None:
    klaviyo = connect(base_url="https://a.klaviyo.com/elsewhere")
    with pytest.raises(NotAuthorised, match="answered 404"):
        list(klaviyo.deliver([placed(1)]))


def test_nothing_we_send_gives_or_restores_consent(account, klaviyo) -> None:
    # given a shopper who has unsubscribed, and who the shop believes accepts marketing
    account.do_suppress("ada@example.com")
    order = an_order(refunds=(a_refund(id="r", amount="1"),))
    customer = order.customer.model_copy(update={"accepts_marketing": True})
    order = order.model_copy(update={"customer": customer})
    # when they buy and get money back, live and in history
    items = [about(order, Kind.ORDER_PLACED), about(order, Kind.ORDER_REFUNDED, "r", historical=True)]
    outcomes = list(klaviyo.deliver(items))
    assert states(out for _, out in outcomes) == ["done", "done"]
    # then they stay as they were
    assert (account.state()["subscribed"], account.state()["suppressed"]) == (0, 1)
    assert not any("subscription" in call.path for call in account.calls)
