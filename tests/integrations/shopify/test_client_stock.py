"""Setting stock: only what is different, only if nobody bought meanwhile."""

from __future__ import annotations

import pytest

from commerce.errors import NotAuthorised
from commerce.outcomes import Done, Held, Retry, Unknown
from commerce.ports import Unreadable

from .connected import Connected, a_wish


def numbers(shown):
    return {key: value for key, value in shown.items() if isinstance(value, int)}


def test_what_is_shown_is_what_is_available_at_that_location():
    # given mugs at two locations, two of which are sold
    shop = Connected()
    shop.place()
    main, east = shop.location("Main"), shop.location("East")
    # when we ask
    wishes = [a_wish("MUG-RED", 1, main), a_wish("MUG-RED", 1, east), a_wish("HAT", 1, main)]
    shown = shop.client.shown(wishes)
    # then each place has its own number, without what is promised to buyers
    assert shown == {("MUG-RED", main): 8, ("MUG-RED", east): 5, ("HAT", main): 10}


def test_the_physical_count_is_shown_and_set_when_the_merchant_wants_that():
    shop = Connected({"stock_name": "on_hand"})
    shop.place()
    main = shop.location()
    wish = a_wish("MUG-RED", 7, main)
    shown = shop.client.shown([wish])
    assert shown == {("MUG-RED", main): 10}
    list(shop.client.set_stock([wish], numbers(shown)))
    assert shop.level("MUG-RED") == {"available": 5, "on_hand": 7, "committed": 2}


def test_nothing_wanted_nothing_asked():
    shop = Connected()
    assert shop.client.shown([]) == {}
    assert list(shop.client.set_stock([], {})) == []
    assert shop.calls() == 0


def test_what_cannot_be_set_says_why():
    # given all the kinds of things that have no stock of their own
    shop = Connected()
    shop.sim.do_create_products(
        [
            {"sku": "TWIN", "levels": {"Main": 1}},
            {"sku": "TWIN", "levels": {"Main": 2}},
            {"sku": "SET", "bundle": True, "levels": {"Main": 1}},
            {"sku": "EBOOK", "tracked": False},
            {"sku": "CARD-50", "gift_card": True, "levels": {"Main": 1}},
            {"sku": "mug-blue", "levels": {"Main": 3}},
        ]
    )
    main, east = shop.location("Main"), shop.location("East")
    wishes = [a_wish(sku, 5, main) for sku in ("TWIN", "SET", "EBOOK", "CARD-50", "MUG-BLUE", "NO-SUCH", "MUG-RED")]
    # when we ask for them
    shown = shop.client.shown([*wishes, a_wish("HAT", 5, east), a_wish('HAT\'S "OWN"', 1, main)])
    # then each says what is wrong with it, and what is not there is left out
    words = {sku: value.reason for (sku, _), value in shown.items() if isinstance(value, Unreadable)}
    assert numbers(shown) == {("MUG-RED", main): 10}
    assert words == {
        "TWIN": "TWIN is the SKU of 2 products in Shopify",
        "SET": "SET is a bundle, whose stock follows from its parts",
        "EBOOK": "EBOOK is not tracked in Shopify, so it never runs out",
        "CARD-50": "CARD-50 is a gift card, which has no stock",
        "HAT": f"HAT is not stocked at location {east} in Shopify",
    }
    assert all(value.hint for value in shown.values() if isinstance(value, Unreadable))


def test_nothing_wanted_where_nothing_is_stocked_is_no_difference():
    shop = Connected()
    east = shop.location("East")
    assert shop.client.shown([a_wish("HAT", 0, east)]) == {("HAT", east): 0}


def test_stock_is_set_and_setting_it_again_changes_nothing():
    # given mugs and hats
    shop = Connected()
    main = shop.location()
    wishes = [a_wish("MUG-RED", 4, main), a_wish("HAT", 0, main)]
    # when both are set, and set again
    for _ in range(2):
        shown = shop.client.shown(wishes)
        outcomes = dict(shop.client.set_stock(wishes, numbers(shown)))
        assert all(isinstance(one, Done) for one in outcomes.values())
    # then they are there, and the second time nothing was written
    assert (shop.level("MUG-RED")["available"], shop.level("HAT")["available"]) == (4, 0)
    assert not any(one.changed for one in outcomes.values())


def test_another_process_may_set_what_this_one_has_read():
    shop = Connected()
    main = shop.location()
    wish = a_wish("MUG-RED", 4, main)
    shown = numbers(shop.client.shown([wish]))
    ((_, outcome),) = shop.another_client().set_stock([wish], shown)
    assert isinstance(outcome, Done)
    assert shop.level("MUG-RED")["available"] == 4


