"""Webhooks through the API: made once, moved with the hub, thinned out, and other apps' left alone."""

from __future__ import annotations

from typing import Any

import pytest

from commerce.errors import Rejected
from commerce.ports import Subscribing
from tests.integrations.shipstation.conftest import World

HERE = "https://hub.example/hooks/warehouse"
THERE = "https://old.example/hooks/warehouse"
TOLD_BY = ("label_created_v2", "fulfillment_shipped_v2")


def hooks(world: World) -> list[tuple[str, str, str]]:
    return [(each["name"], each["event"], each["url"]) for each in world.sim.hooks.by_id.values()]


OURS = [("backroom warehouse", event, HERE) for event in TOLD_BY]


def test_they_are_made_once(world: World) -> None:
    assert isinstance(world.shipstation, Subscribing)
    assert [each.ok for each in world.shipstation.check_webhooks(HERE)] == [False, False]
    assert world.shipstation.ensure_webhooks(HERE) == dict.fromkeys(TOLD_BY, "created")
    written = world.written()
    assert world.shipstation.ensure_webhooks(HERE) == dict.fromkeys(TOLD_BY, "kept")
    assert world.written() == written
    assert hooks(world) == OURS
    assert [each.ok for each in world.shipstation.check_webhooks(HERE)] == [True]


def test_they_move_with_the_hub(world: World) -> None:
    world.shipstation.ensure_webhooks(THERE)
    assert [each.ok for each in world.shipstation.check_webhooks(HERE)] == [False, False]
    assert world.shipstation.ensure_webhooks(HERE) == dict.fromkeys(TOLD_BY, "moved")
    assert hooks(world) == OURS


def test_one_that_was_deleted_in_the_screens_comes_back(world: World) -> None:
    world.shipstation.ensure_webhooks(HERE)
    world.sim.hooks.by_id.popitem()
    assert [each.subject for each in world.shipstation.check_webhooks(HERE)] == ["webhook fulfillment_shipped_v2"]
    assert world.shipstation.ensure_webhooks(HERE) == {"label_created_v2": "kept", "fulfillment_shipped_v2": "created"}


def test_doubles_of_ours_are_thinned_out_and_those_of_others_stay(world: World) -> None:
    # given ours twice, and another app's
    world.shipstation.ensure_webhooks(HERE)
    world.sim.do_subscribe(HERE)
    world.sim.do_subscribe("https://other-app.example/hooks")
    # when they are ensured
    assert world.shipstation.ensure_webhooks(HERE) == dict.fromkeys(TOLD_BY, "kept")
    # then one of each is left, and the other app's are untouched
    assert hooks(world) == [*OURS, *(("backroom", event, "https://other-app.example/hooks") for event in TOLD_BY)]


NOT_OURS: dict[str, dict[str, Any]] = {
    "another app's": {"name": "ERP", "url": "https://erp.example/hooks/warehouse"},
    "another connection's": {"name": "backroom depot", "url": "https://hub.example/hooks/depot"},
    "another store's": {"name": "backroom warehouse", "url": HERE, "store_id": 77},
}


@pytest.mark.parametrize("other", NOT_OURS.values(), ids=NOT_OURS.keys())
def test_what_is_not_ours_is_never_moved(world: World, other: dict[str, Any]) -> None:
    for event in TOLD_BY:
        world.sim.hooks.subscribe({"event": event, **other})
    assert world.shipstation.ensure_webhooks(HERE) == dict.fromkeys(TOLD_BY, "created")
    assert hooks(world) == [*((other["name"], event, other["url"]) for event in TOLD_BY), *OURS]


def test_one_for_the_store_that_orders_land_in_is_enough(world: World) -> None:
    world.connect(store_id="se-77")
    for event in TOLD_BY:
        world.sim.hooks.subscribe({"event": event, "name": "mine", "url": HERE, "store_id": 77})
    assert world.shipstation.ensure_webhooks(HERE) == dict.fromkeys(TOLD_BY, "kept")


def test_one_made_before_webhooks_had_names_is_known_by_its_path(world: World) -> None:
    world.sim.do_subscribe(THERE)
    for hook in world.sim.hooks.by_id.values():
        hook["name"] = None
    world.spoilt = True
    assert world.shipstation.ensure_webhooks(HERE) == dict.fromkeys(TOLD_BY, "moved")
    assert hooks(world) == OURS


def test_a_create_whose_answer_is_lost_is_not_made_twice(world: World) -> None:
    world.fails("POST /v2/environment/webhooks", kind="after", status=409, body={"errors": [{"message": "Conflict."}]})
    assert world.shipstation.ensure_webhooks(HERE) == dict.fromkeys(TOLD_BY, "created")
    assert hooks(world) == OURS


def test_an_address_that_shipstation_does_not_like_is_said(world: World) -> None:
    with pytest.raises(Rejected, match="url"):
        world.shipstation.ensure_webhooks("hub.example/hooks/warehouse")
