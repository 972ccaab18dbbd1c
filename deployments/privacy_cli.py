"""`backroom privacy`: what people asked about their own data, the proof of what was done, and what is left to do."""

from __future__ import annotations

import json as json_format
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commerce.errors import HubError
from deployments import printing
from deployments.explaining import explained
from deployments.options import Json

if TYPE_CHECKING:
    from ledger.records import PrivacyRequest
    from tasks.hub import Hub

privacy = typer.Typer(no_args_is_help=True, help="What people asked about their own data, and what became of it.")

Number = Annotated[int, typer.Argument(metavar="ID", help="the number that `privacy list` shows")]


@privacy.command("list")
@explained
def list_requests(json: Json = False) -> None:
    """Every request, oldest first; exit code 1 while one is not done."""
    from tasks.hub import the_hub

    found = the_hub().ledger.privacy_requests()
    if json:
        printing.dump(found)
    else:
        columns = ["id", "from", "asked", "orders", "state", "received", "waits for"]
        printing.table("privacy requests", columns, [row_of(one) for one in found])
    raise typer.Exit(0 if all(one.state == "done" for one in found) else 1)


@privacy.command("show")
@explained
def show(request: Number, json: Json = False) -> None:
    """One request: who was asked, when, and what each answered."""
    from tasks.hub import the_hub

    hub = the_hub()
    found, answers = request_of(hub, request), hub.ledger.privacy_answers(request)
    if json:
        printing.dump({"request": found, "answers": answers})
        return
    printing.table(f"privacy request {found.id}", ["what", ""], told(found))
    rows = [(one.at, one.destination, one.outcome, one.reason, one.by) for one in answers]
    printing.table("answers", ["at", "who", "outcome", "words", "by"], rows)


@privacy.command("export")
@explained
def export(
    request: Number,
    to: Annotated[Path | None, typer.Option(help="the file to write; default: privacy-ID.json")] = None,
) -> None:
    """Write all that the hub holds on the customer of a request into a file that only you can read."""
    from tasks.hub import the_hub

    hub = the_hub()
    found = request_of(hub, request)
    file = to or Path(f"privacy-{found.id}.json")
    held = all_on(hub, found)
    with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        os.fchmod(out.fileno(), 0o600)  # also when the file was there before
        json_format.dump(held, out, indent=2, ensure_ascii=False)
    hub.ledger.privacy_answer(found.id, "backroom", "exported", f"{len(held['orders'])} orders were written to a file")
    typer.echo(f"wrote {file}: {len(held['orders'])} orders")
    for name, documents in held["may hold more"].items():
        typer.echo(f"{printing.plain(name)} may hold more: {printing.plain(', '.join(documents)) or 'look there'}")


@privacy.command("done")
@explained
def done(
    request: Number, note: Annotated[str, typer.Option(help="what was done, for whoever asks later; name nobody")]
) -> None:
    """Close a request after a person has done what the hub cannot."""
    from tasks.hub import the_hub

    hub = the_hub()
    found = request_of(hub, request)
    if found.state == "open":
        raise HubError(f"the hub has not done its own part yet: {found.reason or 'the next run begins'}")
    closed = hub.ledger.privacy_settled(request, "done", note=note, by="person")
    hub.ledger.clear_alert(f"privacy:{request}")
    typer.echo(f"{request} is done" if closed else f"{request} was done before")
    raise typer.Exit(0 if closed else 1)


def request_of(hub: Hub, number: int) -> PrivacyRequest:
    """The request. Raises HubError when there is none."""
    for one in hub.ledger.privacy_requests():
        if one.id == number:
            return one
    raise HubError(f"there is no privacy request {number}", hint="see: backroom privacy list")


def row_of(one: PrivacyRequest) -> tuple[Any, ...]:
    """A line of the list."""
    return (one.id, one.connection, one.kind, len(one.orders), one.state, one.received_at, one.reason)


def told(one: PrivacyRequest) -> list[tuple[str, Any]]:
    """The request itself, by numbers only."""
    return [
        ("from", one.connection),
        ("asked", one.kind),
        ("customer", one.customer_id),
        ("orders", ", ".join(one.orders)),
        ("state", one.state),
        ("received", one.received_at),
        ("closed", one.closed_at),
        ("waits for", one.reason),
        ("note", one.note),
    ]


def all_on(hub: Hub, request: PrivacyRequest) -> dict[str, Any]:
    """What the hub holds on a customer: newest orders, what was brought where, and who may hold more."""
    from tasks.privacy import destinations

    ledger, of_customer = hub.ledger, []
    if request.customer_id:
        of_customer = ledger.orders_of_customer(request.connection, request.customer_id)
    subjects = list(dict.fromkeys([*request.subjects, *of_customer]))
    brought = ledger.brought_of(subjects)
    names = [*destinations(hub, request), *brought]
    parcels = [one for subject in subjects for one in ledger.trace(subject).subjects if one not in subjects]
    return {
        "request": {"id": request.id, "kind": request.kind, "received": request.received_at.isoformat()},
        "customer": request.customer_id,
        "orders": ledger.newest_data(subjects),
        "parcels": ledger.newest_data(list(dict.fromkeys(parcels))),
        "may hold more": {
            name: [key for key in brought[name].documents.values() if key] if name in brought else []
            for name in dict.fromkeys(names)
        },
    }
