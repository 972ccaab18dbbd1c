"""How long Prefect's server stood still, seen from outside."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import httpx

EVERY = 0.25
PATIENCE = 180.0


class Pulse:
    """Asks a page again and again that needs nothing but the server's loop, and keeps the longest answer.

    An answer counts when the same process of the server was asked and answered: one that is killed or starts does not
    stand still.
    """

    def __init__(self, url: str, process: Callable[[], int]) -> None:
        self.longest = 0.0
        """Seconds."""
        self._url, self._process, self._enough = url, process, threading.Event()
        self._thread = threading.Thread(target=self._feel, daemon=True)
        self._thread.start()

    def _feel(self) -> None:
        with httpx.Client(timeout=PATIENCE, trust_env=False) as client:
            while not self._enough.wait(EVERY):
                asked, began = self._process(), time.monotonic()
                try:
                    client.get(self._url)
                except httpx.ReadTimeout:
                    pass  # as long as that at least
                except httpx.TransportError:
                    continue
                if asked == self._process():
                    self.longest = max(self.longest, time.monotonic() - began)

    def stop(self) -> float:
        """No more; the longest."""
        self._enough.set()
        return round(self.longest, 1)
