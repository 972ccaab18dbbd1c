"""What people are told of stock, once, and when it is over."""

from __future__ import annotations

from collections.abc import Sequence

from commerce.errors import HubError
from commerce.ports import Alert
from commerce.stock import StockLevel
from tasks.alerting import tell
from tasks.hub import Hub
from tasks.stack import Route
from tasks.tally import Tally


def tell_stopped(hub: Hub, route: Route, refused: HubError | None = None) -> None:
    """A feed was not believed: the storefront goes stale until somebody looks. Without `refused` it is well again."""
    fingerprint = f"stock-feed:{route.name}"
    if refused is None:
        hub.ledger.clear_alert(fingerprint)
        return
    alert = Alert(
        fingerprint=fingerprint,
        title=f"{route.name}: stopped",
        what=str(refused),
        todo=refused.hint or f"see: backroom check {route.source}",
    )
    tell(hub, alert)


def tell_negative(hub: Hub, route: Route, levels: Sequence[StockLevel], tally: Tally) -> None:
    """A shelf cannot hold less than nothing: somebody's booking is wrong. Said once, until all are well again."""
    fingerprint = f"stock-negative:{route.name}"
    negative = [level for level in levels if level.on_hand < 0]
    if not negative:
        hub.ledger.clear_alert(fingerprint)
        return
    tally.counts["below zero"] += len(negative)
    shown = ", ".join(f"{level.sku} {level.on_hand.normalize():f}" for level in negative[:5])
    alert = Alert(
        fingerprint=fingerprint,
        severity="warning",
        title=f"{route.source}: {len(negative)} stock levels are below zero",
        what=f"they are offered as none at all, for example: {shown}",
        todo="count them in the inventory app",
        facts={"levels": str(len(negative))},
    )
    tell(hub, alert)


def tell_refused(hub: Hub, route: Route, tally: Tally) -> None:
    """Levels that the storefront refuses are in no list of held records: say so once, until all are taken again."""
    fingerprint = f"stock:{route.name}"
    refused = tally.counts["held"]
    if not refused:
        hub.ledger.clear_alert(fingerprint)
        return
    example = next((row for row in tally.rows if row["outcome"] == "held"), {"why": "", "what to do": ""})
    alert = Alert(
        fingerprint=fingerprint,
        title=f"{route.destination}: {refused} stock levels refused",
        what=f"the storefront goes on offering what it showed before, for example: {example['why']}",
        todo=example["what to do"] or f"open the last run of {route.name} in the Prefect UI",
        facts={"levels": str(refused)},
    )
    tell(hub, alert)
