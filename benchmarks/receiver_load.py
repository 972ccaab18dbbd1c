"""Webhooks at a fixed rate against a real receiver that is killed half way: was every acknowledged one kept?

    python -m benchmarks.receiver_load --rate 200 --seconds 60 [--engine sqlite|postgresql] [--size 4096] [--json]

The sender is open-loop: each webhook has its moment whatever became of the ones before, and its answer's time counts
from that moment. Meanwhile another process records, claims and settles orders in the same database. Half way the
receiver is killed (SIGKILL) and started again. A webhook that got no answer, or 503, may be sent again by its vendor,
so it may be missing; one that was answered with 200 may not. Exit code 1 when one is.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from sqlalchemy import select

from benchmarks.ledger_rates import engines
from commerce.outcomes import Binding, Done
from deployments.processes import Processes, answers, free_port
from ledger import Ledger, tables
from tests.builders import an_order

SECRET = "load-test-secret"
SHOP = "load.myshopify.com"
STACK = f"""
[connections.shop]
vendor = "shopify"
shop = "{SHOP}"
client_id = "load"
"""
SENDERS = 600
"""Connections. More than the receiver works on at once, so that a receiver that falls behind has to say so."""
PATIENCE = 5.0
"""Seconds that Shopify waits for an answer."""


@dataclass
class Load:
    """What was sent, and what came back."""

    rate: int
    seconds: float
    engine: str
    sent: int = 0
    acknowledged: set[str] = field(default_factory=set)
    times: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    without_retry_after: int = 0
    missing: int = 0
    deliveries: int = 0
    down_seconds: float = 0.0
    cpu_ms: float = 0.0
    """Processor time of the receiver for each webhook that it answered after its second start, that start included."""
    load_average: float = 0.0

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share of the acknowledged ones was answered."""
        ordered = sorted(self.times)
        return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else 0.0

    def report(self) -> dict[str, object]:
        """For machines."""
        told = {**asdict(self), "acknowledged": len(self.acknowledged), "answers": dict(self.answers)}
        del told["times"]
        return told | {f"p{round(share * 100)}_ms": self.percentile(share) for share in (0.5, 0.95, 0.99)}


