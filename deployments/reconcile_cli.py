"""`backroom reconcile`: the kept reports, and who signed them off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from commerce.audits import Report
from commerce.errors import HubError
from deployments import printing
from deployments.explaining import explained
from deployments.options import Json

reports = typer.Typer(no_args_is_help=True, help="Reports that compare the storefront with its destinations.")

Number = Annotated[int, typer.Argument(help="the report, as `reconcile list` shows it")]


def the_report(id: int) -> Report:
    """The report. Raises HubError when there is none."""
    from tasks.hub import the_hub

    found = the_hub().ledger.report(id)
    if found is None:
        raise HubError(f"there is no report {id}", hint="see: backroom reconcile list")
    return found


@reports.command("list")
@explained
def list_reports(
    destination: Annotated[str | None, typer.Option(help="only this one")] = None,
    limit: Annotated[int, typer.Option(min=1, help="how many, the newest first")] = 20,
    json: Json = False,
) -> None:
    """The newest reports."""
    from tasks.hub import the_hub

    found = the_hub().ledger.reports(destination=destination, limit=limit)
    if json:
        printing.dump(found)
        return
    columns = ["report", "made", "source", "destination", "orders", "expected", "found", "result", "signed by"]
    printing.table("reconcile", columns, map(in_line, found))


@reports.command("show")
@explained
def show_report(report: Number, json: Json = False) -> None:
    """One report with all its differences. Exit code 1 when something is neither right nor explained."""
    found = the_report(report)
    if json:
        printing.dump(found)
    else:
        printing.table(f"report {found.id}", ["what", "value"], about(found))
        columns = ["order", "what", "verdict", "expected", "found", "id", "explained"]
        printing.table("differences", columns, differences(found))
    raise typer.Exit(0 if found.clean else 1)


@reports.command("sign")
@explained
def sign_report(
    report: Number,
    by: Annotated[str, typer.Option(help="who has seen it")],
    note: Annotated[str, typer.Option(help="what was found, or done; needed when something differs")] = "",
) -> None:
    """Sign a report off. The first signature stays."""
    from tasks.hub import the_hub

    found = the_report(report)
    if not by.strip():
        raise HubError("say who signs: --by NAME")
    if found.problem:
        raise HubError(f"report {report} compares nothing: {found.problem}", hint="run reconcile again, sign that one")
    if not found.clean and not note.strip():
        raise HubError(f"report {report} says: {found.says}", hint="say with --note what became of it")
    if not the_hub().ledger.sign_report(report, by.strip(), note.strip()):
        raise HubError(f"report {report} was signed before, by {the_report(report).signed_by}")
    typer.echo(f"report {report} is signed by {by.strip()}")


def in_line(report: Report) -> Sequence[object]:
    """One row of the list."""
    ends = (report.id, report.made_at, report.source, report.destination)
    return (*ends, report.orders, report.expected, report.found, report.says, report.signed_by)


def about(report: Report) -> list[tuple[str, object]]:
    """What a report says as a whole."""
    amounts = [
        (name, ", ".join(f"{amount} {currency}" for currency, amount in sums.items()))
        for name, sums in (("amount expected", report.expected_amounts), ("amount found", report.found_amounts))
    ]
    signature = f"{report.signed_by}, {printing.written(report.signed_at)}" if report.signed_by else "not yet"
    return [
        ("source and destination", f"{report.source}, {report.destination}"),
        ("orders created", f"{printing.written(report.since)} to {printing.written(report.until)}"),
        ("made", report.made_at),
        ("orders", report.orders),
        ("older orders with money of these days", report.older),
        ("expected there", report.expected),
        ("found there", report.found),
        *amounts,
        ("result", report.says),
        ("signed", signature),
        ("note", report.note),
    ]


def differences(report: Report) -> list[Sequence[object]]:
    """Its rows."""
    return [
        (one.label, one.slot, one.verdict, one.expected, one.found, one.vendor_id, one.explained)
        for one in report.differences
    ]
