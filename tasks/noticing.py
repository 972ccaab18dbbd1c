"""What connections notice in passing, kept as alerts; the watch sends them."""

from __future__ import annotations

import logging
import threading
import time

from sqlalchemy.exc import SQLAlchemyError

from commerce.ports import Alert
from ledger import Ledger

log = logging.getLogger(__name__)

AGAIN = 600.0
"""Seconds after which a process says the same once more: another one may have said the opposite meanwhile."""


class LedgerNotices:
    """Keeps notices in the ledger (a `Notices`), once in a while for each process: an answer may bring
    the same one each second."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._said: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def noticed(self, alert: Alert) -> None:
        """Tell people once, however often it is noticed. Never raises."""
        if not self._is_news(alert.fingerprint, alert.what):
            return
        try:
            self._ledger.raise_alert(alert)
        except SQLAlchemyError as error:
            self._forget(alert.fingerprint, error)

    def over(self, fingerprint: str) -> None:
        """It is well again; the ledger is asked once in each process, as another one may have noticed it."""
        if not self._is_news(fingerprint, ""):
            return
        try:
            self._ledger.clear_alert(fingerprint)
        except SQLAlchemyError as error:
            self._forget(fingerprint, error)

    def _is_news(self, fingerprint: str, words: str) -> bool:
        now = time.monotonic()
        with self._lock:
            said, at = self._said.get(fingerprint, (None, now))
            if said == words and now - at < AGAIN:
                return False
            self._said[fingerprint] = (words, now)
            return True

    def _forget(self, fingerprint: str, error: SQLAlchemyError) -> None:
        """Not kept: the next time it is news again."""
        log.warning("a notice (%s) waits, the ledger cannot be written: %s", fingerprint, type(error).__name__)
        with self._lock:
            self._said.pop(fingerprint, None)
