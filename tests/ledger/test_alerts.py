"""An alert is told once, and then that it is over."""

from __future__ import annotations

import pytest

from commerce.ports import Alert
from tests.ledger.contract import together


def an_alert(fingerprint="late:orders", what="since 12:00"):
    return Alert(fingerprint=fingerprint, title="orders are late", what=what, todo="look")


def to_send(ledger):
    return [(kept.alert.fingerprint, kept.alert.over) for kept in ledger.alerts_to_send()]


def send_all(ledger):
    for kept in ledger.alerts_to_send():
        assert ledger.sending_alert(kept.id)
        ledger.alert_sent(kept.id)


def send_into_silence(ledger):
    """Send what may be sent, and never hear of it; returns whether each was sent before."""
    waiting = ledger.alerts_to_send()
    assert all(ledger.sending_alert(kept.id) for kept in waiting)
    return [kept.alert.again for kept in waiting]


def test_the_same_problem_is_told_once_with_its_newest_words(ledger):
    assert ledger.raise_alert(an_alert()) is True
    assert ledger.raise_alert(an_alert(what="since 11:00")) is False
    assert [kept.alert.what for kept in ledger.alerts_to_send()] == ["since 11:00"]
    send_all(ledger)
    assert ledger.raise_alert(an_alert()) is False
    assert to_send(ledger) == []


def test_the_good_news_follows_once(ledger):
    ledger.raise_alert(an_alert())
    send_all(ledger)
    assert (ledger.clear_alert("late:orders"), ledger.clear_alert("late:orders")) == (True, False)
    assert ledger.open_alerts() == []
    assert to_send(ledger) == [("late:orders", True)]
    send_all(ledger)
    assert to_send(ledger) == []


def test_a_problem_that_was_over_before_anyone_was_told_is_not_told(ledger):
    ledger.raise_alert(an_alert())
    ledger.clear_alert("late:orders")
    assert to_send(ledger) == []


def test_a_problem_that_ends_while_it_is_being_told_is_told_to_be_over(ledger):
    ledger.raise_alert(an_alert())
    [kept] = ledger.alerts_to_send()
    ledger.clear_alert("late:orders")
    ledger.alert_sent(kept.id)
    assert to_send(ledger) == [("late:orders", True)]


def test_a_problem_that_comes_back_is_new(ledger):
    ledger.raise_alert(an_alert())
    send_all(ledger)
    ledger.clear_alert("late:orders")
    assert ledger.raise_alert(an_alert()) is True
    assert to_send(ledger) == [("late:orders", True), ("late:orders", False)]


def test_one_of_many_who_find_a_problem_at_once_raises_it(opened):
    new: list[bool] = []
    together(*[lambda: new.append(opened().raise_alert(an_alert()))] * 4)
    assert sorted(new) == [False, False, False, True]
    assert len(opened().open_alerts()) == 1


def test_a_message_without_an_answer_is_sent_again_a_few_times_only_later_and_later(ledger, clock):
    # given a problem that is sent at each watch, every five minutes for two days, and nobody ever answers
    ledger.raise_alert(an_alert())
    sent = []
    for minutes in range(0, 2 * 24 * 60, 5):
        sent += [(minutes, again) for again in send_into_silence(ledger)]
        clock.pass_by(300)
    # then it went out four times, and said from the second time on that it is the same
    assert sent == [(0, False), (10, True), (70, True), (430, True)]
    # and whoever looks sees that it was not confirmed
    [kept] = ledger.open_alerts()
    assert (kept.heard, kept.unanswered) == ("not confirmed", 4)
    assert [one.heard for one in ledger.untold_alerts()] == ["not confirmed"]


def test_an_answer_ends_it(ledger, clock):
    ledger.raise_alert(an_alert())
    send_into_silence(ledger)
    clock.pass_by(600)
    send_all(ledger)
    clock.pass_by(86400)
    assert to_send(ledger) == []
    assert [kept.heard for kept in ledger.open_alerts()] == ["told"]
    assert ledger.untold_alerts() == []


def test_what_no_channel_can_have_is_sent_again_at_once_however_often(ledger):
    ledger.raise_alert(an_alert())
    for _ in range(9):
        [kept] = ledger.alerts_to_send()
        assert send_into_silence(ledger) == [False]
        ledger.alert_not_sent(kept.id)
    assert [kept.heard for kept in ledger.open_alerts()] == ["not told"]


def test_a_problem_that_people_may_know_of_is_told_to_be_over_and_is_no_longer_repeated(ledger, clock):
    ledger.raise_alert(an_alert())
    send_into_silence(ledger)
    ledger.clear_alert("late:orders")
    assert to_send(ledger) == [("late:orders", True)]
    # the good news has its own tries, and is let go in the end
    sent = 0
    for _ in range(200):
        sent += len(send_into_silence(ledger))
        clock.pass_by(600)
    assert sent == 4
    assert ledger.untold_alerts() == []


def test_a_problem_that_surely_nobody_was_told_of_is_not_told_to_be_over(ledger):
    ledger.raise_alert(an_alert())
    [kept] = ledger.alerts_to_send()
    send_into_silence(ledger)
    ledger.clear_alert("late:orders")
    ledger.alert_not_sent(kept.id)
    assert to_send(ledger) == []


@pytest.mark.parametrize("over", [False, True])
def test_one_of_many_who_send_at_once_sends(opened, over):
    opened().raise_alert(an_alert())
    if over:
        send_all(opened())
        opened().clear_alert("late:orders")
    [kept] = opened().alerts_to_send()
    mine: list[bool] = []
    together(*[lambda: mine.append(opened().sending_alert(kept.id))] * 4)
    assert sorted(mine) == [False, False, False, True]
