"""One order of each odd kind that a real shop has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from deployments.shop.catalogue import EAST, EBOOK, GIFT_CARD, LONG_TITLE, SAMPLE, UNSTOCKED, WEST, long_title, prices
from deployments.shop.people import Person, a_person
from deployments.shop.plan import Action, Draft, Spec
from deployments.shop.specs import a_line, an_order, standard, taxes_for

Times = Callable[[], str]
"""The next moment at which an odd order is placed."""


class Oddities:
    """Makes the odd orders of one shop. `times` gives each its moment, `later` one between a moment and now."""

    def __init__(self, seed: int, times: Times, later: Callable[[str], str]) -> None:
        self.seed = seed
        self.times = times
        self.later = later
        self._buyers = 0

    def all(self) -> Iterator[Draft]:
        """Every odd order."""
        yield from self.priced()
        yield from self.paid()
        yield from self.written()
        yield from self.sent()
        yield from self.changed()

    def buyer(self, country: str = "US", province: str = "") -> Person:
        """Somebody new; in `province` if that is named."""
        while True:
            self._buyers += 1
            who = a_person(f"odd-{self.seed}-{self._buyers}", country)
            if province in ("", who.address["province_code"]):
                return who

    def one(
        self,
        story: str,
        lines: list[Spec],
        who: Person | None = None,
        before: list[Action] | None = None,
        after: list[Action] | None = None,
        **changes: Any,
    ) -> Draft:
        """An odd order with its story."""
        order = an_order(who or self.buyer(), lines, self.times(), **changes)
        return Draft(order, story, list(before or ()), list(after or ()))

    def priced(self) -> Iterator[Draft]:
        """Taxes, discounts, currencies and prices."""
        yield self.one("three taxes on each line", [a_line("MUG-RED", 3), a_line("TEA-MINT")], self.buyer("US", "NY"))
        yield self.one("tax included in the prices", [a_line("BOWL-BLUE", 2)], self.buyer("DE"))
        yield self.one("tax exempt", [a_line("PLATE-MOSS", 4)], self.buyer("US", "WA"), tax_exempt=True)
        yield self.one("a discount on one line", [a_line("MUG-BLUE", 2, discount="4.35"), a_line("SPOON-L")])
        yield self.one(
            "a discount on the order that does not divide",
            [a_line("CANDLE-S", 3), a_line("CUP-1", 7), a_line("SPOON-S")],
            order_discount={"code": "TENOFF", "amount": "10.00"},
        )
        yield self.one(
            "discounts on a line and on the order, tax included",
            [a_line("TEE-M", 3, discount="7.01"), a_line("CUP-2", 7, discount="1.00")],
            self.buyer("FR"),
            order_discount={"code": "MERCI", "amount": "9.99"},
        )
        yield self.one("free shipping", [a_line("POT/1.2L-WHITE", 2)], shipping="0.00")
        who = self.buyer("US", "CO")
        free = {**standard("12.00", taxes_for(who)), "discount": "12.00"}
        yield self.one("shipping discounted to nothing", [a_line("TEE-L", 4)], who, shipping_lines=[free])
        yield self.one(
            "nothing to pay: the discount takes it all",
            [a_line("TEA-ASSAM")],
            shipping="0.00",
            order_discount={"code": "SORRY", "amount": "9.90"},
        )
        yield self.one(
            "a line for nothing", [a_line("TEA-SENCHA"), a_line(SAMPLE, price="0.00", title="A taste of tea")]
        )
        yield self.one(
            "paid in Canadian dollars",
            [a_line("BOWL-RED", 3), a_line("TEE-S")],
            self.buyer("CA", "QC"),
            presentment={"currency": "CAD", "rate": "1.3742"},
        )
        yield self.one(
            "paid in yen, which have no cents",
            [a_line("TEA-OOLONG", 2), a_line("CUP-3", 3)],
            self.buyer("JP"),
            presentment={"currency": "JPY", "rate": "151.27"},
        )
        yield self.one("a tip", [a_line("TEA-EARL-GREY")], tip="3.00")
        yield self.one("thirty lines", [a_line(sku, 1 + at % 4) for at, sku in enumerate(list(prices())[:30])])

    def paid(self) -> Iterator[Draft]:
        """Ways of paying and of not paying."""
        yield self.one("not paid, and stays so", [a_line("PLATE-WHITE", 6)], payment="pending", gateway="bank_deposit")
        yield self.one(
            "not paid, the money comes later",
            [a_line("PLATE-BLUE", 2)],
            payment="pending",
            gateway="bank_deposit",
            after=[("pay", {})],
        )
        yield self.one("authorised and not captured", [a_line("TEE-XL")], payment="authorized")
        yield self.one("authorised, captured later", [a_line("TEE-S", 2)], payment="authorized", after=[("pay", {})])
        card = a_line(
            GIFT_CARD, title="Gift card", price="50.00", gift_card=True, requires_shipping=False, taxable=False
        )
        yield self.one("a gift card sold, nothing else", [card], shipping_lines=[])
        yield self.one("a gift card and a mug", [card, a_line("MUG-WHITE")])
        yield self.one("partly paid with a gift card", [a_line("BOWL-OCHRE", 4)], gift_card_payment="50.00")
        yield self.one("all paid with a gift card", [a_line("MUG-MOSS")], shipping="0.00", gift_card_payment="500.00")
        yield self.one("a test order", [a_line("MUG-RED")], test=True, gateway="bogus")

    def written(self) -> Iterator[Draft]:
        """Names, addresses and notes."""
        yield self.one("Czech, with diacritics", [a_line("TEA-MINT", 2)], self.buyer("CZ"))
        yield self.one("Japanese", [a_line("TEA-SENCHA", 3)], self.buyer("JP"))
        yield self.one("Arabic, written from right to left", [a_line("CUP-1", 6)], self.buyer("SA"))
        note = "Leave it with the neighbour 🐈‍⬛, it's a birthday present 🎁\nNo invoice in the parcel, please – děkuji"
        yield self.one("emoji and a line break in the note", [a_line("MUG-OCHRE")], note=note, tags=["gift", "🎁"])
        guest = self.buyer()
        yield self.one("a guest without an e-mail address", [a_line("TOWEL-PLAIN")], guest, email=None, customer=None)
        who = self.buyer()
        bare = {**who.address, "phone": None}
        yield self.one("no telephone", [a_line("TOWEL-CHECK", 2)], who, shipping_address=bare, billing_address=bare)
        yield self.one("a very long name", [a_line("SPOON-S", 2)], long_named(self.buyer()))
        yield self.one("a very long title", [a_line(LONG_TITLE, price="199.99", title=long_title())])
        yield self.one("sold at the counter", [a_line("MUG-RED")], shipping="0.00", source_name="pos", gateway="cash")

    def sent(self) -> Iterator[Draft]:
        """What, and from where, is to be sent."""
        book = a_line(EBOOK, title="The tea book (PDF)", price="11.00", requires_shipping=False)
        who = self.buyer("US", "TX")
        yield self.one("nothing to send: a download", [book], who, shipping_address=None, shipping_lines=[])
        yield self.one("a download and a mug", [book, a_line("MUG-BLUE")])
        split = [a_line("PLATE-WHITE", 2, location=WEST), a_line("BOWL-WHITE", 2, location=EAST)]
        yield self.one("split over both warehouses", split)
        yield self.one("on hold, released later", [a_line("TEE-M", 2)], before=[("hold", {})], after=[("release", {})])
        yield self.one("on hold, and stays so", [a_line("POT/1.2L-RED")], before=[("hold", {})])
        yield self.one("a SKU that the inventory app does not know", [a_line(UNSTOCKED, price="85.00")])
        gone = a_line("GONE-2019", price="6.66", title="Tea strainer (discontinued)", known=False)
        yield self.one("a SKU that no product has any more", [gone, a_line("TEA-ASSAM")])
        yield self.one("big enough to leave in several parcels", [a_line("PLATE-WHITE", 12), a_line("TEE-L", 9)])

    def changed(self) -> Iterator[Draft]:
        """Orders that were refunded, cancelled or edited, before the hub sees them and after."""
        yield self.refunded("refunded in part", [a_line("MUG-RED", 3), a_line("TEA-MINT", 2)], lines={0: 1})
        yield self.refunded("refunded in full", [a_line("BOWL-RED", 2)], lines={0: 2}, shipping="6.00")
        yield self.refunded("only shipping refunded", [a_line("TEE-XL")], shipping="6.00")
        yield self.refunded("refunded without a line, for goodwill", [a_line("TEE-S")], adjustment="5.00")
        yield self.refunded("refunded in part, tax included", [a_line("CUP-2", 7)], self.buyer("DE"), lines={0: 2})
        cancel = ("cancel", {"refund": True, "reason": "CUSTOMER"})
        yield self.one("paid, then cancelled and refunded", [a_line("TOWEL-STRIPE", 2)], before=[cancel])
        void = ("cancel", {"refund": False, "reason": "DECLINED"})
        yield self.one("never paid, then cancelled", [a_line("TEE-M")], payment="pending", before=[void])
        edit = ("edit", {"quantities": {"0": 1}, "add": [a_line("SPOON-L", 2)]})
        yield self.one("edited before anybody saw it", [a_line("MUG-WHITE", 3)], self.buyer("US", "OR"), before=[edit])
        more = ("edit", {"quantities": {"0": 2}, "add": [a_line("CANDLE-L")]})
        yield self.one("edited later: fewer mugs, one candle more", [a_line("MUG-MOSS", 3)], after=[more])
        who = self.buyer("US", "OR")
        moved = ("edit", {"address": {**who.address, "address1": "1 New Street", "address2": ""}})
        yield self.one("its address changes later", [a_line("BOWL-BLUE")], who, after=[moved])
        yield self.one("cancelled later", [a_line("TEE-L", 2)], after=[cancel])
        back = ("refund", {"lines": [{"line": 0, "quantity": 1, "restock": True}], "note": "arrived broken"})
        yield self.one("refunded in part later", [a_line("CUP-3", 4)], self.buyer("GB"), after=[back])
        full = ("refund", {"lines": [{"line": 0, "quantity": 1, "restock": False}], "shipping": "6.00"})
        yield self.one("refunded in full later", [a_line("PLATE-MOSS")], after=[full])

    def refunded(
        self,
        story: str,
        sold: list[Spec],
        who: Person | None = None,
        *,
        lines: dict[int, int] | None = None,
        shipping: str = "0.00",
        adjustment: str = "0.00",
    ) -> Draft:
        """An order that was refunded before the hub first looked. `lines`: units by the line's place."""
        draft = self.one(story, sold, who)
        refund = {
            "lines": [{"line": at, "quantity": units, "restock": True} for at, units in (lines or {}).items()],
            "shipping": shipping,
            "adjustment": adjustment,
            "note": story,
            "at": self.later(draft.spec["created_at"]),
        }
        draft.before.append(("refund", refund))
        return draft


def long_named(who: Person) -> Person:
    """The same person, with a name longer than most fields."""
    first, last = "Maria Theresia Walburga Amalia Christina", "von und zu Hohenlohe-Waldenburg-Schillingsfürst"
    address = {
        **who.address,
        "first_name": first,
        "last_name": last,
        "company": "Society of " + "very " * 12 + "old tea",
    }
    return Person(first, last, who.email, who.country, who.accepts_marketing, address)
