"""Telling people what a comparison found: one alert, open until all it named was compared again or signed off."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from commerce.audits import Report
from commerce.errors import NotAuthorised
from commerce.ports import Alert
from tasks.alerting import in_words, tell
from tasks.hub import Hub


@contextmanager
def telling_of_no_comparison(hub: Hub, source: str) -> Iterator[None]:
    """Tell people when the storefront cannot be read, so that nothing is compared; the error goes on.

    Not of an outage, in which its routes are late and tell so, nor of a refused credential, which pauses it.
    """
    fingerprint = f"reconcile:{source}"
    try:
        yield
    except Exception as error:
        if not getattr(error, "retryable", False) and not isinstance(error, NotAuthorised):
            alert = Alert(
                fingerprint=fingerprint,
                title=f"{source} was not compared with anything",
                what=in_words(error),
                todo="open the last run of reconcile in the Prefect UI; until then nobody looks for what is missing",
            )
            tell(hub, alert)
        raise
    hub.ledger.clear_alert(fingerprint)


def tell_of(hub: Hub, report: Report, compared: Collection[str]) -> None:
    """One alert for a source and a destination. `compared` are the orders that this report looked at.

    It is over when this report is clean and answers each report that the alert names: days move out of a daily window
    whether or not anybody did something about them.
    """
    fingerprint = f"reconcile:{report.source}:{report.destination}"
    unanswered = [one for one in named(hub, fingerprint) if not answers(report, one, compared)]
    if report.clean:
        if not unanswered:
            hub.ledger.clear_alert(fingerprint)
        return
    tell(hub, alert_of(fingerprint, report, unanswered))


def named(hub: Hub, fingerprint: str) -> list[Report]:
    """The reports that the open alert names."""
    opened = (kept.alert for kept in hub.ledger.open_alerts() if kept.alert.fingerprint == fingerprint)
    ids = [int(id) for alert in opened for id in alert.facts.get("report", "").split(", ") if id.isdigit()]
    return [found for id in ids if (found := hub.ledger.report(id)) is not None]


def answers(report: Report, earlier: Report, compared: Collection[str]) -> bool:
    """Whether this report says how what the earlier one told of stands now, or a person has signed that off."""
    if earlier.signed_at is not None:
        return True
    if report.problem:
        return False
    if earlier.problem or (report.since <= earlier.since and report.until >= earlier.until):
        return True
    wrong = [one.subject for one in earlier.differences if not one.explained]
    return len(wrong) == earlier.surprises and set(wrong) <= set(compared)


def alert_of(fingerprint: str, report: Report, unanswered: Collection[Report]) -> Alert:
    """What people are told, with the reports of days that were not compared again since."""
    orders = sorted({one.label for one in report.differences if not one.explained})
    which = f"; orders {', '.join(orders[:10])}{' …' if len(orders) > 10 else ''}" if orders else ""
    days = f"created {report.since:%Y-%m-%d} to {report.until:%Y-%m-%d %H:%M} UTC"
    ids = [str(one.id) for one in (*unanswered, report)]
    return Alert(
        fingerprint=fingerprint,
        severity="critical" if report.surprises else "warning",
        title=f"{report.source} and {report.destination} differ"
        if report.surprises
        else f"{report.destination} was not compared with {report.source}",
        what=f"{report.says}{which} ({days}){_before(unanswered)}",
        todo=f"see: backroom reconcile show {report.id}; to bring what is missing again, run reconcile with repair; "
        "to leave it, sign the report",
        facts={"report": ", ".join(ids)},
    )


def _before(unanswered: Collection[Report]) -> str:
    told = "; ".join(f"report {one.id}: {one.says}" for one in unanswered)
    return f"; and from before: {told}" if told else ""
