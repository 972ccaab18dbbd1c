"""The command line. Exit codes: 0 well, 1 something needs a person, 2 used or set up wrongly."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from deployments import printing
from deployments.alerts_cli import alerts
from deployments.explaining import explained
from deployments.held_cli import held
from deployments.options import Json
from deployments.privacy_cli import privacy
from deployments.reconcile_cli import reports

app = typer.Typer(
    no_args_is_help=True, help="backroom: an integration hub for shops that you run yourself.", rich_markup_mode=None
)
app.add_typer(held, name="held")
app.add_typer(alerts, name="alerts")
app.add_typer(privacy, name="privacy")
app.add_typer(reports, name="reconcile")

Limits = Annotated[bool, typer.Option(help="enforce the vendors' rate limits")]


@app.command()
@explained
def demo(
    orders: Annotated[Path | None, typer.Option(help="real orders, .csv or .csv.gz, see docs/order-files.md")] = None,
    home: Annotated[Path, typer.Option(help="where the demo keeps its files; emptied first")] = Path("var/demo"),
    limits: Limits = True,
    json: Json = False,
) -> None:
    """Run the whole hub against simulated vendors, through Prefect, and show what landed where."""
    from deployments.demo import run_demo

    raise typer.Exit(run_demo(home, orders, limits=limits, as_json=json))


@app.command()
@explained
def up(
    orders: Annotated[Path | None, typer.Option(help="real orders for the simulated shop, .csv or .csv.gz")] = None,
    home: Annotated[Path, typer.Option(help="where it keeps its files; emptied first")] = Path("var/up"),
    limits: Limits = True,
) -> None:
    """Start the hub against simulated vendors and stay, until Ctrl-C."""
    from deployments.demo import run_up

    raise typer.Exit(run_up(home, orders, limits=limits))


@app.command()
@explained
def simulate(
    port: Annotated[int, typer.Option(help="port on loopback")] = 8710,
    limits: Annotated[bool, typer.Option(help="enforce the vendors' rate limits")] = True,
) -> None:
    """Serve the simulated vendors over HTTP; /_control/<name>/state shows what each holds."""
    from deployments.simulators import serve

    serve(port, limits=limits)


@app.command()
@explained
def receive(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on")] = 8720,
) -> None:
    """Serve the webhook receiver and its health page."""
    import uvicorn

    from deployments.receiver import receiver_app
    from deployments.serving import receiver_config
    from tasks.hub import the_hub

    uvicorn.Server(receiver_config(receiver_app(the_hub()), host, port)).run()


@app.command()
@explained
def server(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on")] = 4200,
) -> None:
    """Run Prefect's server, with its login and encryption key from the environment or `.env`."""
    from deployments.own_server import start
    from tasks.stack import env_file, secrets_of, stack_file

    start(host, port, secrets_of(env_file(stack_file())))


@app.command(hidden=True)
def warm(socket: Path) -> None:
    """Wait at a Unix socket and fork flow runs; `warm_client.py` is the command of the work pool then."""
    from deployments.warm import serve as serve_warm

    serve_warm(socket)


@app.command("new-vendor")
@explained
def new_vendor(
    name: Annotated[str, typer.Argument(help="the folder's name, e.g. help_scout")],
    title: Annotated[str, typer.Option(help="what people call the app; made from the name when left out")] = "",
) -> None:
    """Write the skeleton of a vendor folder with its tests; docs/add-a-vendor.md says how to go on."""
    from deployments.new_vendor import write_vendor

    for file in write_vendor(name, title):
        typer.echo(f"wrote {file}")
    typer.echo(f"now: make test, then read docs/add-a-vendor.md; its tests alone: pytest tests/integrations/{name}")


@app.command()
@explained
def migrate() -> None:
    """Bring the ledger's tables up to date, and subscribe the routes of stack.toml."""
    from tasks.hub import open_hub

    open_hub().close()
    typer.echo("the ledger is up to date")


@app.command()
@explained
def check(
    connection: Annotated[str | None, typer.Argument(help="only this one; every connection when left out")] = None,
    json: Json = False,
) -> None:
    """Look at connections: credential, scopes, plan, maps; say what to fix."""
    from deployments.checking import findings

    found = list(findings(connection))
    printing.findings(found, as_json=json)
    raise typer.Exit(0 if all(finding.ok for finding in found) else 1)


@app.command()
@explained
def webhooks() -> None:
    """Create or repair our webhook subscriptions at vendors that offer them; needs `hub.receiver` in stack.toml."""
    from deployments.checking import ensure_webhooks

    printing.table("webhooks", ["connection", "topic", "was", "sent to"], ensure_webhooks())


@app.command()
@explained
def automations(
    minutes: Annotated[int, typer.Option(min=1, max=1440, help="how long a run may be late before it is told")] = 10,
    notify: Annotated[str, typer.Option(help="a notification block of Prefect, e.g. slack-webhook/backroom")] = "",
) -> None:
    """Let Prefect's server notice schedules that did not run and runs that died; may be repeated."""
    from deployments.automations import deploy_now

    printing.table("automations", ["name", "was"], list(deploy_now(minutes, notify).items()))


