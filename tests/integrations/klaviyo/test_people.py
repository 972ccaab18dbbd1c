"""Identifiers that Klaviyo refuses cost nobody's event, and a person can be forgotten."""

from __future__ import annotations

import pytest

from commerce.errors import NotAuthorised, OutcomeUnknown
from commerce.outcomes import Done, Held
from commerce.ports import Forgetting, Person
from integrations.klaviyo.people import expendable
from integrations.simulator import Fault
from tests.builders import a_customer, an_order
from tests.integrations.klaviyo.conftest import deliver, paths, placed, states

ADA = Person(email="Ada@example.com", phone="+1 503 555 0123", customer_id="9001", source="shop")


def test_a_phone_number_that_only_klaviyo_knows_to_be_wrong_is_left_out(account, klaviyo) -> None:
    # given a number that looks well
    account.do_refuse_phone("+15035550123")
    # when its order is delivered
    outcome = deliver(klaviyo, [placed(1, phone="+15035550123")])["shop:51"]
    # then every event is there, and the delivery says what is missing
    assert isinstance(outcome, Done)
    assert outcome.note == "phone number left out: Klaviyo refuses it"
    assert len(account.state()["events"]) == 2
    # and the number was tried once, not for each of its events
    assert paths(account) == ["/api/events 400", "/api/events 202", "/api/events 202"]


def test_a_refused_phone_number_in_bulk_costs_the_others_nothing(account, connect) -> None:
    account.do_refuse_phone("+15035550123")
    items = [placed(n) for n in range(2, 15)]
    items.append(placed(15, phone="+15035550123"))
    outcomes = deliver(connect(bulk_live=True), items)
    assert states(outcomes.values()) == ["done"] * 14
    noted = {subject for subject, one in outcomes.items() if one.note}
    assert noted == {items[-1].subject}
    assert len(account.state()["events"]) == 28


def test_a_phone_number_that_is_all_we_know_holds_the_order(account, klaviyo) -> None:
    account.do_refuse_phone("+15035550123")
    (held,) = deliver(klaviyo, [placed(1, email="", phone="+15035550123")]).values()
    assert isinstance(held, Held)
    assert "phone_number" in held.reason
    assert "5035550123" not in held.reason + held.hint


def test_a_customer_without_an_address_whose_number_is_refused_is_known_by_the_shops_id(account, klaviyo) -> None:
    account.do_refuse_phone("+15035550123")
    customer = a_customer(email="")
    (outcome,) = deliver(klaviyo, [placed(1, email="", phone="+15035550123", customer=customer)]).values()
    assert isinstance(outcome, Done)
    assert {event["external_id"] for event in account.state()["events"]} == {"shop:9001"}


@pytest.mark.parametrize("conflicts", ["first", "refuse"])
def test_identifiers_of_two_people_go_with_the_address(account, klaviyo, conflicts) -> None:
    # given two people at Klaviyo, one of whom has the number that the other now types in
    account.account.people.upsert({"email": "ada@example.com", "external_id": "shop:9001"})
    account.account.people.upsert({"email": "ben@example.com", "phone_number": "+15035550123"})
    account.account.people.conflicts = conflicts
    # when Ada orders
    order = {"email": "ada@example.com", "phone": "+15035550123", "customer": a_customer()}
    (outcome,) = deliver(klaviyo, [placed(1, **order)]).values()
    # then the events are hers, and the number stays his
    assert isinstance(outcome, Done)
    assert ("phone number left out" in outcome.note) == (conflicts == "refuse")
    assert {event["email"] for event in account.state()["events"]} == {"ada@example.com"}
    assert account.state()["profiles"] == 2


def test_three_people_in_one_order_are_the_one_of_the_address(account, klaviyo) -> None:
    people = account.account.people
    for one in ({"email": "ada@example.com"}, {"phone_number": "+15035550123"}, {"external_id": "shop:9001"}):
        people.upsert(one)
    people.conflicts = "refuse"
    order = {"email": "ada@example.com", "phone": "+15035550123", "customer": a_customer()}
    (outcome,) = deliver(klaviyo, [placed(1, **order)]).values()
    assert isinstance(outcome, Done)
    assert outcome.note.count("left out") == 2
    assert len(account.state()["events"]) == 2


