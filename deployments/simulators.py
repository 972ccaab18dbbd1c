"""The simulated vendors as one HTTP server, each under the name that the demo's stack.toml gives its connection."""

from __future__ import annotations

import importlib
import time
from typing import Any

import uvicorn

from integrations.connector import vendors
from integrations.simulator import Clock, Simulator
from integrations.simulator_server import simulator_app

NAMES = {
    "shop": "shopify",
    "warehouse": "shipstation",
    "books": "quickbooks",
    "marketing": "klaviyo",
    "inventory": "katana",
    "alerts": "slack",
}
"""Connection name of the demo -> vendor."""

VARIANTS = {"warehouse-v1": "shipstation.simulator.v1"}
"""Simulators of a vendor's other API, by the name they are served under -> their place below integrations/."""


def named() -> dict[str, str]:
    """Every simulator by the name it is served under: the demo's connections, and all other vendors as themselves."""
    return NAMES | {vendor: vendor for vendor in vendors() if vendor not in NAMES.values()}


def build(base: str, *, limits: bool = True, clock: Clock = time.time) -> dict[str, Simulator]:
    """A simulator for each name, reached at `<base>/<name>`."""
    places = {name: f"{vendor}.simulator" for name, vendor in named().items()} | VARIANTS
    return {
        name: importlib.import_module(f"integrations.{place}").build(
            base_url=f"{base}/{name}", limits=limits, clock=clock
        )
        for name, place in places.items()
    }


def serve(port: int, *, limits: bool = True) -> None:
    """Serve them on loopback until ended."""
    app = simulator_app(build(f"http://127.0.0.1:{port}", limits=limits))
    # The simulators tell the time by their own clocks.
    quiet: dict[str, Any] = {"log_level": "warning", "access_log": False, "date_header": False}
    uvicorn.run(app, host="127.0.0.1", port=port, timeout_graceful_shutdown=2, **quiet)
