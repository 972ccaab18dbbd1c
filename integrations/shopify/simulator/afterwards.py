"""What happens to an order after it was placed: paid, refunded, cancelled, edited.

https://shopify.dev/docs/apps/build/orders-fulfillment/returns-apps
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.shopify.simulator import sales
from integrations.shopify.simulator.model import FulfillmentOrder, Line, Order, Refund, RefundLine, Tax, Transaction
from integrations.shopify.simulator.money import NOTHING, Bag, total
from integrations.shopify.simulator.placing import build_line, price_lines, retax, route, transact
from integrations.shopify.simulator.totals import RECEIVED, totals

DISCREPANCY = "REFUND_DISCREPANCY"
CALLED_OFF = ("OPEN", "IN_PROGRESS", "ON_HOLD", "SCHEDULED")


def refund(
    sim: Any,
    order: Order,
    wanted: Sequence[tuple[Line, int, bool]],
    shipping: Bag,
    extra: Bag,
    note: str | None,
    at: int,
) -> Refund:
    """Give units, shipping and something extra back, with the money that was received for it."""
    made = Refund(sim.store.ids.next("Refund"), order, at, note, [], [], None)
    for line, quantity, restock in wanted:
        made.lines += _give_back(sim, line, quantity, restock)
    _refund_shipping(sim, made, shipping)
    if extra != NOTHING:
        number = sim.store.ids.next("OrderAdjustment")
        made.adjustment = (number, DISCREPANCY, NOTHING.minus(extra))
    order.refunds.append(made)
    sim.store.refunds[made.id] = made
    order.known = None
    return made


def calculated(made: Refund) -> Bag:
    """What lines, shipping and adjustment come to."""
    on_top = not made.order.taxes_included
    lines = total(one.subtotal.plus(one.tax if on_top else NOTHING) for one in made.lines)
    delivery = total(amount.plus(tax if on_top else NOTHING) for _, _, amount, tax in made.shipping)
    return lines.plus(delivery).minus(made.adjustment[2] if made.adjustment else NOTHING)


def return_money(sim: Any, made: Refund, amount: Bag, at: int, status: str = "SUCCESS") -> None:
    """Refund transactions against the payments, the last payment first, never more than was received."""
    order = made.order
    for payment in reversed([one for one in order.transactions if one.kind in RECEIVED]):
        back = (one for one in order.transactions if one.parent is payment and one.kind == "REFUND")
        given = total(one.amount for one in back if one.status != "FAILURE")
        part = _at_most(amount, payment.amount.minus(given))
        if part.shop > 0:
            amount = amount.minus(part)
            made.transactions.append(transact(sim.store, order, "REFUND", payment.gateway, part, at, payment, status))


def _at_most(wanted: Bag, limit: Bag) -> Bag:
    return wanted if wanted.shop <= limit.shop else limit


def _give_back(sim: Any, line: Line, quantity: int, restock: bool) -> list[RefundLine]:
    """Units not yet sent go first, as cancelled; the others are returned."""
    if quantity > line.current:
        raise ValueError(f"only {line.current} of {line.sku} are left to refund")
    waiting = min(quantity, line.unfulfilled)
    rows = []
    for units, kind in ((waiting, "CANCEL"), (quantity - waiting, "RETURN")):
        if units:
            rows.append(_refund_line(sim, line, units, kind if restock else "NO_RESTOCK"))
    remove_units(sim, line, waiting, restock)
    if restock and quantity > waiting:
        sim.stock(line, line.location, available=quantity - waiting)
    return rows


def _refund_line(sim: Any, line: Line, units: int, kind: str) -> RefundLine:
    start = line.quantity - line.current
    line.current -= units

    def part(amount: Bag) -> Bag:
        return line.share(amount, start, start + units)

    taxes = tuple(Tax(tax.title, tax.rate, part(tax.amount)) for tax in line.taxes)
    place = None if kind == "NO_RESTOCK" else line.location
    tax = total(one.amount for one in taxes)
    return RefundLine(sim.store.ids.next("RefundLineItem"), line, units, kind, place, part(line.net), tax, taxes)


def remove_units(sim: Any, line: Line, units: int, restock: bool) -> None:
    """Units that will never be sent: out of the fulfillment orders, back to stock or lost."""
    if not units:
        return
    line.unfulfilled -= units
    sim.stock(line, line.location, committed=-units, available=units if restock else 0)
    for one in line.order.fulfillment_orders:
        units = _shrink(sim, one, line, units) if one.status in CALLED_OFF else units


def _shrink(sim: Any, one: FulfillmentOrder, line: Line, units: int) -> int:
    for row in one.lines:
        if row.line is line and units:
            gone = min(units, row.remaining)
            row.remaining, row.total, units = row.remaining - gone, row.total - gone, units - gone
            one.updated = sim.moment()
    if not any(row.remaining for row in one.lines):
        one.status = "CLOSED"
    return units


def _refund_shipping(sim: Any, made: Refund, amount: Bag) -> None:
    for one in made.order.shipping:
        left = one.discounted.minus(one.refunded)
        part = _at_most(amount, left)
        if part.shop <= 0:
            continue
        amount = amount.minus(part)
        before, of = one.refunded.shop, one.discounted.shop
        tax = made.order.exchange.share(one.tax, before, before + part.shop, of)
        one.refunded, one.refunded_tax = one.refunded.plus(part), one.refunded_tax.plus(tax)
        made.shipping.append((sim.store.ids.next("RefundShippingLine"), one, part, tax))


def cancel(sim: Any, order: Order, money_back: bool, reason: str, at: int) -> Refund | None:
    """Call the whole order off: units back to stock, money back or the authorization voided."""
    closed = [one for one in order.fulfillment_orders if one.status in CALLED_OFF]
    remembered = [(row, row.remaining, row.total) for one in closed for row in one.lines]
    wanted = [(line, line.current, True) for line in order.lines if line.current]
    made = None
    owed = NOTHING.minus(totals(order).outstanding) if totals(order).outstanding.shop < 0 else NOTHING
    left = total(one.discounted.minus(one.refunded) for one in order.shipping)
    if wanted or left != NOTHING:
        made = refund(sim, order, wanted, left, NOTHING, None, at)
    if made is not None and totals(order).received.shop:
        _settle(sim, order, made, money_back, at, owed)
    for payment in list(order.transactions):
        if payment.kind == "AUTHORIZATION" and totals(order).capturable.shop:
            transact(sim.store, order, "VOID", payment.gateway, payment.amount, at, payment)
    for row, remaining, before in remembered:
        row.remaining, row.total = remaining, before
    for one in closed:
        one.status, one.updated = "CLOSED", at
    order.cancelled, order.cancel_reason = at, reason
    order.known = None
    return made


def _settle(sim: Any, order: Order, made: Refund, money_back: bool, at: int, owed: Bag) -> None:
    """Everything that is left of the payment goes back; a tip is what lines and shipping do not explain.

    What was `owed` since an edit is no discrepancy: it is not sold any more.
    """
    back = totals(order).net_payment if money_back else NOTHING
    rest = back.minus(calculated(made)).minus(owed if money_back else NOTHING)
    if rest != NOTHING:
        made.adjustment = (sim.store.ids.next("OrderAdjustment"), DISCREPANCY, NOTHING.minus(rest))
        order.known = None
    if money_back:
        return_money(sim, made, back, at)


def edit(
    sim: Any, order: Order, quantities: Mapping[int, int], added: Sequence[Mapping[str, Any]], at: int
) -> dict[int, int]:
    """Set current quantities and add lines; the changes by line id. A removal is no refund."""
    if order.agreements is None:
        order.agreements = [sales.placed_agreement(order)]
    before = {line.id: _standing(line) for line in order.lines}
    deltas: dict[int, int] = {}
    for index, wanted in quantities.items():
        line = order.lines[index]
        delta = wanted - line.current
        if delta < 0:
            remove_units(sim, line, min(-delta, line.unfulfilled), restock=True)
            line.current += delta
        elif delta:
            _enlarge(sim, line, delta, at)
        if delta:
            deltas[line.id] = delta
    lines = [build_line(sim.store, order, one) for one in added]
    price_lines(order, lines, [one.get("taxes") or () for one in added])
    order.lines += lines
    for line in lines:
        sim.stock(line, line.location, available=-line.quantity, committed=line.quantity)
        deltas[line.id] = line.quantity
    route(sim.store, order, lines, at)
    order.agreements.append(sales.edit_agreement(order, at, _changes(order, deltas, before)))
    order.edited, order.known = True, None
    return deltas


Standing = tuple[Bag, tuple[Tax, ...]]
"""What is left of a line, and of each of its taxes."""


def _standing(line: Line) -> Standing:
    return line.still(line.net), tuple(Tax(tax.title, tax.rate, line.still(tax.amount)) for tax in line.taxes)


def _changes(order: Order, deltas: Mapping[int, int], before: Mapping[int, Standing]) -> list[sales.Change]:
    changes: list[sales.Change] = []
    for line in order.lines:
        if line.id in deltas:
            net, taxes = _standing(line)
            old_net, old_taxes = before.get(line.id, (NOTHING, tuple(tax._replace(amount=NOTHING) for tax in taxes)))
            rows = [
                new._replace(amount=new.amount.minus(old.amount)) for new, old in zip(taxes, old_taxes, strict=True)
            ]
            changes.append((line, deltas[line.id], net.minus(old_net), rows))
    return changes


def _enlarge(sim: Any, line: Line, units: int, at: int) -> None:
    line.quantity += units
    line.current += units
    retax(line)
    before, line.unfulfilled = line.unfulfilled, units
    route(sim.store, line.order, [line], at)
    line.unfulfilled = before + units
    sim.stock(line, line.location, available=-units, committed=units)


def pay(sim: Any, order: Order, at: int) -> Transaction | None:
    """Capture what was authorized, or receive what is due."""
    for payment in order.transactions:
        if payment.kind == "AUTHORIZATION" and totals(order).capturable.shop:
            return transact(sim.store, order, "CAPTURE", payment.gateway, payment.amount, at, payment)
    due = totals(order).outstanding
    if due.shop <= 0:
        return None
    return transact(sim.store, order, "SALE", order.spec.get("gateway", "shopify_payments"), due, at)
