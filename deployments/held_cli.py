"""`backroom held`: records that wait for a person."""

from __future__ import annotations

from typing import Annotated

import typer

from deployments import printing
from deployments.explaining import explained
from deployments.options import Json

held = typer.Typer(no_args_is_help=True, help="Records that wait for a person.")


@held.command("list")
@explained
def held_list(
    destination: Annotated[str | None, typer.Option(help="only this one")] = None, json: Json = False
) -> None:
    """What waits for a person, and why."""
    from tasks.hub import the_hub

    printing.held(the_hub().ledger.held(destination), as_json=json)


@held.command("show")
@explained
def held_show(record: Annotated[str, typer.Argument(help="the id that `held list` shows")], json: Json = False) -> None:
    """One held record with all that is known of it."""
    from tasks.hub import the_hub

    found = next((one for one in the_hub().ledger.held() if one.id == record), None)
    if found is None:
        printing.failure(f"nothing is held under {record!r}", "see: backroom held list")
        raise typer.Exit(1)
    printing.held([found], as_json=json, whole=True)


@held.command("release")
@explained
def held_release(
    record: Annotated[list[str] | None, typer.Argument(help="ids that `held list` shows")] = None,
    cause: Annotated[str | None, typer.Option(help="all that are held for this cause")] = None,
    destination: Annotated[str | None, typer.Option(help="all that are held for this destination")] = None,
) -> None:
    """Let held records be tried again, after their cause was fixed."""
    from tasks.hub import the_hub

    if not record and not cause and not destination:
        printing.failure("say which: ids, --cause or --destination", "see: backroom held list")
        raise typer.Exit(2)
    count = the_hub().ledger.release_held(ids=record or None, cause=cause, destination=destination)
    typer.echo(f"{count} released; the next run of their route tries them again")
    raise typer.Exit(0 if count else 1)


@held.command("dismiss")
@explained
def held_dismiss(
    record: Annotated[list[str], typer.Argument(help="ids that `held list` shows")],
    note: Annotated[str, typer.Option(help="why, for whoever asks later")],
) -> None:
    """Close held records without sending them."""
    from tasks.hub import the_hub

    count = the_hub().ledger.dismiss_held(record, note)
    typer.echo(f"{count} dismissed")
    raise typer.Exit(0 if count else 1)
