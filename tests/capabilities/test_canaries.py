"""Secrets and people that are looked for everywhere after a day on which everything goes wrong."""

from __future__ import annotations

import base64
import logging
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from commerce.errors import HubError
from deployments.demo_stack import SECRETS
from deployments.health import health_of, health_page
from integrations.simulator import Fault
from ledger import tables
from tasks.inbox import read_hinted
from tasks.tally import Tally
from tests.journeys.house import House
from tests.small_house import ADDRESS, order
from tests.tasks.test_privacy import asks

PEOPLE = {
    "first_name": "Canaryfirst",
    "last_name": "Canarylast",
    "address1": "77 Canary Street",
    "address2": "Canary floor",
    "company": "Canary & Daughters",
    "phone": "+15035550177",
}
SHOPPER: dict[str, Any] = {
    "email": "canary.mail@example.com",
    "customer": {"first_name": "Canaryfirst", "last_name": "Canarylast"},
    "shipping_address": {**ADDRESS, **PEOPLE},
    "billing_address": {**ADDRESS, **PEOPLE},
    "note": "canary at the door",
}
PERSONAL = (*PEOPLE.values(), SHOPPER["email"], SHOPPER["note"])
QUOTED = "is not allowed: " + ", ".join(PERSONAL)
FAULTS = (
    *(Fault(kind="before", status=status, body={"message": "oops"}) for status in (400, 404, 409, 422, 429, 500, 503)),
    Fault(kind="drop"),
    Fault(kind="drop_after"),
    Fault(kind="after", status=500),
    Fault(kind="timeout_after"),
    Fault(kind="before", status=200, body="<html>a proxy's page</html>"),
)
ALLOWED = {tables.snapshots.name}
"""Where people may be: the log itself."""


def secrets(house: House) -> set[str]:
    """Everything that proves who we are, in each shape in which it travels."""
    stack = house.hub.stack
    fields = [value for settings in stack.connections.values() for _, value in settings]
    found = {value.get_secret_value() for value in fields if isinstance(value, SecretStr)} | set(SECRETS.values())
    found |= set(house.hub.ledger.token_keys)
    for name in stack.connections:
        with suppress(HubError):
            if tokens := house.hub.ledger.tokens(name).load():
                found |= {tokens.access, tokens.refresh}
    found.add(base64.b64encode(b"client:secret").decode())
    return {one for one in found if len(one) > 6 and one not in ("secret", "verifier")}


def at(name: str, fault: Fault) -> Fault:
    """The fault; a destination quotes what was written to it, as careless vendors do. Who was told nothing cannot."""
    if not isinstance(fault.body, dict) or name not in ("warehouse", "books", "marketing"):
        return Fault(fault.kind, fault.status, {}, fault.body)
    body = {"message": QUOTED, "errors": [{"detail": QUOTED, "message": QUOTED}], "Message": QUOTED}
    return Fault(fault.kind, fault.status, {}, body, on="POST|PUT|PATCH")


def a_bad_day(house: House, tallies: list[Tally], errors: list[str]) -> None:
    """Every vendor fails in every way while orders, stock and parcels travel."""

    def tried(work: Any) -> None:
        try:
            tally = work()
        except Exception as error:  # noqa: BLE001  what Prefect would write down
            errors.append("".join(traceback.format_exception(error)))
        else:
            tallies.extend([tally] if isinstance(tally, Tally) else [])

    for fault in FAULTS:
        order(house, **SHOPPER)
        for name in ("shop", "warehouse", "books", "marketing", "inventory", "alerts"):
            house.vendors[name].faults.append(at(name, fault))
        for work in (house.record, house.stock, house.tracking, house.watch):
            tried(work)
        for name in ("warehouse", "books", "marketing"):
            tried(lambda name=name: house.deliver(name))
        house.vendors["warehouse"].act("buy_labels", {})
        house.clock.sleep(61)
    for vendor in house.vendors.values():
        vendor.faults.clear()
    for status in (401, 403):
        for name in ("warehouse", "books", "marketing"):
            house.vendors[name].faults.append(Fault(status=status, body={"message": QUOTED}, on="POST|PUT", times=50))
        order(house, **SHOPPER)
        tried(house.record)
        for name in ("warehouse", "books", "marketing"):
            tried(lambda name=name: house.deliver(name))
            house.vendors[name].faults.clear()
            house.hub.ledger.resume(name)


def test_no_secret_and_no_person_is_anywhere_but_in_the_log_of_orders(
    house: House, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    # given a day on which everything goes wrong, with all that is logged kept
    caplog.set_level(logging.DEBUG)
    tallies: list[Tally] = []
    errors: list[str] = []
    a_bad_day(house, tallies, errors)
    asks(house, "customers/data_request", house.hub.ledger.trace("#1001").subjects[0].partition(":")[2])
    read_hinted(house.hub)
    house.watch()
    assert errors, "a bad day has errors"
    assert house.hub.ledger.open_alerts()
    # when everything is gathered that somebody may read
    with house.hub.ledger.reading() as db:
        kept = {
            table.name: "\n".join(str(tuple(row)) for row in db.execute(table.select()))
            for table in tables.metadata.sorted_tables
        }
    places = {
        "log": "\n".join(f"{one.getMessage()} {one.exc_text or ''}" for one in caplog.records),
        "errors as Prefect writes them": "\n".join(errors),
        "artifacts": str([tally.rows for tally in tallies]) + str([tally.paused for tally in tallies]),
        "messages to people": str(house.vendors["alerts"].state()["messages"]),
        "health page": health_page(health_of(house.hub)),
        "the hub in words": repr(house.hub.stack) + repr(house.hub.client("shop")) + str(house.hub),
        **{f"table {name}": text for name, text in kept.items() if name not in ALLOWED},
    }
    # then no secret is anywhere, and no person but in the snapshots of orders
    found = {(where, one) for where, text in places.items() for one in (*secrets(house), *PERSONAL) if one in text}
    assert found == set()
    assert not [one for one in secrets(house) if one in kept["snapshots"]]
    # and what was looked for is there where it may be
    assert not [one for one in PERSONAL if one not in kept["snapshots"] and one != "Canary floor"]


def test_the_search_finds_a_canary(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    [secret] = [one for one in secrets(house) if one == "sim-shipstation-key"]
    logging.getLogger("x").debug("key %s", secret)
    assert secret in "\n".join(one.getMessage() for one in caplog.records)