@app.command()
@explained
def tidy() -> None:
    """Before a worker starts: mark dead runs as crashed, free their slots, make late runs of one deployment one."""
    from deployments.automations import tidy_now

    typer.echo(", ".join(f"{count} {what}" for what, count in tidy_now().items()) or "nothing to tidy up")


@app.command()
@explained
def status(json: Json = False) -> None:
    """How much waits for each destination, how fresh each route is, what is paused."""
    from deployments.health import health_of
    from tasks.hub import the_hub

    hub = the_hub()
    health = health_of(hub)
    printing.status(hub.ledger.status(), health, as_json=json)
    raise typer.Exit(0 if health.well else 1)


@app.command()
@explained
def trace(
    order: Annotated[str, typer.Argument(help='an order: "#1001", "shop:5501", or a vendor\'s id')], json: Json = False
) -> None:
    """The life of one order: every event, delivery and id."""
    from tasks.hub import the_hub

    found = the_hub().ledger.trace(order)
    if not found.events:
        printing.failure(f"the log has nothing about {order!r}", "try its number, e.g. '#1001'")
        raise typer.Exit(1)
    printing.trace(found, as_json=json)


@app.command()
@explained
def pause(
    connection: str, note: Annotated[str, typer.Option(help="why, for whoever sees it paused")] = "no reason given"
) -> None:
    """Bring a connection nothing until `backroom resume`. Its work waits, and nobody else does."""
    from tasks.hub import the_hub

    hub = the_hub()
    hub.stack.connection(connection)
    already = [one.reason for one in hub.ledger.paused() if one.connection == connection]
    hub.ledger.pause(connection, f"by hand: {note}", f"when it may go on: backroom resume {connection}")
    typer.echo(f"{connection} was paused already: {already[0]}" if already else f"{connection} is paused")


@app.command()
@explained
def resume(connection: str) -> None:
    """Go on with a paused connection, after its credential was fixed."""
    from tasks.hub import the_hub

    hub = the_hub()
    hub.stack.connection(connection)
    was = hub.ledger.resume(connection)
    hub.ledger.clear_alert(f"paused:{connection}")
    typer.echo(f"{connection} goes on" if was else f"{connection} was not paused")


@app.command()
@explained
def reconnect(connection: str) -> None:
    """Drop a connection's kept tokens, so that it begins again with the secrets it has now, and resume it."""
    from tasks.hub import the_hub

    hub = the_hub()
    hub.stack.connection(connection)
    hub.ledger.forget_tokens(connection)
    hub.ledger.resume(connection)
    hub.ledger.clear_alert(f"paused:{connection}")
    typer.echo(f"{connection} begins again; look with: backroom check")


@app.command()
@explained
def replay(
    destination: Annotated[str, typer.Argument(help="the connection that gets it again")],
    since: Annotated[datetime | None, typer.Option(help="what happened since then, UTC")] = None,
    order: Annotated[list[str] | None, typer.Option(help='only this order, "#1001"; may be repeated')] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say how many")] = False,
) -> None:
    """Bring a destination again what it already had. Each is looked up there first, so twice changes nothing."""
    from deployments.replaying import replay_to, said

    count = replay_to(destination, since, order, dry_run=dry_run)
    typer.echo(said(destination, count, dry_run=dry_run))
    raise typer.Exit(0 if count else 1)


@app.command()
@explained
def connect(
    connection: str,
    paste: Annotated[bool, typer.Option("--paste", help="paste the address that the browser ends at")] = False,
    remote: Annotated[bool, typer.Option("--remote", help="print a link to the public receiver instead")] = False,
    port: Annotated[int, typer.Option(help="port of this machine that the browser comes back to")] = 8730,
    redirect: Annotated[str, typer.Option(help="the redirect address that the app has, with --paste")] = "",
    browser: Annotated[bool, typer.Option(help="open the browser")] = True,
    minutes: Annotated[int, typer.Option(min=1, max=60, help="how long to wait for the answer")] = 10,
) -> None:
    """Grant the hub access in the browser, keep it encrypted, and let the connection go on."""
    from deployments import connecting_console as console

    if remote:
        console.remote(connection)
    elif paste:
        console.paste(connection, redirect, port, minutes * 60.0)
    else:
        console.in_browser(connection, port, minutes * 60.0, open_browser=browser)


@app.command()
@explained
def disconnect(connection: str) -> None:
    """Give our access back to the vendor, forget it, and pause the connection."""
    from deployments.connecting import disconnect as give_back
    from tasks.hub import the_hub

    typer.echo(f"{connection}: {give_back(the_hub(), connection)}; connect again with: backroom connect {connection}")


if __name__ == "__main__":
    app()
