"""What counts as missing, extra or different, judged by values alone."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.audits import Duties, Expected, Found, Report, sums
from commerce.comparing import differences
from commerce.expecting import expected_of
from commerce.money import money
from commerce.orders import Financial
from tests.builders import NOON, an_order, usd

BOOKS = Duties(keeps="documents")
SHIPPING = Duties(keeps="shipments")


def a_receipt(**changes):
    fields = {"subject": "shop:1", "label": "#1", "slot": "receipt", "states": ("posted",), "amount": usd("30.00")}
    return Expected(**{**fields, **changes})


def posted(id="7", **changes):
    fields = {"subject": "shop:1", "slot": "receipt", "vendor_id": id, "state": "posted", "amount": usd("30.00")}
    return Found(**{**fields, **changes})


def goods(units, **changes):
    fields = {"subject": "shop:1", "label": "#1", "slot": "shipment", "units": units, "most": units}
    return Expected(**{**fields, "needed": bool(units), **changes})


def shipment(units, id="se-1", state="open", **changes):
    return Found(subject="shop:1", slot="shipment", vendor_id=id, state=state, units=units, **changes)


def verdicts(expected, found):
    return [(one.verdict, one.vendor_id, one.found) for one in differences(expected, found)]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([posted()], []),
        ([posted(amount=usd("30"))], []),
        ([], [("missing", "", "nothing")]),
        ([posted(amount=usd("30.01"))], [("different", "7", "30.01 USD posted")]),
        ([posted(amount=money("30.00", "CAD"))], [("different", "7", "30.00 CAD posted")]),
        ([posted(state="unknown")], []),
        ([posted(), posted("8")], [("extra", "8", "30.00 USD posted")]),
        ([posted("6", amount=usd("1.00")), posted()], [("extra", "6", "1.00 USD posted")]),
        ([posted(subject="shop:2")], [("missing", "", "nothing"), ("extra", "7", "30.00 USD posted")]),
    ],
    ids=["right", "by value", "none", "a cent", "currency", "not judged", "twice", "a wrong copy", "nobody's"],
)
def test_a_document_is_there_once_with_its_amount(found, told):
    assert verdicts([a_receipt()], found) == told


def test_what_may_be_there_is_not_missing_and_not_extra():
    optional = a_receipt(needed=False, amount=None)
    assert verdicts([optional], []) == []
    assert verdicts([optional], [posted()]) == []


@pytest.mark.parametrize(
    ("wish", "found", "told"),
    [
        (goods({"a": 2}), [shipment({"a": 2})], []),
        (goods({"a": 2}), [shipment({"a": 1}), shipment({"a": 1}, "se-2")], []),
        (goods({"a": 2}), [shipment({"a": 1})], [("different", "se-1", "1 unit there")]),
        (goods({"a": 2}), [shipment({"a": 2}, state="cancelled")], [("missing", "se-1", "se-1 is cancelled")]),
        (goods({"a": 1}), [shipment({"a": 1}, state="shipped", tracking=("T1",))], []),
        (
            goods({"a": 1}, told=("T1",)),
            [shipment({"a": 1}, state="shipped", tracking=("T1",))],
            [("missing", "se-1", "nothing")],
        ),
        (goods({"a": 1}), [shipment({"a": 1}), shipment({"a": 1}, "se-2")], [("extra", "se-2", "1 unit open")]),
        (goods({"a": 1}, most={"a": 2}), [shipment({"a": 2})], []),
        (goods({"a": 1}), [shipment({"a": 2})], [("different", "se-1", "2 units open")]),
        (goods({}, over="cancelled"), [shipment({"a": 1})], [("different", "se-1", "1 unit open")]),
        (goods({}, over="cancelled"), [shipment({"a": 1}, state="shipped")], [("different", "se-1", "1 unit shipped")]),
        (goods({}, over="already fulfilled"), [shipment({"a": 1}, state="shipped")], []),
        (goods(None), [shipment({"a": 5})], []),
    ],
    ids=[
        "all there",
        "split",
        "half",
        "cancelled",
        "left, and the shop does not know",
        "left before, and another unit is owed",
        "doubled",
        "held back",
        "too many",
        "open although cancelled",
        "left although cancelled",
        "over",
        "what exists may go on",
    ],
)
def test_units_are_on_their_way_once(wish, found, told):
    assert verdicts([wish], found) == told


def test_what_an_order_owes():
    order = an_order()
    receipt = expected_of(order, BOOKS)
    assert [(one.slot, one.amount, one.needed) for one in receipt] == [("receipt", order.total, True)]
    unpaid = order.model_copy(update={"financial": Financial.PENDING})
    assert [one.needed for one in expected_of(unpaid, BOOKS)] == [False]
    assert [one.needed for one in expected_of(unpaid, BOOKS.model_copy(update={"unpaid_too": True}))] == [True]
    assert expected_of(unpaid.model_copy(update={"cancelled_at": NOON}), BOOKS) == []
    assert [one.states for one in expected_of(order, Duties(keeps="deals"))] == [("paid",)]
    assert [one.amount for one in expected_of(order, Duties(keeps="facts"))] == [order.total]
    nobody = order.model_copy(update={"email": "", "customer": None})
    assert [one.needed for one in expected_of(nobody, Duties(keeps="facts"))] == [False]
    test = order.model_copy(update={"test": True})
    assert [expected_of(test, Duties(keeps=what)) for what in ("documents", "deals", "facts")] == [[], [], []]
    assert [one.over for one in expected_of(test, SHIPPING)] == ["test order"]


def test_a_report_says_what_it_found():
    base = {"source": "shop", "destination": "books", "since": NOON, "until": NOON, "made_at": NOON}
    assert Report(**base).says == "everything is there"
    found = Report(**base, counts={"missing": 2, "held": 1}, recorded=1)
    assert (found.says, found.surprises) == ("2 missing; 1 held; 1 not in the log before", 2)
    assert Report(**base, counts={"held": 1}).clean
    assert not Report(**base, problem="is down").clean
    assert sums([usd("1.10"), usd("2.20"), money("5", "JPY")]) == {"JPY": "5", "USD": "3.30"}


@st.composite
def books(draw):
    """Orders that each need a receipt, and what is there of them: any number of copies, right or wrong."""
    wishes, found = [], []
    for number in range(draw(st.integers(0, 4))):
        wishes.append(a_receipt(subject=f"shop:{number}", label=f"#{number}"))
        for copy in range(draw(st.integers(0, 3))):
            amount = draw(st.sampled_from(["30.00", "30.01"]))
            found.append(posted(f"{number}-{copy}", subject=f"shop:{number}", amount=usd(amount)))
    found += [posted(f"x{n}", subject=f"shop:x{n}") for n in range(draw(st.integers(0, 2)))]
    return wishes, draw(st.permutations(found))


@given(books())
def test_whatever_is_there_the_counts_add_up_and_each_thing_is_named_once(world):
    wishes, found = world
    told = differences(wishes, found)
    counts = Counter(one.verdict for one in told)
    # what is there, less what is too many, with what is missing, is what should be there
    assert len(found) - counts["extra"] + counts["missing"] == len(wishes)
    named = [one.vendor_id for one in told if one.vendor_id]
    assert len(named) == len(set(named))
    # a wrong amount is told where no copy is right, and only there
    right = {one.subject for one in found if one.amount == usd("30.00")}
    there = {one.subject for one in found} & {one.subject for one in wishes}
    assert {one.subject for one in told if one.verdict == "different"} == there - right
    # the order in which a vendor lists does not matter
    assert sorted(map(str, differences(wishes, found[::-1]))) == sorted(map(str, told))
