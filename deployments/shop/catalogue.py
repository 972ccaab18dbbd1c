"""What the made-up shop sells and where it lies, in the storefront and in the inventory app, which do not agree."""

from __future__ import annotations

from typing import Any

from deployments.shop.people import dice
from deployments.shop.plan import Spec

WEST, EAST = "West warehouse", "East warehouse"
LOCATIONS = [{"name": WEST}, {"name": EAST}]

GOODS = (
    ("MUG", "Stoneware mug", "14.50", "RED BLUE OCHRE WHITE MOSS"),
    ("BOWL", "Breakfast bowl", "18.00", "RED BLUE OCHRE WHITE"),
    ("PLATE", "Dinner plate", "22.90", "WHITE BLUE MOSS"),
    ("TEA", "Loose tea, 100 g", "9.90", "SENCHA ASSAM OOLONG MINT EARL-GREY"),
    ("CUP", "Espresso cup", "7.77", "1 2 3 4"),
    ("TOWEL", "Linen tea towel", "12.35", "PLAIN STRIPE CHECK"),
    ("CANDLE", "Beeswax candle", "3.33", "S M L"),
    ("SPOON", "Olive wood spoon", "5.01", "S L"),
    ("POT/1.2L", "Teapot, 1.2 l", "49.00", "RED WHITE"),
    ("TEE", "Organic T-shirt", "28.00", "XS S M L XL"),
)
"""(SKU stem, title, price, kinds)."""

EBOOK, GIFT_CARD = "EBOOK-TEA", "GIFT-50"
SAMPLE, UNSTOCKED, LONG_TITLE = "SAMPLE-TEA", "VINTAGE-1", "HAMPER-XL"
FORGOTTEN, TWICE = "MUG-PROTOTYPE", "CUP-4"

STORIES = {
    UNSTOCKED: "the storefront sells it and the inventory app does not know it",
    FORGOTTEN: "the inventory app stocks it and the storefront does not know it",
    TWICE: "two variants of the inventory app carry this SKU",
    "TEE-XS": "its stock is below zero",
    "TEA-MINT": "its stock is a fraction",
}


def prices() -> dict[str, tuple[str, str]]:
    """Title and price of everything that is sent by post and sold every day, by SKU."""
    return {
        f"{stem}-{kind}": (f"{title}, {kind.lower().replace('-', ' ')}", price)
        for stem, title, price, kinds in GOODS
        for kind in kinds.split()
    }


def long_title() -> str:
    """The title of the hamper, 242 characters of the 255 that a storefront takes."""
    return "Hamper with " + ", ".join(title for title, _ in prices().values())[:230]


def products(seed: int, sold: dict[str, int]) -> list[Spec]:
    """The storefront's products. `sold`: units that the orders will take off its levels, by SKU."""
    everyday = [a_product(sku, title, price) for sku, (title, price) in prices().items()]
    odd = [
        a_product(EBOOK, "The tea book (PDF)", "11.00", tracked=False, requires_shipping=False),
        a_product(GIFT_CARD, "Gift card", "50.00", tracked=False, requires_shipping=False, gift_card=True),
        a_product(SAMPLE, "A taste of tea", "0.00"),
        a_product(UNSTOCKED, "One-off vintage vase", "85.00"),
        a_product(LONG_TITLE, long_title(), "199.99"),
    ]
    for product in (*everyday, *odd):
        if product["tracked"]:
            chance = dice("shown", seed, product["sku"])
            product["levels"] = {
                WEST: sold.get(product["sku"], 0) + chance.randint(0, 60),
                EAST: chance.randint(0, 30),
            }
    return [*everyday, *odd]


def a_product(
    sku: str,
    title: str,
    price: str,
    *,
    tracked: bool = True,
    requires_shipping: bool = True,
    gift_card: bool = False,
) -> Spec:
    """A product as the storefront takes it; its levels come later."""
    return {
        "sku": sku,
        "title": title,
        "price": price,
        "tracked": tracked,
        "requires_shipping": requires_shipping,
        "gift_card": gift_card,
        "levels": {},
    }


def inventory(seed: int) -> dict[str, Any]:
    """The inventory app's locations and variants, with what a grown account has besides: see `STORIES`."""
    known = [*prices(), SAMPLE, LONG_TITLE, FORGOTTEN]
    variants = [a_variant(seed, sku) for sku in known]
    for variant in variants:
        if variant["sku"] == "TEE-XS":
            variant["stock"][WEST] = {"in_stock": "-2.00000", "committed": "1.00000"}
        if variant["sku"] == "TEA-MINT":
            variant["stock"][WEST] = {"in_stock": "17.50000", "committed": "0.25000"}
    variants += [
        {"sku": TWICE, "name": "Espresso cup, 4 (old)", "type": "product", "stock": stock("1", "0")},
        {"sku": "", "name": "Shelf in the corner", "type": "product", "stock": stock("3", "0")},
        {"sku": "CLAY-10KG", "name": "Clay, 10 kg", "type": "material", "stock": stock("41.5", "12.25")},
    ]
    return {"locations": LOCATIONS, "variants": variants}


def a_variant(seed: int, sku: str) -> Spec:
    """A variant with plausible stock at both locations."""
    chance = dice("stock", seed, sku)
    west = stock(str(chance.randint(0, 80)), str(chance.randint(0, 5)))
    east = stock(str(chance.randint(0, 30)), "0", EAST)
    return {"sku": sku, "name": sku.capitalize(), "type": "product", "stock": {**west, **east}}


def stock(in_stock: str, committed: str, location: str = WEST) -> Spec:
    """Stock at one location, as the inventory app writes quantities."""
    return {location: {"in_stock": f"{float(in_stock):.5f}", "committed": f"{float(committed):.5f}"}}
