"""`backroom alerts`: what people were told of and is not over, and the end of what only a person can call over."""

from __future__ import annotations

from typing import Annotated

import typer

from commerce.errors import NotConfigured
from deployments import printing
from deployments.explaining import explained
from deployments.options import Json

alerts = typer.Typer(no_args_is_help=True, help="Problems that are not over, and the end of those seen to by hand.")


@alerts.command("list")
@explained
def list_alerts(json: Json = False) -> None:
    """Every open alert, oldest first; exit code 1 while there is one."""
    from tasks.hub import the_hub

    found = the_hub().ledger.open_alerts()
    if json:
        printing.dump([{"since": kept.since, "heard": kept.heard, **kept.alert.model_dump()} for kept in found])
    else:
        rows = [(kept.alert.fingerprint, kept.since, kept.alert.title, kept.alert.what, kept.heard) for kept in found]
        printing.table("open alerts", ["name", "since", "what", "why", "told"], rows)
    raise typer.Exit(1 if found else 0)


@alerts.command("close")
@explained
def close(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="as `alerts list` shows it, or how it begins")],
) -> None:
    """Call alerts over that a person saw to, e.g. documents that were deleted on purpose: backroom alerts close
    removed:books. One whose cause goes on is raised again by the next watch."""
    from tasks.hub import the_hub

    ledger = the_hub().ledger
    known = [kept.alert.fingerprint for kept in ledger.open_alerts()]
    chosen = {name: [one for one in known if one == name or one.startswith(f"{name}:")] for name in names}
    for name, found in chosen.items():
        if not found:
            hint = "backroom alerts list shows those that are open"
            raise NotConfigured("NAME", f"no open alert is called {printing.plain(name)}", hint=hint)
    closed = sum(ledger.clear_alert(one) for one in sorted({one for found in chosen.values() for one in found}))
    typer.echo(f"{closed} closed")
