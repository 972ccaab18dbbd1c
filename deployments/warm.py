"""Warm flow runs: a process that has everything imported forks one for each run.

A process worker starts `python -m prefect.engine` for every run, which spends two CPU-seconds on imports before the
flow begins. With the work pool's command set to `warm_client.py`, a run is instead a fork of this process: the same
engine, the same worker, a quarter of a second. When this process is not there, the client runs the engine as usual.
"""

from __future__ import annotations

import array
import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

MODULES = (
    "prefect.engine",
    "prefect.flow_engine",
    "prefect.task_engine",
    "prefect.artifacts",
    "prefect.deployments.steps.core",
    "prefect.deployments.steps.pull",
    "prefect._internal.metrics",
    "prefect.logging.handlers",
    "flows.backfill_orders",
    "flows.drain_inbox",
    "flows.orders_to_accounting",
    "flows.orders_to_marketing",
    "flows.orders_to_shipping",
    "flows.sync_inventory",
    "flows.tracking_to_storefront",
    "flows.watch",
    "httpx",
    "sqlalchemy.dialects.sqlite",
)
"""What a run needs, imported once. Vendors are imported as stack.toml names them."""

ENGINE = "prefect.engine"
"""What a run is: this module, as `python -m` runs it."""

LONGEST_REQUEST = 1024 * 1024
LONGEST_READ = 10.0
"""Seconds that a client may take to say what it wants; the others wait meanwhile."""


def serve(
    path: Path, *, modules: Sequence[str] = MODULES, engine: str = ENGINE, longest_read: float = LONGEST_READ
) -> None:
    """Wait at the Unix socket `path` for runs to start, until ended."""
    for module in modules:
        importlib.import_module(module)
    _import_vendors()
    _settle_memory()
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(16)
    signal.signal(signal.SIGTERM, lambda *_: _leave(path))
    while True:
        connection, _ = listener.accept()
        connection.settimeout(longest_read)
        _start(listener, connection, engine)


def _import_vendors() -> None:
    """Import the vendors that are connected; a stack that cannot be read is the flow run's business to tell."""
    from commerce.errors import HubError
    from tasks.stack import load_stack

    with contextlib.suppress(HubError):
        load_stack()


def _settle_memory() -> None:
    """Build what every run needs, then take all of it out of the garbage collector's rounds: runs share it by fork,
    and their short lives are spent on orders rather than on looking through modules (a quarter of their CPU)."""
    from integrations.http import certificates

    certificates()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _start(listener: socket.socket, connection: socket.socket, engine: str) -> None:
    """Fork a run and leave a thread that tells the client how it ended. Forking happens while no thread exists that
    could hold a lock: the telling threads only read and wait."""
    try:
        request, streams = _receive(connection)
    except (OSError, ValueError):
        connection.close()
        return
    connection.settimeout(None)
    child = os.fork()
    if child == 0:
        listener.close()
        connection.close()
        _become(request, streams, engine)
    for stream in streams:
        os.close(stream)
    threading.Thread(target=_attend, args=(connection, child), daemon=True).start()


def _receive(connection: socket.socket) -> tuple[dict[str, object], list[int]]:
    """The client's environment and directory as JSON, with its standard output and error."""
    first, ancillary, _, _ = connection.recvmsg(LONGEST_REQUEST, socket.CMSG_SPACE(2 * array.array("i").itemsize))
    streams = array.array("i")
    for _, kind, data in ancillary:
        if kind == socket.SCM_RIGHTS:
            streams.frombytes(data[: len(data) - len(data) % streams.itemsize])
    text = first
    while not text.endswith(b"\n"):
        more = connection.recv(65536)
        if not more or len(text) > LONGEST_REQUEST:
            raise ValueError("the request was cut off")
        text += more
    return json.loads(text), list(streams)


def _become(request: dict[str, object], streams: list[int], engine: str) -> None:
    """In the child: take over the client's streams, environment and directory, and be Prefect's engine."""
    code = 1
    try:
        os.setsid()
        os.dup2(streams[0], 1)
        os.dup2(streams[1], 2)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.environ.clear()
        os.environ.update({str(key): str(value) for key, value in dict(request["environment"]).items()})  # type: ignore[call-overload]
        os.chdir(str(request["directory"]))
        sys.argv = [engine]
        if "prefect.context" in sys.modules:  # its settings are those of the environment that we had before
            sys.modules["prefect.context"].refresh_global_settings_context()
        sys.modules.pop(engine, None)
        runpy.run_module(engine, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException:  # noqa: BLE001  a fork must never return into the server's loop
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _attend(connection: socket.socket, child: int) -> None:
    """Tell the client how its run ended; pass its signals on; end the run when the client is gone."""
    ended = threading.Event()
    threading.Thread(target=_pass_on, args=(connection, child, ended), daemon=True).start()
    _, status = os.waitpid(child, 0)
    ended.set()
    code = os.waitstatus_to_exitcode(status)
    with contextlib.suppress(OSError):
        connection.sendall(f"{code}\n".encode())
        connection.shutdown(socket.SHUT_RDWR)


def _pass_on(connection: socket.socket, child: int, ended: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while number := connection.recv(1):
            _signal(child, number[0], ended)
    _signal(child, signal.SIGKILL, ended)


def _signal(child: int, number: int, ended: threading.Event) -> None:
    if ended.is_set():
        return
    try:
        os.killpg(child, number)
    except ProcessLookupError:  # it was forked this moment and leads no group yet
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)


def _leave(path: Path) -> None:
    """End without touching the runs: the worker that waits for them decides."""
    path.unlink(missing_ok=True)
    os._exit(0)
