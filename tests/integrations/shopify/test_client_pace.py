"""We keep to Shopify's points by ourselves, and wait as told when others have taken them."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from commerce.errors import (
    RateLimited,
)
from integrations.limits import LocalBucket
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
    # then we wait one second for the missing points at 100 a second, and a moment that differs each time
    (waited,) = shop.slept
    assert 1.0 <= waited < 1.5


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

    throttle = Throttle(LocalBucket(lambda: now[0]), sleep)
    status = {"maximumAvailable": 100, "currentlyAvailable": 4, "restoreRate": 2}
    throttle.learn(documents.LOCATIONS, 12, {"requestedQueryCost": 12, "throttleStatus": status})
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
    assert 90.0 <= waiting.value.retry_after < 90.5


@pytest.mark.parametrize(
    ("plan", "each_second"), [("Basic", 100), ("Advanced", 200), ("Plus", 1000), ("Enterprise", 2000)]
)
@pytest.mark.parametrize("floats", [False, True])
def test_the_limits_of_the_plan_are_read_from_the_answers(plan, each_second, floats):
    # given a shop of some plan, whose numbers come as whole ones or with a decimal point, and hardly any points left
    shop = Connected(plan=plan, float_costs=floats)
    shop.sim.bucket.level = 20
    shop.client.locations()
    left = math.floor(shop.sim.bucket.available())
    # when something dear is asked for
    list(shop.client.orders_by_id(["5400000000001"]))
    # then we wait as long as this plan takes to give what is missing
    assert sum(shop.slept) == pytest.approx((documents.ORDERS_BY_ID.cost - left) / each_second, abs=0.02)
    assert shop.sim.throttled == 0


def test_calls_that_are_under_way_count_although_no_answer_tells_of_them_yet():
    # given 20 points, of which a call that is under way takes 12
    slept: list[float] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    throttle = Throttle(LocalBucket(lambda: now[0]), sleep)
    status = {"maximumAvailable": 100, "currentlyAvailable": 20, "restoreRate": 2}
    told = {"requestedQueryCost": 12, "actualQueryCost": 12, "throttleStatus": status}
    throttle.learn(documents.LOCATIONS, 12, told)
    throttle.wait(documents.LOCATIONS)
    # when an answer to an older one still says that there are 20, our 12 not yet taken
    throttle.learn(documents.LOCATIONS, 12, told)
    # then the next call waits for four more points
    throttle.wait(documents.LOCATIONS)
    assert slept == [2.0]


@pytest.mark.parametrize(
    "cost",
    [
        None,
        "much",
        [],
        {},
        {"throttleStatus": None},
        {"throttleStatus": {"currentlyAvailable": None, "maximumAvailable": "?", "restoreRate": 0}},
        {"requestedQueryCost": "NaN", "throttleStatus": {"currentlyAvailable": "Infinity"}},
    ],
)
def test_a_cost_that_nobody_can_read_stops_nothing(cost):
    throttle = Throttle(LocalBucket(lambda: 0.0), lambda _: None)
    throttle.learn(documents.LOCATIONS, 12, cost)
    assert throttle.wait(documents.LOCATIONS) > 0


def test_the_pace_is_kept_by_several_threads_that_share_a_client():
    # given a shop, and eight threads that read whole orders through one client
    shop = Connected()
    order = shop.place()
    lock = threading.Lock()
    answer = shop.sim.answer

    def one_by_one(request):
        with lock:
            return answer(request)

    shop.sim.answer = one_by_one  # type: ignore[method-assign]
    # when they read far more than the bucket holds
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: list(shop.client.orders_by_id([order])), range(40)))
    # then Shopify never had to say no
    assert shop.sim.do_calls().keys() == {"POST 200"}
    assert shop.sim.throttled == 0


def test_what_an_order_costs_is_never_thrown_away_by_a_throttle_of_our_own():
    shop = Connected()
    shop.place()
    for _ in range(80):
        list(shop.client.orders_by_id(["5400000000001"]))
    assert shop.sim.throttled == 0
    assert sum(shop.slept) > 0
