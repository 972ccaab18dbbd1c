"""We keep to Shopify's points by ourselves, and wait as told when others have taken them."""

from __future__ import annotations

import pytest

from commerce.errors import (
    RateLimited,
)
from integrations.shopify import documents
from integrations.shopify.throttle import Throttle

from .connected import Connected


def test_a_429_is_waited_out_as_long_as_shopify_asks():
    # given a shop whose front servers are busy
    shop = Connected()
    shop.fails("before", status=429, headers={"retry-after": "2.0"})
    # when it is read
    assert len(shop.client.locations()) == 2
    # then after exactly that wait
    assert shop.slept == [2.0]


def test_being_throttled_waits_for_the_missing_points():
    # given a bucket that others have emptied down to 3 points, which we do not know
    shop = Connected()
    shop.client.locations()
    shop.sim.bucket.level = 3
    client = shop.another_client()
    # when we ask for something that costs 11
    assert len(client.locations()) == 2
    # then we wait one second for the missing points at 100 a second
    assert shop.slept == [1.0]


def test_we_are_never_throttled_by_our_own_doing():
    # given a shop and a call of a known price
    shop = Connected()
    shop.place()
    # when we read as fast as we can, far beyond the bucket of 2,000 points
    for _ in range(60):
        list(shop.client.orders_by_id(["5400000000001"]))
        shop.sim.bucket.level -= 150  # others work too
        shop.client.locations()
    # then we have waited, and Shopify has never said no
    assert sum(shop.slept) > 10
    assert shop.sim.do_calls().keys() == {"POST 200"}
    assert shop.sim.bucket.level > 0


def test_our_pace_can_be_switched_off():
    shop = Connected({"pace": False}, limits=False)
    for _ in range(50):
        shop.client.locations()
    assert shop.slept == []


def test_the_throttle_waits_for_what_is_missing_and_no_longer():
    # given a bucket of which we know that 4 points are left, filling with 2 a second
    slept: list[float] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    throttle = Throttle(lambda: now[0], sleep)
    status = {"maximumAvailable": 100, "currentlyAvailable": 4, "restoreRate": 2}
    throttle.learn(documents.LOCATIONS, {"requestedQueryCost": 12, "throttleStatus": status})
    # when a call of 12 points is due
    throttle.wait(documents.LOCATIONS)
    # then it waits four seconds; a second one, six more
    throttle.wait(documents.LOCATIONS)
    assert slept == [4.0, 6.0]


def test_a_throttled_call_that_would_wait_too_long_is_left_to_the_task():
    shop = Connected()
    shop.client.locations()
    cost = {
        "requestedQueryCost": 900,
        "throttleStatus": {"currentlyAvailable": 0, "restoreRate": 10, "maximumAvailable": 1000},
    }
    body = {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], "extensions": {"cost": cost}}
    shop.fails("before", status=200, body=body)
    with pytest.raises(RateLimited) as waiting:
        shop.client.locations()
    assert waiting.value.retry_after == 90.0
