"""Labels that are voided or replaced after Shopify was told of them."""

from __future__ import annotations

from commerce.outcomes import Binding, Done, Held, Outcome, Skipped
from commerce.ports import Item

from .connected import Connected, parcel_for

UPS = "1Z999AA10123456784"
OTHER = "1Z999AA10123456790"
TWO_PLACES = [
    {"sku": "MUG-RED", "quantity": 2, "price": "25.00"},
    {"sku": "HAT", "quantity": 1, "price": "20.00", "location": "East"},
]


def deliver(shop: Connected, *items: Item) -> list[Outcome]:
    """The outcomes, in the order of `items`."""
    found = {item.ref: outcome for item, outcome in shop.client.deliver(items)}
    return [found[item.ref] for item in items]


def sent(shop: Connected, order: int = 0) -> list[tuple[str, list[str], list[tuple[str, int]]]]:
    """What Shopify holds: status, tracking numbers, units by SKU."""
    made = shop.sim.do_orders_summary()[order]["fulfillments"]
    return [(one["status"], one["tracking"], [(row["sku"], row["quantity"]) for row in one["lines"]]) for one in made]


def test_a_voided_label_takes_its_fulfilment_back_once():
    # given a delivered parcel
    shop = Connected()
    order = shop.read(shop.place())
    (done,) = deliver(shop, parcel_for(order))
    # when its label is voided, and the same is heard twice
    (first,) = deliver(shop, parcel_for(order, voided=True, binding=done.binding))
    (again,) = deliver(shop, parcel_for(order, voided=True, binding=done.binding, in_doubt=True))
    # then the fulfilment is cancelled and the order waits again
    assert (first.changed, again.changed) == (True, False)
    assert sent(shop) == [("CANCELLED", [UPS], [("MUG-RED", 2)])]
    # and the label that replaces it mails nobody a second time
    (replaced,) = deliver(shop, parcel_for(order, "label-2", tracking_numbers=(OTHER,)))
    assert isinstance(replaced, Done)
    assert sent(shop)[1] == ("SUCCESS", [OTHER], [("MUG-RED", 2)])
    assert shop.sim.emails_sent == 1


def test_a_label_voided_and_replaced_within_one_batch_ends_with_the_new_one():
    shop = Connected()
    order = shop.read(shop.place())
    (done,) = deliver(shop, parcel_for(order))
    new, old = deliver(
        shop,
        parcel_for(order, "label-2", tracking_numbers=(OTHER,)),
        parcel_for(order, voided=True, binding=done.binding),
    )
    assert isinstance(new, Done)
    assert isinstance(old, Done)
    assert [(status, numbers) for status, numbers, _ in sent(shop)] == [("CANCELLED", [UPS]), ("SUCCESS", [OTHER])]


def test_a_label_voided_before_we_told_anyone_is_skipped():
    shop = Connected()
    (outcome,) = deliver(shop, parcel_for(shop.read(shop.place()), voided=True))
    assert isinstance(outcome, Skipped)


def test_a_voided_label_whose_fulfilment_may_have_been_made_is_looked_for():
    shop = Connected()
    order = shop.read(shop.place())
    shop.loses_the_answer_to("FulfillmentCreate")
    deliver(shop, parcel_for(order))
    (outcome,) = deliver(shop, parcel_for(order, voided=True, in_doubt=True))
    assert isinstance(outcome, Done)
    assert sent(shop)[0][0] == "CANCELLED"


def test_a_new_number_for_the_same_label_corrects_the_fulfilment_without_a_mail():
    shop = Connected()
    order = shop.read(shop.place())
    (done,) = deliver(shop, parcel_for(order))
    (corrected,) = deliver(shop, parcel_for(order, tracking_numbers=(OTHER,), binding=done.binding))
    assert isinstance(corrected, Done)
    assert corrected.binding.vendor_id == done.binding.vendor_id
    assert sent(shop) == [("SUCCESS", [OTHER], [("MUG-RED", 2)])]
    assert shop.sim.emails_sent == 1


def test_a_fulfilment_with_other_parcels_too_is_not_taken_back():
    shop = Connected()
    order = shop.read(shop.place())
    (done,) = deliver(shop, parcel_for(order, tracking_numbers=(UPS, OTHER)))
    binding = Binding(vendor_id=done.binding.vendor_id)
    (outcome,) = deliver(shop, parcel_for(order, tracking_numbers=(UPS,), voided=True, binding=binding))
    assert isinstance(outcome, Held)
    assert sent(shop)[0][0] == "SUCCESS"
