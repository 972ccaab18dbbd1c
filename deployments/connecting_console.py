"""What `backroom connect` says and asks in the terminal."""

from __future__ import annotations

import webbrowser

import typer

from deployments import reconnecting
from deployments.connecting import PATH, Attempt, Loopback, answer_in
from deployments.printing import plain
from tasks.hub import Hub, the_hub


def in_browser(connection: str, port: int, seconds: float, *, open_browser: bool) -> None:
    """Wait for the browser to come back to this machine."""
    hub = the_hub()
    redirect = f"http://localhost:{port}{PATH}"
    attempt = Attempt(hub, connection, redirect, lifetime=seconds)
    with Loopback(attempt, port, connection) as waiting:
        typer.echo(f"The app needs this redirect address: {redirect}")
        typer.echo(f"Open this address and grant access:\n\n{plain(attempt.address)}\n")
        if open_browser:
            webbrowser.open(attempt.address)
        typer.echo(f"Waiting for {seconds / 60:.0f} minutes; Ctrl-C gives up, and changes nothing.")
        account = waiting.wait(seconds)
    said(connection, account)


def paste(connection: str, redirect: str, port: int, seconds: float) -> None:
    """Let the merchant copy the address that the browser ended at, for a machine without a browser."""
    hub = the_hub()
    redirect = redirect or default_redirect(hub, connection, port)
    attempt = Attempt(hub, connection, redirect, lifetime=seconds)
    typer.echo(f"The app needs this redirect address: {redirect}")
    typer.echo(f"Open this address in any browser and grant access:\n\n{plain(attempt.address)}\n")
    typer.echo("The browser ends at a page that may not load. That does not matter: copy its whole address.")
    address = typer.prompt("Address")
    said(connection, attempt.take(answer_in(address, redirect)))


def remote(connection: str) -> None:
    """Print a link to the public receiver at which access can be granted, also for the first time."""
    hub = the_hub()
    typer.echo(f"The app needs this redirect address: {reconnecting.redirect_of(hub, connection)}")
    minutes = reconnecting.LINK_LIFETIME // 60
    typer.echo(
        f"Open this address within {minutes} minutes and grant access:\n\n{reconnecting.link(hub, connection)}\n"
    )
    typer.echo(f"Then look with: backroom check {connection}")


def default_redirect(hub: Hub, connection: str, port: int) -> str:
    """The public receiver's address where there is one, as vendors want https; else this machine's."""
    if hub.stack.hub.receiver:
        return reconnecting.redirect_of(hub, connection)
    return f"http://localhost:{port}{PATH}"


def said(connection: str, account: str) -> None:
    """The good end."""
    typer.echo(f"{connection} is connected to {plain(account)}; look with: backroom check {connection}")
