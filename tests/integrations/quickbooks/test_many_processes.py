"""Eight processes find that their access has ended, at once, and the token endpoint is slow and loses an answer."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet

from integrations.connector import Services
from integrations.quickbooks import CONNECTOR
from integrations.quickbooks.simulator import build
from ledger import Ledger
from tests.integrations.quickbooks.conftest import a_setting
from tests.sdk.serving import served

KEY = Fernet.generate_key().decode()
MANY = 8


def reads(address: str, url: str, gate: Any, found: Any) -> None:
    """What any process of the hub does first: it reads something, over a ledger that all of them share."""
    ledger = Ledger(url, [KEY])
    given = a_setting(base_url=address, token_url=f"{address}/oauth2/v1/tokens/bearer")
    client = CONNECTOR.connect(given, Services(tokens=ledger.tokens("books")))
    gate.wait()
    try:
        list(client.documents("2026-11-01", "2026-11-30"))
        found.put("well")
    except Exception as error:  # noqa: BLE001  told to the test
        found.put(str(error))
    ledger.close()


@pytest.mark.parametrize("lost", [0, 1], ids=["slow", "slow, and one answer lost"])
def test_one_of_them_renews_and_nobody_is_locked_out(tmp_path: Path, lost: int) -> None:
    # given a token endpoint that is slow, and where a replaced refresh token is good for another day
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    Ledger(url, [KEY]).migrate()
    company = build(base_url="http://127.0.0.1", limits=False, habits={"old_refresh_tokens": "a day"})
    answer, renewals, left = company.answer, list[int](), [None] * lost

    def answered(request: httpx.Request) -> httpx.Response:
        told = answer(request)
        if request.url.path.endswith("/tokens/bearer"):
            renewals.append(told.status_code)
            time.sleep(0.3)
            if left:
                left.pop()
                raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
        return told

    company.answer = answered  # type: ignore[method-assign]
    context = multiprocessing.get_context("fork")
    gate, found = context.Barrier(MANY), context.Queue()
    with served(company, "books") as address:
        # when all of them call at the same time
        processes = [context.Process(target=reads, args=(address, url, gate, found)) for _ in range(MANY)]
        for process in processes:
            process.start()
        said = [found.get(timeout=60) for _ in processes]
        for process in processes:
            process.join()
    # then all get through with one renewal, and a lost answer costs one more
    assert said == ["well"] * MANY
    assert renewals == [200] * (1 + lost)