class Sender:
    """Connections that are kept open; each sends one webhook after the other from one queue."""

    def __init__(self, port: int, load: Load, body: bytes) -> None:
        self.port, self.load, self.body = port, load, body
        signature = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
        head = (
            f"POST /hooks/shop HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(body)}\r\n"
            f"content-type: application/json\r\nx-shopify-topic: orders/updated\r\nx-shopify-shop-domain: {SHOP}\r\n"
            f"x-shopify-hmac-sha256: {signature}\r\nx-shopify-webhook-id: "
        )
        self.head = head.encode()
        self.queue: asyncio.Queue[tuple[str, float] | None] = asyncio.Queue()

    async def run(self, prefix: str) -> None:
        """Send at the rate, then wait for what is still on its way."""
        workers = [asyncio.create_task(self._work()) for _ in range(SENDERS)]
        began = time.perf_counter()
        for number in range(int(self.load.rate * self.load.seconds)):
            due = began + number / self.load.rate
            if (early := due - time.perf_counter()) > 0.001:
                await asyncio.sleep(early)
            self.queue.put_nowait((f"{prefix}-{number}", due))
            self.load.sent += 1
        for _ in workers:
            self.queue.put_nowait(None)
        await asyncio.gather(*workers)

    async def _work(self) -> None:
        streams = None
        while (job := await self.queue.get()) is not None:
            name, due = job
            if time.perf_counter() - due > PATIENCE:
                self.load.answers["never sent, all connections were waiting"] += 1
                continue
            try:
                if streams is None:
                    streams = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", self.port), PATIENCE)
                status, headers = await asyncio.wait_for(self._ask(*streams, name), PATIENCE)
            except (OSError, EOFError, TimeoutError, ValueError) as error:
                self.load.answers[f"no answer ({type(error).__name__})"] += 1
                if streams:
                    streams[1].close()
                streams = None
                continue
            self.load.answers[str(status)] += 1
            if status == 200:
                self.load.acknowledged.add(f"orders/updated:{name}")
                self.load.times.append(time.perf_counter() - due)
            elif status == 503 and b"retry-after" not in headers.lower():
                self.load.without_retry_after += 1
            if b"connection: close" in headers.lower():
                streams[1].close()
                streams = None
        if streams:
            streams[1].close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str) -> tuple[int, bytes]:
        writer.write(self.head + name.encode() + b"\r\n\r\n" + self.body)
        headers = await reader.readuntil(b"\r\n\r\n")
        lengths = [line[15:] for line in headers.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        await reader.readexactly(int(lengths[0]) if lengths else 0)
        return int(headers.split(b" ", 2)[1]), headers


def busy(url: str, over: Event, done: Any) -> None:
    """Record, claim and settle in the same database, as routes would, until it is over."""
    ledger = Ledger(url)
    ledger.subscribe("warehouse", "load", ["order"], "state")
    number = 0
    while not over.is_set():
        ledger.record_orders("load", [an_order(number + n, source="load") for n in range(50)])
        number += 50
        while (claim := ledger.claim("warehouse", limit=50)).items:
            settled = [(item, Done(binding=Binding(vendor_id=item.subject))) for item in claim.items]
            done.value += ledger.settle(claim, settled)
        time.sleep(0.1)  # vendors take their time
    ledger.close()


def run(url: str, load: Load, *, size: int = 4096, kill: bool = True) -> Load:
    """One run; `load` is filled in and returned."""
    prefix, port = uuid.uuid4().hex, free_port(8790)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "stack.toml").write_text(STACK, encoding="utf-8")
        environment = {
            "BACKROOM_STACK": str(home / "stack.toml"),
            "BACKROOM_LEDGER": url,
            "BACKROOM_SHOP_CLIENT_SECRET": SECRET,
        }
        command = [sys.executable, "-m", "deployments.cli", "receive", "--port", str(port)]
        routes = multiprocessing.get_context("spawn")
        over, done = routes.Event(), routes.Value("q", 0)
        with Processes(home / "logs", environment) as processes:
            receiver = processes.start("receiver", command)
            processes.wait_until("receiver", answers(f"http://127.0.0.1:{port}/alive"))
            worker = routes.Process(target=busy, args=(url, over, done), daemon=True)
            worker.start()
            ends = time.monotonic() + 120
            while not done.value and worker.is_alive() and time.monotonic() < ends:
                time.sleep(0.05)
            before = done.value
            body = json.dumps({"id": 450789469, "note": "x" * size}).encode()

            again: dict[str, int] = {}

            async def story() -> None:
                sending = asyncio.create_task(Sender(port, load, body).run(prefix))
                if kill:
                    await asyncio.sleep(load.seconds / 2)
                    os.kill(receiver.pid, signal.SIGKILL)
                    killed = time.perf_counter()
                    again["pid"] = processes.start("receiver-again", command).pid
                    again["answered"] = sum(count for word, count in load.answers.items() if word.isdigit())
                    ready = answers(f"http://127.0.0.1:{port}/alive")
                    await asyncio.to_thread(processes.wait_until, "receiver-again", ready)
                    load.down_seconds = round(time.perf_counter() - killed, 1)
                await sending

            asyncio.run(story())
            answered = sum(count for word, count in load.answers.items() if word.isdigit()) - again.get("answered", 0)
            load.cpu_ms = round(1000 * cpu_seconds(again.get("pid", receiver.pid)) / max(1, answered), 2)
            load.load_average = round(os.getloadavg()[0], 1)
            over.set()
            worker.join(10)
            load.deliveries = done.value - before
    load.missing = len(load.acknowledged - kept(url, prefix))
    return load


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used; 0 where that is not told (Linux only)."""
    file = Path(f"/proc/{pid}/stat")
    if not file.exists():
        return 0.0
    used = file.read_text(encoding="utf-8").rpartition(")")[2].split()[11:13]
    return sum(map(int, used)) / os.sysconf("SC_CLK_TCK")


def kept(url: str, prefix: str) -> set[str]:
    """The ids of this run that are in the inbox."""
    ledger, column = Ledger(url), tables.inbox.c.delivery_id
    with ledger.reading() as db:
        found = set(db.scalars(select(column).where(column.startswith(f"orders/updated:{prefix}"))))
    ledger.close()
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--engine", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--no-kill", action="store_true")
    chosen = parser.parse_args(arguments)
    lost = 0
    with engines() as urls, suppress(KeyboardInterrupt):
        for name, url in urls.items():
            if chosen.engine not in (name, "both"):
                continue
            load = run(url, Load(chosen.rate, chosen.seconds, name), size=chosen.size, kill=not chosen.no_kill)
            print(json.dumps(load.report()), flush=True)
            lost += load.missing
    return 1 if lost else 0


if __name__ == "__main__":
    raise SystemExit(main())