@pytest.mark.parametrize(
    ("profile", "refused", "odd"),
    [
        ({"email": "a@b.de", "phone_number": "+1", "external_id": "x"}, "phone_number", "phone_number"),
        ({"email": "a@b.de", "phone_number": "+1", "external_id": "x"}, "", "phone_number"),
        ({"email": "a@b.de", "external_id": "x"}, "", "external_id"),
        ({"phone_number": "+1", "external_id": "x"}, "", "external_id"),
        ({"email": "a@b.de", "external_id": "x"}, "phone_number", ""),
        ({"phone_number": "+1"}, "phone_number", ""),
        ({"email": "a@b.de", "first_name": "Ada"}, "", ""),
    ],
)
def test_what_an_event_can_do_without(profile, refused, odd) -> None:
    assert expendable(profile, refused) == odd


def test_a_person_is_forgotten_under_every_name(account, klaviyo) -> None:
    # given Ada under three profiles, with events, and somebody else
    customer = a_customer()
    deliver(
        klaviyo,
        [
            placed(1, email="ada@example.com"),
            placed(2, email="", phone="+15035550123"),
            placed(3, email="old-address@example.com", customer=customer),
            placed(4),
        ],
    )
    assert account.state()["profiles"] == 4
    # when she is to be forgotten
    assert isinstance(klaviyo, Forgetting)
    words = klaviyo.forget(ADA)
    # then only the other one is left, and the words name nobody
    assert words == (
        "asked Klaviyo to delete the profiles with this e-mail address and this phone number and this customer id; "
        "see its page Deleted profiles"
    )
    state = account.state()
    assert (state["profiles"], state["deleted"]) == (1, 3)
    assert {event["email"] for event in state["events"]} == {"shopper4@example.com"}
    # and asking again is harmless
    klaviyo.forget(ADA)
    assert account.state()["deleted"] == 3


def test_klaviyo_deletes_later_and_says_nothing(account, klaviyo, clock) -> None:
    account.jobs.seconds = 60.0
    deliver(klaviyo, [placed(1, email="ada@example.com")])
    klaviyo.forget(Person(email="ada@example.com"))
    assert account.state()["profiles"] == 1
    clock.sleep(60)
    assert account.state()["profiles"] == 0


@pytest.mark.parametrize(
    "person", [Person(), Person(phone="555"), Person(email="not one"), Person(customer_id="1", source="shop")]
)
def test_nobody_known_is_nobody_deleted(account, klaviyo, person) -> None:
    assert klaviyo.forget(person) == "Klaviyo was not asked: it knows nobody by what we were given"
    assert paths(account) == []


@pytest.mark.parametrize("customer_id", ['9"),equals(email,"x', "9\\", '9\\"', "9',x"])
def test_a_customer_id_is_quoted(account, klaviyo, customer_id) -> None:
    deliver(klaviyo, [placed(1, customer=a_customer(id=customer_id))])
    deliver(klaviyo, [placed(2)])
    klaviyo.forget(Person(customer_id=customer_id, source="shop"))
    assert (account.state()["profiles"], account.state()["deleted"]) == (1, 1)


def test_a_key_that_may_not_delete_says_which_scope_it_lacks(account, klaviyo) -> None:
    account.do_set_scopes(["profiles:read"])
    with pytest.raises(NotAuthorised, match="lacks the scope data-privacy:write"):
        klaviyo.forget(ADA)


def test_a_key_that_may_not_look_deletes_by_what_is_known(account, klaviyo) -> None:
    account.do_set_scopes(["data-privacy:write"])
    words = klaviyo.forget(ADA)
    assert "e-mail address and this phone number" in words
    assert words.endswith("could not be looked for, the key lacks profiles:read")
    assert "not asked: profiles with this" in klaviyo.forget(Person(customer_id="1", source="shop"))


def test_a_deletion_without_an_answer_is_asked_for_again(account, klaviyo) -> None:
    account.faults = [Fault(kind="drop_after", on="POST", times=2)]
    assert klaviyo.forget(Person(email="ada@example.com")).startswith("asked Klaviyo")
    account.faults = [Fault(kind="drop_after", on="POST", times=9)]
    with pytest.raises(OutcomeUnknown) as lost:
        klaviyo.forget(Person(email="ada@example.com"))
    assert "ada@" not in str(lost.value)


def test_a_person_is_not_shown() -> None:
    assert "ada" not in repr(ADA).lower()
    assert "503" not in repr(ADA)


def test_an_order_after_the_deletion_makes_a_new_profile(account, klaviyo) -> None:
    klaviyo.forget(ADA)
    deliver(klaviyo, [placed(1, email=an_order().email)])
    assert account.state()["profiles"] == 1