def test_what_was_sold_between_reading_and_writing_is_not_overwritten():
    # given that two mugs are sold after we have read
    shop = Connected()
    main = shop.location()
    wishes = [a_wish("MUG-RED", 4, main), a_wish("HAT", 3, main)]
    shown = numbers(shop.client.shown(wishes))
    shop.place()
    # when stock is set
    outcomes = {target.sku: outcome for target, outcome in shop.client.set_stock(wishes, shown)}
    # then the mugs are to be computed again, and the hats are set
    words = "MUG-RED: sold or counted meanwhile, no longer 10 as when it was read"
    assert outcomes["MUG-RED"] == Retry(reason=words, after=0)
    assert isinstance(outcomes["HAT"], Done)
    assert (shop.level("MUG-RED")["available"], shop.level("HAT")["available"]) == (8, 3)


def test_one_row_that_shopify_refuses_does_not_stop_the_others():
    # given a quantity beyond Shopify's bounds among good ones
    shop = Connected()
    main = shop.location()
    wishes = [a_wish("MUG-RED", 2_000_000_000, main), a_wish("HAT", 3, main)]
    # when they are set
    outcomes = {one.sku: out for one, out in shop.client.set_stock(wishes, numbers(shop.client.shown(wishes)))}
    # then the bad one is held in Shopify's words
    assert isinstance(outcomes["HAT"], Done)
    assert isinstance(outcomes["MUG-RED"], Held)
    assert outcomes["MUG-RED"].cause == "invalid_quantity_too_high"
    assert "1,000,000,000" in outcomes["MUG-RED"].reason


def test_a_sku_that_nobody_looked_at_is_held():
    shop = Connected()
    ((_, outcome),) = shop.client.set_stock([a_wish("NO-SUCH", 1, shop.location())], {})
    assert isinstance(outcome, Held)
    assert outcome.cause == "unknown_sku"


def test_many_rows_go_in_calls_of_250():
    # given 260 SKUs
    shop = Connected()
    shop.sim.do_create_products([{"sku": f"S{n}", "levels": {"Main": 1}} for n in range(260)])
    main = shop.location()
    wishes = [a_wish(f"S{n}", 2, main) for n in range(260)]
    shown = numbers(shop.client.shown(wishes))
    sent = shop.sent("InventorySet")
    # when all are set
    outcomes = list(shop.client.set_stock(wishes, shown))
    # then in two calls with keys of their own
    assert [len(one["input"]["quantities"]) for one in sent] == [250, 10]
    assert len({one["key"] for one in sent}) == 2
    assert all(outcome.changed for _, outcome in outcomes)


def test_a_lost_answer_is_asked_for_again_with_the_same_key_and_body():
    # given an answer that is lost after the stock was set
    shop = Connected()
    main = shop.location()
    wish = a_wish("MUG-RED", 4, main)
    shown = numbers(shop.client.shown([wish]))
    sent = shop.sent("InventorySet")
    shop.loses_the_answer_to("InventorySet")
    # when stock is set
    ((_, outcome),) = shop.client.set_stock([wish], shown)
    # then the second call is the first one again, and Shopify applied it once
    assert isinstance(outcome, Done)
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert shop.level("MUG-RED")["available"] == 4


def test_answers_that_stay_lost_leave_the_rows_in_doubt():
    shop = Connected()
    main = shop.location()
    wish = a_wish("MUG-RED", 4, main)
    shown = numbers(shop.client.shown([wish]))
    shop.loses_the_answer_to("InventorySet", times=9)
    ((_, outcome),) = shop.client.set_stock([wish], shown)
    assert isinstance(outcome, Unknown)


def test_a_lost_refusal_is_read_and_computed_again():
    # given a sale in between, and the refusal gets lost too
    shop = Connected()
    main = shop.location()
    wish = a_wish("MUG-RED", 4, main)
    shown = numbers(shop.client.shown([wish]))
    shop.place()
    shop.loses_the_answer_to("InventorySet")
    # when stock is set, Shopify says only that the first try failed
    ((_, outcome),) = shop.client.set_stock([wish], shown)
    # then it is tried again from the beginning
    assert isinstance(outcome, Retry)
    assert shop.level("MUG-RED")["available"] == 8


def test_a_change_without_effect_is_a_success_without_a_group():
    # Shopify answers with a null group when every row already had its quantity
    shop = Connected()
    main = shop.location()
    wish = a_wish("MUG-RED", 4, main)
    shown = numbers(shop.client.shown([wish]))
    shop.fails(
        "before",
        status=200,
        body={"data": {"inventorySetQuantities": {"inventoryAdjustmentGroup": None, "userErrors": []}}},
    )
    ((_, outcome),) = shop.client.set_stock([wish], shown)
    assert isinstance(outcome, Done)


def test_without_the_scope_nothing_is_burnt():
    shop = Connected(scopes=["read_products", "read_inventory", "read_locations"])
    main = shop.location()
    wish = a_wish("MUG-RED", 4, main)
    shown = numbers(shop.client.shown([wish]))
    with pytest.raises(NotAuthorised, match="write_inventory"):
        list(shop.client.set_stock([wish], shown))
