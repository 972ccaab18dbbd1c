"""Setting stock when the products, the places or Shopify's answers are not as one would wish."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.outcomes import Done, Held, Outcome, Retry, Unknown
from commerce.ports import Unreadable
from commerce.stock import StockTarget

from .connected import Connected, a_wish
from .spoiling import after, says_internal_error, spoils


def write(shop: Connected, *wishes: StockTarget) -> dict[str, Outcome]:
    """Look, write, and what became of each SKU."""
    shown = {key: value for key, value in shop.client.shown(wishes).items() if isinstance(value, int)}
    return {target.sku: outcome for target, outcome in shop.client.set_stock(wishes, shown)}


def available(shop: Connected, sku: str, place: str = "Main") -> int:
    return shop.level(sku, place)["available"]


def why(shown: Any) -> str:
    assert isinstance(shown, Unreadable)
    return shown.reason


class TestFinding:
    """Products by SKU."""

    @pytest.mark.parametrize(
        "sku",
        ["O'NEIL", 'HOOP 12"', "BACK\\SLASH", "A,B", "A:B", "A OR B", "(X)", "-MINUS", "A*", "Ä ö ß", "a" * 255],
    )
    def test_a_sku_may_hold_anything(self, sku):
        # given a product with an awkward SKU
        shop = Connected()
        shop.sim.do_create_products([{"sku": sku, "levels": {"Main": 3}}])
        # when it is set
        outcome = write(shop, a_wish(sku, 7, shop.location()))[sku]
        # then it is found, and it alone
        assert isinstance(outcome, Done)
        assert available(shop, sku) == 7
        assert available(shop, "MUG-RED") == 10

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.text("aB1'\"\\:,*() -_", min_size=1, max_size=8), min_size=1, max_size=4, unique=True))
    def test_whatever_is_in_a_sku_no_other_product_is_shown_for_it(self, skus):
        shop = Connected()
        shop.sim.do_create_products([{"sku": sku, "levels": {"Main": n}} for n, sku in enumerate(skus)])
        main = shop.location()
        shown = shop.client.shown([a_wish(sku, 9, main) for sku in skus])
        for n, sku in enumerate(skus):
            # SKUs without a letter or digit cannot be searched for; all others are found, with their own number
            searchable = any(letter.isalnum() or letter == "_" for letter in sku)
            assert shown.get((sku, main)) == (n if searchable and sku.strip() else None)

    def test_two_skus_that_differ_in_case_are_two_products(self):
        shop = Connected()
        shop.sim.do_create_products([{"sku": "mug-red", "levels": {"Main": 3}}])
        main = shop.location()
        outcomes = write(shop, a_wish("MUG-RED", 1, main), a_wish("mug-red", 2, main))
        assert all(isinstance(one, Done) for one in outcomes.values())
        assert (available(shop, "MUG-RED"), available(shop, "mug-red")) == (1, 2)

    @pytest.mark.parametrize("counted", [False, True])
    def test_a_sku_of_two_products_is_refused_and_one_of_one_is_not(self, counted):
        # whether or not Shopify counts the item itself among those that share its SKU
        shop = Connected(switches={"twins_count_themselves": counted})
        shop.sim.do_create_products([{"sku": "TWIN", "levels": {"Main": n}} for n in (1, 2)])
        main = shop.location()
        shown = shop.client.shown([a_wish("TWIN", 5, main), a_wish("HAT", 5, main)])
        assert "is the SKU of 2 products" in why(shown["TWIN", main])
        assert shown["HAT", main] == 10

    def test_a_twin_that_the_search_does_not_show_is_noticed_all_the_same(self):
        shop = Connected(switches={"twins_count_themselves": True})
        shop.sim.do_create_products([{"sku": "TWIN", "levels": {"Main": n}} for n in (1, 2)])

        def lose_one(body):
            body["data"]["productVariants"]["nodes"].pop()

        spoils(shop, "VariantsBySku", lose_one)
        main = shop.location()
        assert "is the SKU of 2 products" in why(shop.client.shown([a_wish("TWIN", 5, main)])["TWIN", main])

    def test_more_finds_than_fit_on_a_page_are_all_read(self):
        # given 230 products that a search for "X-1" finds by its words
        shop = Connected()
        shop.sim.do_create_products([{"sku": f"X-1-{n}", "levels": {"Main": n}} for n in range(230)])
        shop.sim.do_create_products([{"sku": "X-1", "levels": {"Main": 5}}])
        main = shop.location()
        assert shop.client.shown([a_wish("X-1", 9, main)]) == {("X-1", main): 5}

    def test_a_deleted_product_is_left_out_and_one_deleted_meanwhile_is_held(self):
        # given two products, one of which goes between our look and our write
        shop = Connected()
        main = shop.location()
        after(shop, "VariantsBySku", lambda: shop.sim.do_delete_product("HAT"))
        outcomes = write(shop, a_wish("HAT", 1, main), a_wish("MUG-RED", 2, main))
        # then Shopify's words are quoted, and the other one is set
        assert outcomes["HAT"].cause == "invalid_inventory_item"
        assert "could not be found" in outcomes["HAT"].reason
        assert isinstance(outcomes["MUG-RED"], Done)
        # and the next look knows, also of the one that is made in its place
        assert shop.client.shown([a_wish("HAT", 1, main)]) == {}
        shop.sim.do_create_products([{"sku": "HAT", "levels": {"Main": 4}}])
        assert isinstance(write(shop, a_wish("HAT", 1, main))["HAT"], Done)
        assert available(shop, "HAT") == 1

    def test_a_blank_sku_asks_for_nothing(self):
        shop = Connected()
        assert shop.client.shown([a_wish(" ", 1, shop.location())]) == {}


class TestPlaces:
    """Locations."""

    def test_a_location_that_is_none_spoils_its_own_rows_only(self):
        # given a typing error in the stock map
        shop = Connected()
        main = shop.location()
        shown = shop.client.shown([a_wish("HAT", 1, "Main Street"), a_wish("HAT", 1, main)])
        # then it is named, and the other place is read
        assert why(shown["HAT", "Main Street"]) == "HAT has nowhere to be: 'Main Street' is no location of Shopify"
        assert shown["HAT", main] == 10

    def test_a_location_that_is_gone_is_named(self):
        shop = Connected()
        shown = shop.client.shown([a_wish("HAT", 1, "99")])
        assert why(shown["HAT", "99"]) == "HAT is not stocked at location 99 in Shopify"

    def test_the_gid_of_a_location_will_do(self):
        shop = Connected()
        main = f"gid://shopify/Location/{shop.location()}"
        assert isinstance(write(shop, a_wish("HAT", 1, main))["HAT"], Done)

    def test_nothing_is_promised_from_a_place_that_is_not_ticked(self):
        # given stock at a place that the merchant has unticked
        shop = Connected()
        shop.sim.do_unstock("MUG-RED", "East")
        east = shop.location("East")
        # then what lies there is not offered, and none is no difference
        shown = shop.client.shown([a_wish("MUG-RED", 3, east)])
        assert why(shown["MUG-RED", east]) == f"MUG-RED is not stocked at location {east} in Shopify"
        assert shop.client.shown([a_wish("MUG-RED", 0, east)]) == {("MUG-RED", east): 0}

    def test_more_than_250_locations(self):
        # given a chain of 260 shops
        shop = Connected()
        shop.sim.do_setup(locations=[{"name": f"Shop {n}"} for n in range(260)])
        shop.sim.do_create_products([{"sku": "TEA", "levels": {f"Shop {n}": n for n in range(260)}}])
        places = {one.name: one.legacy_resource_id for one in shop.client.locations()}
        assert len(places) == 262
        wishes = [a_wish("TEA", 1000 + n, places[f"Shop {n}"]) for n in range(260)]
        # when all are set
        shown = {key: value for key, value in shop.client.shown(wishes).items() if isinstance(value, int)}
        outcomes = [outcome for _, outcome in shop.client.set_stock(wishes, shown)]
        # then they are
        assert len(outcomes) == 260
        assert all(isinstance(one, Done) for one in outcomes)
        assert [available(shop, "TEA", f"Shop {n}") for n in range(260)] == [1000 + n for n in range(260)]


class TestAnswers:
    """What Shopify says, or does not."""

    @pytest.mark.parametrize(
        "wrong",
        [
            {"inventoryItem": None},
            {"inventoryItem": {"id": None}},
            {"inventoryItem": {"id": "gid://shopify/InventoryItem/1", "tracked": "perhaps"}},
            {"inventoryItem": "gone"},
            {"requiresComponents": None},
        ],
    )
    def test_a_variant_that_cannot_be_read_spoils_its_own_sku_only(self, wrong):
        shop = Connected()
        spoils(shop, "VariantsBySku", lambda body: body["data"]["productVariants"]["nodes"][0].update(wrong))
        main = shop.location()
        shown = shop.client.shown([a_wish("MUG-RED", 1, main), a_wish("HAT", 1, main)])
        assert "in a way that we cannot read" in why(shown["MUG-RED", main])
        assert shown["HAT", main] == 10

    def test_null_nodes_and_null_skus_are_passed_over(self):
        shop = Connected()

        def with_nulls(body):
            nodes = body["data"]["productVariants"]["nodes"]
            nodes[:0] = [None, {"sku": None, "id": "x"}, {}]

        spoils(shop, "VariantsBySku", with_nulls)
        spoils(shop, "GiftCards", with_nulls)
        main = shop.location()
        assert shop.client.shown([a_wish("HAT", 1, main)]) == {("HAT", main): 10}

    def test_numbers_as_text_are_numbers(self):
        shop = Connected()

        def as_text(body):
            for node in body["data"]["productVariants"]["nodes"]:
                level = node["inventoryItem"]["inventoryLevel"]
                level["quantities"] = [{"name": "available", "quantity": "10"}]
                node["inventoryItem"]["duplicateSkuCount"] = "0"

        spoils(shop, "VariantsBySku", as_text)
        main = shop.location()
        assert shop.client.shown([a_wish("HAT", 1, main)]) == {("HAT", main): 10}

    def test_a_quantity_that_is_missing_is_not_zero(self):
        shop = Connected()

        def without(body):
            for node in body["data"]["productVariants"]["nodes"]:
                node["inventoryItem"]["inventoryLevel"]["quantities"] = []

        spoils(shop, "VariantsBySku", without)
        main = shop.location()
        shown = shop.client.shown([a_wish("HAT", 1, main)])
        assert why(shown["HAT", main]) == "HAT has no 'available' quantity in Shopify's answer"

    def test_an_internal_error_after_the_write_is_asked_again_word_by_word(self):
        # given an answer that says that something went wrong, although the stock was set
        shop = Connected()
        sent = shop.sent("InventorySet")
        says_internal_error(shop, "InventorySet")
        # when stock is set, and two mugs are sold before it is asked for again
        after(shop, "InventorySet", shop.place)
        outcome = write(shop, a_wish("MUG-RED", 4, shop.location()))["MUG-RED"]
        # then the same call came twice, and was applied once, before the sale
        assert isinstance(outcome, Done)
        assert len(sent) == 2
        assert sent[0] == sent[1]
        assert available(shop, "MUG-RED") == 2

    def test_internal_errors_that_go_on_leave_the_row_in_doubt(self):
        shop = Connected()
        says_internal_error(shop, "InventorySet", times=9)
        assert isinstance(write(shop, a_wish("MUG-RED", 4, shop.location()))["MUG-RED"], Unknown)

    def test_a_call_that_shopify_is_still_busy_with_is_waited_for(self):
        # given a write whose answer is lost while Shopify still works on it for three seconds
        shop = Connected(switches={"busy_seconds": 3.0})
        sent = shop.sent("InventorySet")
        shop.loses_the_answer_to("InventorySet")
        outcome = write(shop, a_wish("MUG-RED", 4, shop.location()))["MUG-RED"]
        # then it is asked with the same key and body until it is done
        assert isinstance(outcome, Done)
        assert len({one["key"] for one in sent}) == 1
        assert len(sent) > 2
        assert available(shop, "MUG-RED") == 4

    def test_a_call_that_stays_busy_is_worked_out_again(self):
        shop = Connected(switches={"busy_seconds": 600.0})
        shop.loses_the_answer_to("InventorySet")
        outcome = write(shop, a_wish("MUG-RED", 4, shop.location()))["MUG-RED"]
        assert isinstance(outcome, Retry)
        assert "currently in progress" in outcome.reason

    @pytest.mark.parametrize(("setting", "words"), [("spent", "Retry with a new"), ("replays", "no longer 10")])
    def test_a_lost_refusal_is_worked_out_again_whatever_shopify_makes_of_a_failed_key(self, setting, words):
        # given a sale after our look, and a refusal that gets lost
        shop = Connected(switches={"failed_key": setting})
        after(shop, "VariantsBySku", shop.place)
        shop.loses_the_answer_to("InventorySet")
        outcome = write(shop, a_wish("MUG-RED", 4, shop.location()))["MUG-RED"]
        # then nothing was overwritten, and the next look writes
        assert isinstance(outcome, Retry)
        assert words in outcome.reason
        assert available(shop, "MUG-RED") == 8
        assert isinstance(write(shop, a_wish("MUG-RED", 2, shop.location()))["MUG-RED"], Done)
        assert available(shop, "MUG-RED") == 2

    def test_one_row_for_which_shopify_refuses_the_whole_call_is_found_by_halves(self):
        # given an item id that Shopify does not take, among twenty good ones
        shop = Connected()
        shop.sim.do_create_products([{"sku": f"S{n}", "levels": {"Main": 1}} for n in range(20)])
        main = shop.location()
        wishes = [a_wish(f"S{n}", 2, main) for n in range(20)]
        shown = {key: value for key, value in shop.client.shown(wishes).items() if isinstance(value, int)}
        shop.client._items["S7"] = "gid://shopify/Product/1"
        # when all are set
        outcomes = {target.sku: outcome for target, outcome in shop.client.set_stock(wishes, shown)}
        # then that one is held, and the others are set
        assert outcomes.pop("S7").cause == "resource_not_found"
        assert len(outcomes) == 19
        assert all(isinstance(one, Done) for one in outcomes.values())
        assert shop.calls() < 20

    def test_a_refusal_that_no_row_is_to_blame_for_holds_all_at_once(self):
        shop = Connected()
        main = shop.location()
        error = {"message": "Nope.", "extensions": {"code": "BAD_REQUEST"}}
        spoils(shop, "InventorySet", lambda _: {"errors": [error]}, times=9)
        sent = shop.sent("InventorySet")
        outcomes = write(shop, a_wish("MUG-RED", 4, main), a_wish("HAT", 4, main))
        assert {one.cause for one in outcomes.values() if isinstance(one, Held)} == {"bad_request"}
        assert len(sent) == 1

    @pytest.mark.parametrize("quantity", [1_000_000_001, 5_000_000_000, -1_000_000_001])
    def test_a_number_that_shopify_cannot_hold_stops_no_other(self, quantity):
        shop = Connected()
        main = shop.location()
        outcomes = write(shop, a_wish("MUG-RED", quantity, main), a_wish("HAT", 4, main))
        assert outcomes["MUG-RED"].cause == "invalid_quantity_too_high"
        assert isinstance(outcomes["HAT"], Done)

    def test_errors_of_several_rows_settle_each_and_send_the_rest(self):
        # given five rows: one sold from, one deleted, one a bundle, two good
        shop = Connected()
        names = ["SOLD", "GONE", "SET", "GOOD-1", "GOOD-2"]
        shop.sim.do_create_products([{"sku": sku, "levels": {"Main": 5}} for sku in names])
        main = shop.location()

        def meanwhile():
            shop.place(lines=[{"sku": "SOLD", "quantity": 1, "price": "1.00"}])
            shop.sim.do_delete_product("GONE")
            shop.sim.store.variants_by_sku["SET"].bundle = True

        after(shop, "VariantsBySku", meanwhile)
        outcomes = write(shop, *(a_wish(sku, 3, main) for sku in names))
        assert isinstance(outcomes["SOLD"], Retry)
        assert outcomes["GONE"].cause == "invalid_inventory_item"
        assert outcomes["SET"].cause == "non_mutable_inventory_item"
        assert isinstance(outcomes["GOOD-1"], Done)
        assert isinstance(outcomes["GOOD-2"], Done)
        assert (available(shop, "SOLD"), available(shop, "GOOD-1")) == (4, 3)


WAYS = ["plain", "lost", "lost often", "internal", "busy", "drop"]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("sale"), st.integers(1, 3)),
            st.tuples(st.just("look"), st.integers(0, 1)),
            st.tuples(st.just("write"), st.integers(0, 1), st.integers(0, 12), st.sampled_from(WAYS)),
        ),
        max_size=12,
    )
)
def test_whatever_happens_in_between_a_sale_is_never_overwritten(story):
    """Two hubs look and write, shoppers buy, answers get lost: every write is one that was made for what was there."""
    shop = Connected()
    main, hubs = shop.location(), [shop.client, shop.another_client()]
    seen: list[int | None] = [None, None]
    stock = 10
    for step in story:
        if step[0] == "sale":
            shop.place(lines=[{"sku": "MUG-RED", "quantity": step[1], "price": "25.00"}])
            stock -= step[1]
        elif step[0] == "look":
            seen[step[1]] = hubs[step[1]].shown([a_wish("MUG-RED", 0, main)])["MUG-RED", main]  # type: ignore[assignment]
        elif seen[step[1]] is not None:
            _, hub, quantity, way = step
            misbehave(shop, way)
            before = seen[hub]
            wish = a_wish("MUG-RED", quantity, main)
            ((_, outcome),) = hubs[hub].set_stock([wish], {("MUG-RED", main): before})  # type: ignore[dict-item]
            right = before == stock or quantity == before
            assert isinstance(outcome, Done | Unknown) if right else isinstance(outcome, Retry | Unknown)
            if before == stock and not (way == "drop" and isinstance(outcome, Unknown)):
                stock = quantity
            shop.sim.faults.clear()
        assert shop.level("MUG-RED")["available"] == stock


def misbehave(shop: Connected, way: str) -> None:
    """How the next write goes wrong."""
    shop.sim.switches = type(shop.sim.switches)(busy_seconds=3.0 if way == "busy" else 0.0)
    if way in ("lost", "busy"):
        shop.fails("drop_after")
    elif way == "lost often":
        shop.fails("timeout_after", times=9)
    elif way == "internal":
        shop.fails("after", status=502)
    elif way == "drop":
        shop.fails("drop")
