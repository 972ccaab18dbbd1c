"""Webhooks into the inbox, many in one transaction: each is answered after the commit that made it durable."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from ledger.inbox import Arrival

log = logging.getLogger(__name__)

TOGETHER = 200
"""Webhooks in one transaction at most. While one commits, the next ones gather."""

LONGEST = 4.0
"""Seconds until a sender is told to come again: Shopify waits for five."""

Store = Callable[[Sequence[Arrival]], int]


class NotKept(Exception):
    """It is not surely kept; its sender has to send it again."""


class Keeper:
    """Stores what arrives, in the order in which it came. `store` commits its arguments before it returns."""

    def __init__(self, store: Store, *, together: int = TOGETHER, longest: float = LONGEST) -> None:
        self._store = store
        self._together = together
        self._longest = longest
        self._waiting: deque[tuple[Arrival, asyncio.Future[None]]] = deque()
        self._writing: asyncio.Task[None] | None = None

    async def keep(self, arrival: Arrival) -> None:
        """Return when it is durable. Raises NotKept when it cannot be stored, or not in time."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrival, kept))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        try:
            async with asyncio.timeout(self._longest):
                await kept
        except TimeoutError as error:
            raise NotKept("the database takes too long") from error

    async def _write(self) -> None:
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(self._together, len(self._waiting)))]
            some = [(arrival, kept) for arrival, kept in some if not kept.done()]  # whose sender was sent away
            failed = await self._try([arrival for arrival, _ in some])
            if failed and len(some) > 1:  # one of them may spoil it for all
                for arrival, kept in some:
                    settle(kept, await self._try([arrival]))
            else:
                for _, kept in some:
                    settle(kept, failed)

    async def _try(self, arrivals: Sequence[Arrival]) -> Exception | None:
        try:
            if arrivals:
                await asyncio.to_thread(self._store, arrivals)
        except Exception as error:  # noqa: BLE001  whatever it is, senders must hear that nothing was kept
            log.warning("%d webhooks could not be stored: %s", len(arrivals), type(error).__name__)
            return error
        return None


def settle(kept: asyncio.Future[None], failed: Exception | None) -> None:
    """Let whoever waits know."""
    if kept.done():
        return
    if failed is None:
        kept.set_result(None)
    else:
        kept.set_exception(NotKept(type(failed).__name__))
