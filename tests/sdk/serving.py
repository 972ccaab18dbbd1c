"""A simulator over HTTP on loopback, for clients that are not ours and speak through their own sockets."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from integrations.simulator import Simulator
from integrations.simulator_server import simulator_app


@contextmanager
def served(simulator: Simulator, name: str = "vendor") -> Iterator[str]:
    """Serve it below `http://127.0.0.1:<port>/<name>`; yields that address, which becomes the simulator's own."""
    config = uvicorn.Config(simulator_app({name: simulator}), host="127.0.0.1", port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name=f"sdk-{name}", daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the simulator's server did not start")
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    simulator.base_url = f"http://127.0.0.1:{port}/{name}"
    try:
        yield simulator.base_url
    finally:
        server.should_exit = True
        thread.join(timeout=10)
