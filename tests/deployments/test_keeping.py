"""Webhooks are stored together, and each sender hears the truth about its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from deployments.keeping import Keeper, NotKept
from ledger.inbox import Arrival


def arrival(number: int) -> Arrival:
    return ("shop", f"id-{number}", "orders/create", [])


def outcomes(keeper: Keeper, count: int) -> list[str]:
    """So many arrive at once; "kept", or why not."""

    async def one(number: int) -> str:
        try:
            await keeper.keep(arrival(number))
        except NotKept as error:
            return str(error)
        return "kept"

    async def story() -> list[str]:
        return await asyncio.wait_for(asyncio.gather(*(one(number) for number in range(count))), 10)

    return asyncio.run(story())


def test_what_arrives_while_one_commit_goes_on_shares_the_next() -> None:
    transactions: list[list[str]] = []

    def store(arrivals: Sequence[Arrival]) -> int:
        transactions.append([one[1] for one in arrivals])
        return len(arrivals)

    assert outcomes(Keeper(store, together=40), 100) == ["kept"] * 100
    assert [name for some in transactions for name in some] == [f"id-{number}" for number in range(100)]
    assert [len(some) for some in transactions] == [40, 40, 20]


def test_one_that_cannot_be_stored_spoils_no_other() -> None:
    stored: list[str] = []

    def store(arrivals: Sequence[Arrival]) -> int:
        if any(one[1] == "id-2" for one in arrivals):
            raise ValueError("no")
        stored.extend(one[1] for one in arrivals)
        return len(arrivals)

    assert outcomes(Keeper(store), 4) == ["kept", "kept", "ValueError", "kept"]
    assert stored == ["id-0", "id-1", "id-3"]


def test_a_database_that_takes_too_long_is_no_success() -> None:
    go_on = threading.Event()

    def store(arrivals: Sequence[Arrival]) -> int:
        go_on.wait(5)
        return len(arrivals)

    async def story() -> str:
        try:
            await Keeper(store, longest=0.01).keep(arrival(1))
        except NotKept as error:
            return str(error)
        finally:
            go_on.set()
        return "kept"

    assert asyncio.run(story()) == "the database takes too long"


def test_after_a_failure_the_next_one_is_stored() -> None:
    tries = iter([OSError("disk full"), None])

    def store(arrivals: Sequence[Arrival]) -> int:
        if error := next(tries):
            raise error
        return len(arrivals)

    async def story() -> str:
        keeper = Keeper(store)
        with pytest.raises(NotKept, match="OSError"):
            await keeper.keep(arrival(1))
        await keeper.keep(arrival(1))
        return "kept"

    assert asyncio.run(story()) == "kept"
