"""Comparing what a destination should hold with what it says it holds. Pure, and each thing is judged once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from commerce.audits import Difference, Expected, Found, Units, Verdict


def differences(expected: Iterable[Expected], found: Iterable[Found]) -> list[Difference]:
    """What is missing, extra or different. Found objects of subjects that nobody expects anything of are extra."""
    there: dict[tuple[str, str], list[Found]] = defaultdict(list)
    for one in found:
        there[one.subject, one.slot].append(one)
    labels: dict[str, str] = {}
    result: list[Difference] = []
    for wish in expected:
        labels[wish.subject] = wish.label
        result += _judged(wish, there.pop((wish.subject, wish.slot), []))
    for (subject, slot), rest in there.items():
        alive = [one for one in rest if one.state != "cancelled"]
        result += [_extra(one, subject, labels.get(subject, subject), slot, "nothing") for one in alive]
    return result


def _judged(wish: Expected, found: Sequence[Found]) -> Iterator[Difference]:
    if wish.slot == "shipment":
        yield from _goods(wish, found)
        return
    # A lost deal is cancelled and should be: only where that is not wanted does it count as gone.
    alive = [one for one in found if one.state != "cancelled" or "cancelled" in wish.states]
    if not alive:
        if wish.needed:
            yield _of(wish, "missing", _worth(wish), _gone(found), found[0] if found else None)
        return
    first = min(alive, key=lambda one: (not _right(wish, one), one.vendor_id))
    if not _right(wish, first):
        yield _of(wish, "different", _worth(wish), _as_found(first), first)
    for other in alive:
        if other is not first:
            yield _extra(other, wish.subject, wish.label, wish.slot, f"once, as {first.vendor_id}")


def _right(wish: Expected, one: Found) -> bool:
    amount = wish.amount is None or one.amount is None or wish.amount == one.amount
    return amount and (not wish.states or one.state in (*wish.states, "unknown"))


def _goods(wish: Expected, found: Sequence[Found]) -> Iterator[Difference]:
    """Units that are to leave must wait at the destination, or have left without the storefront knowing yet."""
    if wish.units is None:  # what exists may go on, and nothing more is needed
        return
    alive = [one for one in found if one.state in ("open", "shipped", "unknown")]
    opened = [one for one in alive if one.state != "shipped"]
    flying = [one for one in alive if one.state == "shipped" and not set(one.tracking) & set(wish.told)]
    needed, most = Counter(wish.units), Counter(wish.most or {})
    covering = _sum(opened) + _sum(flying)
    lacking = needed - covering
    if lacking:
        words = f"{_count(needed)} to ship"
        verdict: Verdict = "different" if alive and covering else "missing"
        shown = f"{_count(covering)} there" if covering else _gone(found)
        yield _of(wish, verdict, words, shown, next(iter(alive or found), None))
        return
    surplus = covering - most
    for one in sorted(opened, key=lambda one: one.vendor_id, reverse=True):  # of two equal ones the later is too many
        units = Counter(one.units)
        if not wish.over and units and units <= surplus:
            surplus -= units
            yield _extra(one, wish.subject, wish.label, wish.slot, f"{_count(needed)} to ship, which others hold")
        elif units & surplus:
            surplus -= units
            words = f"nothing open: {wish.over}" if wish.over else f"{_count(most)} to ship at most"
            yield _of(wish, "different", words, _as_found(one), one)
    if wish.over == "cancelled":
        for one in flying:
            yield _of(wish, "different", "nothing to leave: cancelled", _as_found(one), one)


def _sum(found: Iterable[Found]) -> Counter[str]:
    return sum((Counter(one.units) for one in found), Counter[str]())


def _count(units: Counter[str] | Units) -> str:
    many = sum(units.values())
    return f"{many} unit{'' if many == 1 else 's'}"


def _worth(wish: Expected) -> str:
    return " ".join(filter(None, (str(wish.amount) if wish.amount else "", "/".join(wish.states)))) or wish.slot


def _as_found(one: Found) -> str:
    what = str(one.amount) if one.amount else _count(one.units) if one.units else ""
    return " ".join(filter(None, (what, one.state)))


def _gone(found: Sequence[Found]) -> str:
    cancelled = ", ".join(one.vendor_id for one in found if one.state == "cancelled")
    return f"{cancelled} is cancelled" if cancelled else "nothing"


def _of(wish: Expected, verdict: Verdict, expected: str, shown: str, one: Found | None) -> Difference:
    return Difference(
        verdict=verdict,
        subject=wish.subject,
        label=wish.label,
        slot=wish.slot,
        expected=f"{expected} ({wish.reason})" if wish.reason and wish.reason not in expected else expected,
        found=shown,
        vendor_id=one.vendor_id if one else "",
        url=one.url if one else "",
    )


def _extra(one: Found, subject: str, label: str, slot: str, expected: str) -> Difference:
    return Difference(
        verdict="extra",
        subject=subject,
        label=label,
        slot=slot,
        expected=expected,
        found=" ".join(filter(None, (one.name, _as_found(one)))),
        vendor_id=one.vendor_id,
        url=one.url,
    )
