"""History goes in bulk: many events in one call, no flow triggered, and one bad event costs the others nothing."""

from __future__ import annotations

from commerce.outcomes import Held
from integrations.simulator import Fault
from tests.builders import a_line, after, an_event, an_order
from tests.integrations.klaviyo.conftest import an_item, deliver, paths, placed, states, unique_ids


def test_history_goes_in_bulk_and_triggers_no_flow(account, klaviyo) -> None:
    # given 60 old orders, two of one shopper
    items = [placed(n, historical=True) for n in range(60)]
    items.append(placed(61, historical=True, email="shopper1@example.com"))
    # when they are delivered
    outcomes = deliver(klaviyo, items)
    # then one call did it, and no flow has run
    assert states(outcomes.values()) == ["done"] * 61
    assert paths(account) == ["/api/event-bulk-create-jobs 202"]
    state = account.state()
    assert (len(state["events"]), state["profiles"], state["flows_triggered"]) == (122, 60, 0)
    assert all(event["backfill"] for event in state["events"])


def test_what_happened_before_the_start_triggers_no_flow(account, connect) -> None:
    klaviyo = connect(live_from=after(days=1))
    old, new = an_order(1), an_order(2, updated_at=after(days=2))
    deliver(klaviyo, [an_item(an_event(old)), an_item(an_event(new))])
    backfill = {
        event["unique_id"]: event["backfill"] for event in account.state()["events"] if "placed" in event["unique_id"]
    }
    assert backfill == {"shop:placed:51": True, "shop:placed:52": False}
    assert account.state()["flows_triggered"] == 3


def test_a_repeat_in_a_bulk_request_costs_the_others_nothing(account, klaviyo) -> None:
    # given 40 old orders of which one is at Klaviyo already
    items = [placed(n, historical=True) for n in range(40)]
    deliver(klaviyo, [items[7]])
    # when all are delivered
    outcomes = deliver(klaviyo, items)
    # then all are there once
    assert states(outcomes.values()) == ["done"] * 40
    assert len(unique_ids(account)) == len(set(unique_ids(account))) == 80
    assert account.state()["flows_triggered"] == 0


def test_the_same_fact_twice_in_one_batch_is_sent_once(account, klaviyo) -> None:
    item = placed(1, historical=True)
    outcomes = list(klaviyo.deliver([item, item.model_copy(update={"ref": "another"})]))
    assert states(outcome for _, outcome in outcomes) == ["done", "done"]
    assert paths(account) == ["/api/event-bulk-create-jobs 202"]
    assert len(account.state()["events"]) == 2


def test_a_bulk_request_that_only_drops_repeats_is_fine_too(account, klaviyo) -> None:
    account.bulk_repeats = "drop"
    items = [placed(n, historical=True) for n in range(3)]
    deliver(klaviyo, items)
    assert states(deliver(klaviyo, items).values()) == ["done"] * 3
    assert len(account.state()["events"]) == 6


def test_one_bad_record_in_bulk_is_found_by_halving(account, klaviyo) -> None:
    # given 40 old orders, one with a title that Klaviyo finds too long
    items = [placed(n, historical=True) for n in range(40)]
    items[11] = placed(11, historical=True, lines=(a_line("TEA", 1, "5", title="x" * 200_000),))
    outcomes = deliver(klaviyo, items)
    held = outcomes.pop(items[11].subject)
    assert isinstance(held, Held)
    assert "larger than 100 KB" in held.reason
    assert states(outcomes.values()) == ["done"] * 39
    assert sum("bulk" in path for path in paths(account)) == 5


def test_a_bulk_request_has_at_most_a_thousand_events(account, klaviyo) -> None:
    lines = tuple(a_line("TEA", 1, "5", id=f"line-{n}") for n in range(399))
    items = [placed(n, historical=True, lines=lines) for n in range(3)]
    assert states(deliver(klaviyo, items).values()) == ["done"] * 3
    assert paths(account) == ["/api/event-bulk-create-jobs 202"] * 2


def test_a_lost_bulk_answer_leaves_a_doubt_that_the_single_endpoint_settles(account, klaviyo) -> None:
    # given a bulk request that was accepted but not answered
    account.faults = [Fault(on="POST", kind="drop_after")]
    items = [placed(n, historical=True) for n in range(3)]
    first = deliver(klaviyo, items)
    assert states(first.values()) == ["unknown"] * 3
    # when the hub tries again, in doubt
    doubtful = [item.model_copy(update={"in_doubt": True, "attempt": 2}) for item in items]
    again = deliver(klaviyo, doubtful)
    # then each event is there once
    assert states(again.values()) == ["done"] * 3
    assert len(account.state()["events"]) == 6
    assert paths(account) == ["/api/events 202"] * 6
    assert account.state()["flows_triggered"] == 0


def test_live_events_may_go_in_bulk_when_a_shop_wants_that(account, connect) -> None:
    klaviyo = connect(bulk_live=True)
    assert states(deliver(klaviyo, [placed(n) for n in range(20)]).values()) == ["done"] * 20
    assert paths(account) == ["/api/event-bulk-create-jobs 202"]
    assert account.state()["flows_triggered"] == 40
