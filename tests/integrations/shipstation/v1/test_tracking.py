"""What is V1's own about tracking: two lists that share nothing, items only when asked for, marks without a key."""

from __future__ import annotations

import pytest

from commerce.parcels import ParcelLine
from tests.builders import NOON, a_fulfilment_order, a_line, after, an_order
from tests.integrations.shipstation.v1.world import V1World

TEA = a_line("TEA", 2, "5.00")


def test_a_label_costs_no_call_for_its_order(world: V1World) -> None:
    world.deliver(*(an_order(1000 + n) for n in range(150)))
    world.sim.do_buy_labels()
    world.sim.calls.clear()
    pages = world.pages()
    assert [len(page.parcels) for page in pages] == [100, 50, 0]
    # one page of labels, none of voids, none of fulfillments
    assert world.sim.do_calls() == {"GET 200": 3}


def test_marks_are_joined_by_a_list_where_there_are_many(world: V1World) -> None:
    world.deliver(*(an_order(1000 + n) for n in range(60)))
    for order in world.orders:
        world.sim.do_mark_shipped(order["orderId"], f"1Z{order['orderNumber']}")
    world.sim.calls.clear()
    parcels = world.parcels()
    assert {parcel.order_key: parcel.tracking_numbers for parcel in parcels} == {
        f"shop:5{1000 + n}": (f"1Z{1000 + n}",) for n in range(60)
    }
    # labels, voids, fulfillments, and one list of the orders
    assert world.sim.do_calls() == {"GET 200": 4}


def test_a_mark_whose_order_is_gone_is_a_parcel_without_an_order(world: V1World) -> None:
    world.deliver(an_order())
    world.sim.do_mark_shipped(58345234, "1Z1")
    world.sim.do_delete(58345234)
    assert [(each.order_key, each.tracking_numbers, each.lines) for each in world.parcels()] == [("", ("1Z1",), ())]


def test_a_discount_is_nothing_in_a_parcel(world: V1World) -> None:
    line = a_line("MUG-RED", 2, discount=a_line("MUG-RED").unit_price)
    world.deliver(an_order(lines=(line,), fulfilment_orders=(a_fulfilment_order([line]),)))
    world.sim.do_buy_labels()
    assert world.parcels()[0].lines == (ParcelLine(sku="MUG-RED", line_id="line-MUG-RED", quantity=2),)


def test_an_order_that_somebody_typed_in_is_a_parcel_without_an_order(world: V1World) -> None:
    world.deliver(an_order())
    theirs = {name: value for name, value in world.orders[0].items() if name not in ("orderId", "orderKey")}
    typed = world.sim.do_type_in({**theirs, "orderNumber": "PHONE-1"})
    world.sim.do_buy_labels([typed])
    (parcel,) = world.parcels()
    assert (parcel.order_key, parcel.shipment_id) == ("", f"se-{typed}")


def test_the_half_of_a_split_order_with_a_key_of_its_own_finds_its_order() -> None:
    world = V1World(split_shares_key=False)
    world.deliver(an_order(lines=(a_line("MUG-RED"), TEA)))
    half = world.sim.do_split(58345234, {"line-TEA": 2})
    world.sim.do_buy_labels([half])
    (parcel,) = world.parcels()
    assert (parcel.order_key, parcel.lines) == (
        "shop:51001",
        (ParcelLine(sku="TEA", line_id="line-TEA", quantity=2),),
    )


def test_a_voided_mark_is_told_within_its_week(world: V1World) -> None:
    world.deliver(an_order())
    mark = world.sim.do_mark_shipped(58345234, "1Z1")
    world.time.now += 5 * 86400
    world.sim.do_void_fulfillment(mark)
    found = world.parcels(since=after(days=4, hours=12))
    assert {(each.id, each.voided) for each in found} == {(f"fulfillment-se-{mark}", True)}


def test_a_label_that_lists_show_late_is_found_by_the_overlap() -> None:
    # given lists that are a minute and a half behind, and two labels a minute apart
    world = V1World(lag=90.0)
    world.deliver(an_order(1001), an_order(1002))
    world.time.now += 3600
    world.sim.do_buy_labels([58345234])
    world.time.now += 60
    world.sim.do_buy_labels([58345235])
    world.time.now += 45
    # when a reading sees the first only
    pages = world.pages()
    assert [parcel.order_key for page in pages for parcel in page.parcels] == ["shop:51001"]
    # then the next one begins there and sees the other
    world.time.now += 120
    watermark = pages[-1].watermark
    assert watermark is not None
    assert "shop:51002" in {parcel.order_key for parcel in world.parcels(since=watermark)}


@pytest.mark.parametrize(
    ("field", "value"),
    [("createDate", "soon"), ("createDate", None), ("shipmentItems", "two"), ("orderId", {"a": 1}), ("voidDate", 5)],
)
def test_one_label_that_cannot_be_read_is_reported_and_the_others_come(
    world: V1World, field: str, value: object
) -> None:
    world.deliver(an_order(1001), an_order(1002))
    first, _ = world.sim.do_buy_labels()
    answer = world.sim.labels.listed
    spoiled = {first: {field: value}}
    world.sim.labels.listed = lambda params, records: [  # type: ignore[method-assign]
        {**each, **spoiled.get(each["shipmentId"], {})} for each in answer(params, records)
    ]
    pages = world.pages()
    assert [parcel.order_key for page in pages for parcel in page.parcels] == ["shop:51002"]
    (broken,) = pages[0].unreadable
    assert (broken.subject, broken.label) == (f"warehouse:label-se-{first}", f"label {first}")
    assert broken.reason


def test_a_record_that_is_none_at_all_holds_up_nobody(world: V1World) -> None:
    world.deliver(an_order())
    world.sim.do_buy_labels()
    answer = world.sim.labels.listed
    world.sim.labels.listed = lambda params, records: [None, *answer(params, records)]  # type: ignore[method-assign,list-item]
    pages = world.pages()
    assert [parcel.order_key for page in pages for parcel in page.parcels] == ["shop:51001"]
    assert [each.label for page in pages for each in page.unreadable][:1] == ["label without an id"]


def test_more_than_one_page_is_read_to_the_end(world: V1World) -> None:
    for n in range(0, 1100, 100):
        world.deliver(*(an_order(1000 + n + each) for each in range(100)))
    world.sim.do_buy_labels()
    assert len({parcel.order_key for parcel in world.parcels(since=NOON)}) == 1100
