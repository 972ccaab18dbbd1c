"""What stands before the business side: tokens, the right company, limits and the monthly allowance of reads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx

from integrations.quickbooks.simulator.habits import Habits
from integrations.quickbooks.simulator.refusals import gateway_fault
from integrations.quickbooks.simulator.tokens import TokenDesk
from integrations.simulator import FixedWindow

A_SECOND, A_MINUTE, BATCHES_A_MINUTE = 10, 500, 40


class Gate:
    """Lets a call pass or answers it itself. `allowance`: reads a month, None for no limit; writes are not metered."""

    def __init__(
        self,
        desk: TokenDesk,
        habits: Habits,
        clock: Callable[[], float],
        *,
        limits: bool,
        realm: str,
        allowance: int | None,
    ) -> None:
        self._desk, self._habits, self._clock = desk, habits, clock
        self._limits, self._realm = limits, realm
        self.allowance = allowance
        self.reads: dict[str, int] = {}
        self._windows = [FixedWindow(A_SECOND, 1.0, clock), FixedWindow(A_MINUTE, 60.0, clock)]
        self._batches = FixedWindow(BATCHES_A_MINUTE, 60.0, clock)

    @property
    def month(self) -> str:
        """The month that reads are counted in, e.g. "2026-11"."""
        return f"{datetime.fromtimestamp(self._clock(), UTC):%Y-%m}"

    def refuse(self, request: httpx.Request, realm: str, path: str, reads: int) -> httpx.Response | None:
        """The gateway's fault, None when the call may pass. `reads` is how many metered reads it holds."""
        bearer = request.headers.get("authorization", "")
        if not self._desk.valid(bearer):
            return self._fault("AUTHENTICATION", 401, "AuthenticationFailed", "3200", "Token expired: AB01")
        if realm != self._realm or self._desk.realm_of(bearer) != realm:
            words = "ApplicationAuthorizationFailed"
            return self._fault("AUTHORIZATION", 403, words, "3100", words)
        if self._limits and self._too_fast(path):
            return self._throttled()
        used = self.reads.get(self.month, 0)
        if reads and self.allowance is not None and used + reads > self.allowance:
            return self._throttled()
        self.reads[self.month] = used + reads
        return None

    def _too_fast(self, path: str) -> bool:
        full = [window for window in self._windows if not window.take()]
        return bool(full) or (path == "/batch" and not self._batches.take())

    def _throttled(self) -> httpx.Response:
        words = "The request limit was reached.  Try again later"
        fault = self._fault("SERVICE", self._habits.throttled_with, "ThrottleExceeded", "3001", words)
        if self._habits.retry_after is not None:
            fault.headers["retry-after"] = str(self._habits.retry_after)
        return fault

    def _fault(self, kind: str, status: int, name: str, code: str, detail: str) -> httpx.Response:
        return gateway_fault(kind, status, name, code, detail, self._clock(), padded=self._habits.padded_codes)
