"""A made-up shop with the mess of a real one, the same for the same seed and moment."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from deployments.shop import catalogue
from deployments.shop.catalogue import prices
from deployments.shop.oddities import Oddities
from deployments.shop.people import Person, a_person, dice
from deployments.shop.plan import Draft, ShopPlan, Spec, numbered, stamp
from deployments.shop.specs import a_line, an_order

OLDEST, NEWEST = timedelta(days=30), timedelta(hours=2, minutes=5)
"""How long ago orders were placed."""

COUNTRIES = ["US"] * 14 + ["CA", "GB", "DE", "FR", "AU", "CZ"]
SHOP = {"name": "Clay & Leaf", "currency": "USD", "timezone": "America/New_York", "taxes_included": False}


def a_shop(orders: int = 200, seed: int = 7, *, now: datetime) -> ShopPlan:
    """A shop with `orders` orders of the last 30 days, none of the last two hours.

    About fifty of them are odd, one of each kind, however few are asked for; `stories` names them.
    """
    calendar = Calendar(seed, now)
    odd = list(Oddities(seed, calendar.moment, calendar.after).all())
    plain = list(everyday(max(0, orders - len(odd)), seed, calendar))
    drafts = numbered([*odd, *plain])
    return ShopPlan(
        shop=SHOP,
        locations=catalogue.LOCATIONS,
        products=catalogue.products(seed, units_sold(drafts)),
        inventory=catalogue.inventory(seed),
        orders=[draft.spec for draft in drafts],
        events_before=[action for draft in drafts for action in draft.before],
        events_after=[action for draft in drafts for action in draft.after],
        stories={**{draft.spec["name"]: draft.story for draft in drafts if draft.story}, **catalogue.STORIES},
        counts={"orders": len(drafts), "odd orders": len(odd)},
    )


class Calendar:
    """Moments of the last 30 days, as the storefront writes them."""

    def __init__(self, seed: int, now: datetime) -> None:
        self._chance = dice("calendar", seed)
        self._now = now.astimezone(UTC).replace(microsecond=0)

    def moment(self) -> str:
        """Some moment."""
        return stamp(self._between(self._now - OLDEST))

    def after(self, earlier: str) -> str:
        """Some moment after `earlier`."""
        return stamp(self._between(datetime.fromisoformat(earlier)))

    def _between(self, start: datetime) -> datetime:
        room = int((self._now - NEWEST - start).total_seconds())
        return start + timedelta(seconds=self._chance.randint(0, max(0, room)))


def everyday(count: int, seed: int, calendar: Calendar) -> Iterator[Draft]:
    """`count` orders without much ado; some shoppers come again, some send something back."""
    chance = dice("everyday", seed)
    crowd = [a_person(f"{seed}-{number}", chance.choice(COUNTRIES)) for number in range(1, 1 + (2 * count + 2) // 3)]
    for _ in range(count):
        draft = Draft(everyday_order(chance, chance.choice(crowd), calendar.moment()))
        if chance.random() < 0.05:
            draft.before.append(sent_back(draft, calendar))
        yield draft


def everyday_order(chance: random.Random, who: Person, at: str) -> Spec:
    """One to four things, now and then with a code or free shipping."""
    skus = chance.sample(list(prices()), chance.choice([1, 1, 1, 2, 2, 3, 4]))
    lines = [a_line(sku, chance.choice([1, 1, 1, 2, 3])) for sku in skus]
    code = {"code": "WELCOME5", "amount": "5.00"} if chance.random() < 0.15 else None
    return an_order(who, lines, at, shipping=chance.choice(["6.00", "6.00", "12.50", "0.00"]), order_discount=code)


def sent_back(draft: Draft, calendar: Calendar) -> tuple[str, Spec]:
    """One unit of the first line comes back."""
    back = [{"line": 0, "quantity": 1, "restock": True}]
    return "refund", {"lines": back, "note": "sent back", "at": calendar.after(draft.spec["created_at"])}


def units_sold(drafts: Iterable[Draft]) -> dict[str, int]:
    """Units by SKU in all orders."""
    sold: Counter[str] = Counter()
    for draft in drafts:
        for line in draft.spec["lines"]:
            sold[line["sku"]] += line["quantity"]
    return dict(sold)
