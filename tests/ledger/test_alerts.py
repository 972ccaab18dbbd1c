"""An alert is told once, and then that it is over."""

from __future__ import annotations

from commerce.ports import Alert
from tests.ledger.contract import together


def an_alert(fingerprint="late:orders", what="since 12:00"):
    return Alert(fingerprint=fingerprint, title="orders are late", what=what, todo="look")


def to_send(ledger):
    return [(kept.alert.fingerprint, kept.alert.over) for kept in ledger.alerts_to_send()]


def send_all(ledger):
    for kept in ledger.alerts_to_send():
        ledger.alert_sent(kept.id)


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
