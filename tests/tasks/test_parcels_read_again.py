"""A label that the shipping app's list shows late is found, although later ones have been read meanwhile."""

from __future__ import annotations

from tasks import recording
from tests.journeys.house import House
from tests.small_house import order


def read(house: House) -> int:
    """Read parcels; how many were new."""
    return recording.record_changed_parcels(house.hub, "warehouse").counts["recorded"]


def test_a_label_that_was_shown_late_is_found_within_the_hour(house: House) -> None:
    # given three orders in the warehouse, and labels for two of them
    for _ in range(3):
        order(house)
    house.orders_everywhere()
    warehouse = house.vendors["warehouse"]
    late, soon, last = [each["shipment_id"] for each in warehouse.state()["shipments"]]
    assert read(house) == 0
    hidden = warehouse.act("buy_labels", {"shipment_ids": [late]})[0]
    label = warehouse.labels.by_id.pop(hidden)  # type: ignore[attr-defined]
    house.clock.sleep(40 * 60)
    warehouse.act("buy_labels", {"shipment_ids": [soon]})
    # when the list shows the older one after the newer was read
    assert read(house) == 1
    warehouse.labels.by_id[hidden] = label  # type: ignore[attr-defined]
    house.clock.sleep(60)
    # then it lies before the overlap, and is found once two hours are read again
    assert read(house) == 0
    house.clock.sleep(60 * 60)
    warehouse.act("buy_labels", {"shipment_ids": [last]})
    assert read(house) == 2
    # and reading again records nothing twice
    house.clock.sleep(60 * 60)
    assert read(house) == 0
