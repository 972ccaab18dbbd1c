"""The page on security names tests that exist, and scopes that connectors ask for."""

from __future__ import annotations

import re
from pathlib import Path

from integrations.hubspot.checks import SCOPES as HUBSPOT
from integrations.hubspot.checks import TO_CREATE
from integrations.klaviyo.endpoints import ENDPOINTS
from integrations.quickbooks.authorisation import SCOPE
from integrations.shopify.checks import OF_SERVICES
from integrations.shopify.checks import SCOPES as SHOPIFY
from tests.test_capabilities import TEST, existing

TEXT = (Path(__file__).resolve().parents[1] / "docs" / "security.md").read_text(encoding="utf-8")


def test_every_test_that_is_named_exists() -> None:
    named = TEST.findall(TEXT)
    assert len(named) > 40
    assert [f"{path}::{name}" for path, name in named if name not in existing(path)] == []


def test_every_promise_names_its_test() -> None:
    rows = [line for line in TEXT.partition("## What is not protected")[0].splitlines() if line.startswith("| ")]
    promises = [row for row in rows if "scopes" not in row and " --- " not in row and "| proved by |" not in row]
    least = TEXT.partition("## Least access")[2].partition("## People")[0].splitlines()
    assert [row for row in promises if not TEST.search(row) and row not in least] == []


def test_the_scopes_are_those_that_connectors_ask_for() -> None:
    table = TEXT.partition("## Least access")[2].partition("The table's names")[0]
    said = {
        line.split("|")[1].strip(): set(re.findall(r"`([\w.:-]+)`", line))
        for line in table.splitlines()
        if "| " in line
    }
    assert said["Shopify"] == {*SHOPIFY, *OF_SERVICES, "read_all_orders"}
    assert said["Klaviyo"] == {one.scope for one in ENDPOINTS.values()}
    assert said["HubSpot"] == {*HUBSPOT, *TO_CREATE}
    assert said["QuickBooks"] == {SCOPE}
