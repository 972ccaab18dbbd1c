"""Labels and fulfillments come back as parcels, each with its order, its numbers and its day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from commerce.orders import Order
from commerce.parcels import Parcel, ParcelLine
from tests.builders import NOON, a_fulfilment_order, a_line, after, an_address, an_order
from tests.integrations.shipstation.conftest import EAST, WEST, World

MUGS = a_line("MUG-RED", 2)
TEA = a_line("TEA", 1, "5.00")
ONE_PLACE = an_order(lines=(MUGS, TEA))


def two_places(number: int = 1001) -> Order:
    """Mugs from "loc-1", tea from "loc-2"."""
    return an_order(
        number,
        lines=(MUGS, TEA),
        fulfilment_orders=(
            a_fulfilment_order([MUGS]),
            a_fulfilment_order([TEA], id="fo-2", location_id="loc-2", location="West coast"),
        ),
    )


def test_a_label_is_a_parcel(world: World) -> None:
    world.deliver(ONE_PLACE)
    world.sim.do_buy_labels()
    assert world.parcels() == [
        Parcel(
            source="warehouse",
            id="label-se-184976210",
            order_key="shop:51001",
            shipment_id="se-412669417",
            carrier="stamps_com",
            service="stamps_com_ground",
            tracking_numbers=("9400118497621001",),
            tracking_url="https://tools.usps.com/go/TrackConfirmAction?tLabels=9400118497621001",
            location_id="loc-1",
            # bought at 13:00 UTC, that is on the 20th in Los Angeles, whose midnight is at 8:00 UTC in winter
            shipped_at=datetime(2026, 11, 20, 8, tzinfo=UTC),
            updated_at=after(hours=1),
            lines=(
                ParcelLine(sku="MUG-RED", line_id="line-MUG-RED", quantity=2),
                ParcelLine(sku="TEA", line_id="line-TEA", quantity=1),
            ),
        )
    ]


def test_a_mark_as_shipped_is_a_parcel_too(world: World) -> None:
    world.deliver(ONE_PLACE)
    world.sim.do_mark_shipped("se-412669417", "383146600003")
    (parcel,) = world.parcels()
    assert (parcel.id, parcel.order_key, parcel.carrier) == ("fulfillment-se-16731019", "shop:51001", "FedEx")
    assert parcel.tracking_numbers == ("383146600003",)
    assert [line.quantity for line in parcel.lines] == [2, 1]


def test_the_key_tells_order_and_location(world: World) -> None:
    world.deliver(two_places())
    world.sim.do_buy_labels()
    assert [(each.order_key, each.location_id) for each in world.parcels()] == [
        ("shop:51001", "loc-1"),
        ("shop:51001", "loc-2"),
    ]


def test_a_warehouse_of_several_locations_names_none(world: World) -> None:
    world.connect(warehouses={"loc-1": EAST, "loc-9": EAST})
    world.deliver(ONE_PLACE)
    world.sim.do_buy_labels()
    assert [each.location_id for each in world.parcels()] == [""]


def test_every_package_has_its_number(world: World) -> None:
    world.deliver(ONE_PLACE)
    world.sim.do_buy_labels(packages=2, carrier="ups")
    assert world.parcels()[0].tracking_numbers == ("9400118497621001", "9400118497621002")


def test_returns_and_unfinished_labels_are_no_parcels_and_the_unfinished_are_read_again(world: World) -> None:
    world.deliver(ONE_PLACE)
    world.sim.do_return_label("se-412669417")
    (label,) = world.sim.do_buy_labels(status="processing")
    # when the label is still being made, nothing has left, and reading goes on from there
    pages = world.pages()
    assert [parcel for page in pages for parcel in page.parcels] == []
    assert pages[-1].watermark == after(hours=1)
    # then it is found once it is there
    world.sim.do_finish_label(label)
    assert len(world.parcels(since=after(hours=1))) == 1
    assert world.pages()[-1].watermark == after(hours=1)


def test_the_watermark_is_shipstations_newest_stamp_and_never_our_clock(world: World) -> None:
    # given a label; our clock is not even asked
    world.deliver(ONE_PLACE)
    assert world.pages()[-1].watermark is None
    world.sim.do_buy_labels()
    # then the next reading begins at the label, so that one bought a minute later is not skipped
    assert world.pages()[-1].watermark == after(hours=1)


def test_a_label_that_never_gets_finished_stops_nothing(world: World) -> None:
    # given a label that is stuck, and one bought hours later
    world.deliver(an_order(1001), an_order(1002))
    first, second = [each["shipment_id"] for each in world.sim.state()["shipments"]]
    world.sim.do_buy_labels([first], status="processing")
    world.time.now += 8 * 3600
    world.sim.do_buy_labels([second])
    # then the reading goes on from the later one
    assert world.pages()[-1].watermark == after(hours=9)


def test_a_void_is_told_once_it_happens_although_the_label_is_old(world: World) -> None:
    world.deliver(an_order(1001), an_order(1002))
    label, _ = world.sim.do_buy_labels()
    fulfillment = world.sim.do_mark_shipped("se-412669418", "1Z1")
    world.time.now += timedelta(days=5).total_seconds()
    world.sim.do_void_label(label)
    world.sim.do_void_fulfillment(fulfillment)
    # when only the last day is read
    voided = world.parcels(since=after(days=4, hours=12))
    # then both voids are seen, and the label that stays is not told again
    assert [(each.id, each.voided, each.updated_at) for each in voided] == [
        (f"label-{label}", True, after(days=5, hours=1)),
        (f"fulfillment-{fulfillment}", True, after(days=5, hours=1)),
    ]
    # and a day later nobody is told again
    assert world.parcels(since=after(days=6)) == []


def test_the_second_half_of_a_split_order_finds_its_order(world: World) -> None:
    world.deliver(ONE_PLACE)
    second = world.sim.do_split("se-412669417", {"line-TEA": 1})
    world.sim.do_buy_labels([second])
    (parcel,) = world.parcels()
    assert (parcel.order_key, parcel.location_id) == ("shop:51001", "loc-1")
    assert parcel.lines == (ParcelLine(sku="TEA", line_id="line-TEA", quantity=1),)


def test_an_order_that_somebody_typed_in_is_a_parcel_without_an_order(world: World) -> None:
    world.deliver(ONE_PLACE)
    to = world.shipments[0]["ship_to"]
    typed = world.sim.do_type_in({"warehouse_id": WEST, "ship_to": to, "items": [{"sku": "TEA", "quantity": 1}]})
    world.sim.do_buy_labels([typed])
    (parcel,) = world.parcels()
    assert (parcel.order_key, parcel.shipment_id) == ("", typed)


def test_a_replaced_shipment_still_tells_its_order() -> None:
    world = World(put_supported=False)
    world.deliver(two_places())
    moved = two_places().model_copy(update={"ship_to": an_address(line1="1 New Street")})
    world.deliver(moved)
    world.sim.do_buy_labels()
    assert [(each.order_key, each.location_id) for each in world.parcels()] == [
        ("shop:51001", "loc-1"),
        ("shop:51001", "loc-2"),
    ]


def test_many_labels_of_one_batch_take_few_calls(world: World) -> None:
    world.deliver(*(an_order(1000 + n) for n in range(150)))
    world.sim.do_buy_labels()
    world.sim.calls.clear()
    pages = world.pages()
    assert [len(page.parcels) for page in pages] == [100, 50, 0]
    # two pages of labels, two of their shipments, none of voids, none of fulfillments
    assert world.sim.do_calls() == {"GET 200": 6}


def test_one_label_that_cannot_be_read_is_reported_and_the_others_come(world: World) -> None:
    world.deliver(an_order(1001), an_order(1002))
    world.sim.do_buy_labels()
    world.spoilt = True
    world.sim.labels.by_id["se-184976210"]["packages"] = "two"
    pages = world.pages()
    assert [parcel.order_key for page in pages for parcel in page.parcels] == ["shop:51002"]
    (broken,) = pages[0].unreadable
    assert (broken.subject, broken.label) == ("warehouse:label-se-184976210", "label se-184976210")
    assert "packages" in broken.reason


def test_a_shipment_that_is_gone_leaves_a_parcel_without_an_order(world: World) -> None:
    world.deliver(ONE_PLACE)
    world.sim.do_buy_labels()
    world.sim.shipments.by_id.clear()
    assert [(each.order_key, each.lines) for each in world.parcels(since=NOON)] == [("", ())]
