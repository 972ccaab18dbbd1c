"""reconcile: every order of the last days compared over all apps, with a report that is kept and signed off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from prefect import flow, get_run_logger
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field

from commerce.audits import Report
from flows.story import told
from tasks.steps import compare_all
from tasks.tally import Tally

Days = Annotated[int, Field(ge=0, le=400)]
SOURCE = Field(
    "shop", json_schema_extra={"title": "Storefront"}, description="the connection whose orders are compared"
)
DESTINATIONS: list[str] = Field(
    [],
    json_schema_extra={"title": "Destinations"},
    description="connections to compare with; none chosen: all that take its orders and can be asked",
)
SINCE = Field(7, json_schema_extra={"title": "From, days ago"}, description="first day, by creation of the order (UTC)")
UNTIL = Field(1, json_schema_extra={"title": "To, days ago"}, description="last day, included: 1 is yesterday")
REPAIR = Field(
    False,
    json_schema_extra={"title": "Repair"},
    description="bring again what is missing or different; extra things are only told",
)

NOTHING: list[dict[str, str]] = [{"what": "nothing", "how many": "0"}]
"""A table of no rows, which Prefect does not show."""


def reconcile_name() -> str:
    """ "reconcile shop, 7 to 1 days ago"."""
    given = flow_run.parameters
    repairing = ", repairing" if given.get("repair") else ""
    return (
        f"reconcile {given.get('source')}, {given.get('since_days')} to {given.get('until_days')} days ago{repairing}"
    )


@flow(name="reconcile", flow_run_name=reconcile_name)
async def reconcile(
    source: str = SOURCE,
    destinations: list[str] = DESTINATIONS,
    since_days: Days = SINCE,
    until_days: Days = UNTIL,
    repair: bool = REPAIR,
) -> State[None]:
    """Read the orders of some days again in the storefront, and what each destination holds of them, and compare
    number, amount and state. Says what is missing, extra or different; what is held or waits is shown as such. Each
    comparison is kept as a report: backroom reconcile list.
    """
    async with told("reconcile") as tally:
        reports = await compare_all(source, destinations, since_days, until_days, repair)
        count(tally, reports)
    await acreate_table_artifact(
        key="reconcile-summary",
        table=list(summary(reports)) or NOTHING,
        description=f"**{source}** and its destinations",
    )
    await acreate_table_artifact(
        key="reconcile-differences",
        table=list(rows(reports)) or NOTHING,
        description="what is not as it should be; a reason in the last column explains it",
    )
    return ended(reports)


def count(tally: Tally, reports: Sequence[Report]) -> None:
    """The differences by verdict or explanation, over all destinations."""
    for report in reports:
        tally.counts.update(report.counts)
        tally.counts["recorded"] = report.recorded
        tally.counts["not compared"] += bool(report.problem)


def summary(reports: Sequence[Report]) -> Iterator[dict[str, str]]:
    """One row for each destination: number and amount on both sides."""
    for report in reports:
        yield {
            "destination": report.destination,
            "orders": f"{report.orders}",
            "expected": f"{report.expected}",
            "found": f"{report.found}",
            "expected amount": in_words(report.expected_amounts),
            "found amount": in_words(report.found_amounts),
            "result": report.says,
            "report": f"{report.id}",
        }


def rows(reports: Sequence[Report]) -> Iterator[dict[str, str]]:
    """One row for each difference, surprises first."""
    found = [(report, one) for report in reports for one in report.differences]
    for report, one in sorted(found, key=lambda pair: bool(pair[1].explained)):
        yield {
            "destination": report.destination,
            "order": one.label,
            "what": one.slot,
            "verdict": one.verdict,
            "expected": one.expected,
            "found": one.found,
            "id": one.vendor_id,
            "link": one.url,
            "explained": one.explained,
        }


def in_words(amounts: dict[str, str]) -> str:
    """ "60.00 USD, 12.00 EUR"."""
    return ", ".join(f"{amount} {currency}" for currency, amount in amounts.items())


def ended(reports: Sequence[Report]) -> State[None]:
    """Green, with the number of surprises in its name; red when something could not be compared."""
    words = "; ".join(f"{report.destination}: {report.says}" for report in reports) or "nothing to compare"
    get_run_logger().info("%s", words)
    if any(report.problem for report in reports):
        return Failed(message=words)
    surprises = sum(report.surprises for report in reports)
    return Completed(message=words, name=f"Completed, {surprises} differ" if surprises else None)
