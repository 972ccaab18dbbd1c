"""What it takes to run the hub, and what it keeps to itself."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from typing import Any

import pytest

from deployments.demo_stack import SECRETS
from integrations.simulator import Fault
from tests.journeys.house import House
from tests.small_house import SMALL_SHOP, order

ROOT = Path(__file__).resolve().parents[2]


def a_day(house: House) -> None:
    """Stock, an order everywhere, its parcel back, and a look at it all."""
    order(house)
    house.stock()
    house.settle_down()
    house.vendors["warehouse"].act("buy_labels", {})
    house.clock.sleep(5)
    house.tracking()
    house.settle_down()
    house.watch()


def test_no_secret_is_in_the_log_the_ledger_or_a_message(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # given a day on which every vendor stumbles once, and then refuses us with our credential in its words
    caplog.set_level(logging.DEBUG)
    for vendor in house.vendors.values():
        vendor.faults.append(Fault(status=500))
    a_day(house)
    for name in ("warehouse", "books", "marketing"):
        quoted = f"bad credential {SECRETS.get(f'BACKROOM_{name.upper()}_API_KEY', 'secret')}"
        house.vendors[name].faults.append(Fault(status=401, body=quoted, times=1_000_000))
    order(house)
    house.orders_everywhere()
    house.watch()
    assert len(house.hub.ledger.paused()) == 3
    # then no secret is in what was logged, kept or told
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.db*"))
    said = "\n".join(record.getMessage() for record in caplog.records)
    told = str(house.vendors["alerts"].state()["messages"]) + str(house.hub.ledger.paused())
    tokens = house.hub.ledger.tokens("books").load()
    assert tokens is not None
    telling = {*SECRETS.values(), tokens.access, tokens.refresh} - {"secret", "verifier"}
    for secret in telling:
        assert secret not in said + told
        assert secret.encode() not in kept


def test_a_day_needs_one_machine_and_nobody_elses_service(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a machine from which no connection can be opened; the vendors' simulators need none
    def refuse(*_: Any) -> None:
        raise AssertionError("somebody else was called")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    # when a day goes by
    a_day(house)
    # then everything arrived, with what is in this repository, which anybody may run and change
    wrong = [one for one in house.judge(SMALL_SHOP).wrong if not one.startswith("stock:")]
    assert wrong == []
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
