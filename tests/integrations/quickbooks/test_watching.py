"""What a connection tells by itself: reads that run out, documents that others changed, maps that are wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from commerce.errors import NotAuthorised
from commerce.outcomes import Binding, Done, Held
from commerce.ports import Finding, Tokens
from integrations.auth import MemoryTokens
from integrations.quickbooks import CONNECTOR
from tests.builders import a_line, a_refund, a_refund_line, an_order, changed, eur
from tests.integrations.quickbooks.conftest import REALM, World

HOUR = timedelta(hours=1)


class Counted:
    """A call log that began with some calls."""

    def __init__(self, **calls: int) -> None:
        self.calls = Counter(calls)
        self.since: list[datetime] = []

    def called(self, operation: str, status: int, seconds: float) -> None:
        self.calls[operation] += 1

    def counted(self, since: datetime) -> Mapping[str, int]:
        self.since.append(since)
        return dict(self.calls)


class Known:
    """What the hub remembers, of the world's bindings."""

    def __init__(self, world: World) -> None:
        self.world = world

    def subject_of(self, vendor_id: str) -> str | None:
        return next((key for key, one in self.world.bindings.items() if one.vendor_id == vendor_id), None)

    def binding(self, subject: str) -> Binding | None:
        return self.world.bindings.get(subject)


def counting(world: World, calls: Counted, **settings: Any) -> None:
    world.connect(**settings)
    world.books = CONNECTOR.connect(world.settings, replace(world.services, calls=calls))


def now(world: World) -> datetime:
    return datetime.fromtimestamp(world.now, UTC)


def told(world: World, since: datetime) -> dict[str, str]:
    """What others did, title by fingerprint."""
    alerts, until = world.books.foreign_changes(since, Known(world))
    assert until <= now(world)
    return {alert.fingerprint: alert.title for alert in alerts}


def wrong(world: World) -> list[Finding]:
    found = [finding for finding in world.books.check() if not finding.ok]
    assert all(finding.hint for finding in found)
    return found


# ---- the allowance ----


@pytest.mark.parametrize(
    ("used", "fingerprint"),
    [(399_000, ""), (400_000, "concern:books:reads"), (500_000, "concern:books:reads:over")],
)
def test_reads_that_run_out_are_told_at_eighty_and_at_a_hundred_per_cent(
    world: World, used: int, fingerprint: str
) -> None:
    calls = Counted(query=used, batch=10_000, **{"write Item": 900})
    counting(world, calls)
    assert [alert.fingerprint for alert in world.books.concerns()] == ([fingerprint] if fingerprint else [])
    assert calls.since == [datetime(2026, 11, 1, tzinfo=UTC)]
    world.books.catalog.chart()
    assert [finding.subject for finding in wrong(world)] == (["reads"] if fingerprint else [])


def test_what_the_hub_counts_is_what_intuit_meters(world: World) -> None:
    # given a hub that posts, looks and checks
    calls = Counted()
    counting(world, calls)
    world.deliver(an_order(1001), an_order(1002))
    list(world.books.check())
    told(world, now(world) - HOUR)
    # then it never thinks that it has read less than Intuit counted
    metered = world.sim.do_allowance()["2026-11"]
    finding = next(one for one in world.books.check() if one.subject == "reads")
    assert metered <= int(finding.message.split()[0]) <= metered + 12


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        ({"tier": "gold"}, None),
        ({"tier": "gold", "monthly_reads": 1000}, 1000),
        ({"base_url": "https://sandbox-quickbooks.api.intuit.com"}, None),
    ],
)
def test_other_tiers_have_the_allowance_that_is_named(
    world: World, settings: dict[str, Any], limit: int | None
) -> None:
    counting(world, Counted(query=999_999), **settings)
    assert bool(list(world.books.concerns())) == (limit is not None)


def test_a_month_without_reads_left_still_posts_and_loses_nothing(world: World) -> None:
    # given an allowance that ends after the lists were read
    world.connect(look_before_posting=False)
    world.books.catalog.chart()
    world.sim.do_allowance(world.sim.do_allowance()["2026-11"])
    # then documents are written all the same
    assert isinstance(world.deliver(an_order())[0], Done)
    # and in the next month the reads go on
    world.now += 11 * 86_400
    world.connect(look_before_posting=False)
    assert isinstance(world.deliver(an_order(1002))[0], Done)


# ---- what others did ----


def test_our_own_writes_are_no_news(world: World) -> None:
    began = now(world)
    mug = a_line("MUG-RED", 2)
    world.deliver(an_order(lines=(mug,)))
    back = a_refund(a_refund_line(mug, 1), id="r1")
    world.deliver(an_order(lines=(changed(mug, current=1),), refunds=(back,)))
    world.now += 3600
    assert told(world, began) == {}


def test_what_others_deleted_changed_or_doubled_is_told(world: World) -> None:
    # given four receipts of ours
    began = now(world)
    outcomes = world.deliver(*[an_order(number) for number in range(1001, 1005)])
    ids = [outcome.binding.vendor_id for outcome in outcomes if isinstance(outcome, Done)]
    # when one is deleted, one gets a further line, one a note only, and one is there twice
    world.sim.do_delete_document(ids[0])
    world.sim.do_edit_document(ids[1], amount="5.00")
    world.sim.do_edit_document(ids[2], note="checked")
    twin = world.sim.do_add_document("SalesReceipt", "S-1004", "49.80", note="backroom:shop:51004:sale:51004")
    world.sim.do_add_document("SalesReceipt", "X-1", "5.00", note="by hand")
    # then nothing is said while the ledger may not know yet, and all of it afterwards
    assert told(world, began) == {}
    world.now += 3600
    assert told(world, began) == {
        f"removed:books:{ids[0]}": "books: a document of ours was deleted",
        f"changed:books:{ids[1]}:1": "books: an amount of ours was changed by hand",
        f"doubled:books:{twin}": "books: a document is there twice",
    }


def test_a_gap_of_two_months_is_asked_for_as_far_as_intuit_goes_back(world: World) -> None:
    began = now(world)
    (outcome,) = world.deliver(an_order())
    assert isinstance(outcome, Done)
    world.now += 60 * 86_400
    world.sim.do_delete_document(outcome.binding.vendor_id)
    world.now += 3600
    assert list(told(world, began)) == [f"removed:books:{outcome.binding.vendor_id}"]


def test_more_changes_than_one_capture_tells_are_found_and_the_rest_is_said(world: World) -> None:
    # given a deleted and a changed receipt, and then a backfill of more than a thousand
    began = now(world)
    first, second = world.deliver(an_order(1001), an_order(1002))
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    world.sim.do_edit_document(second.binding.vendor_id, amount="5.00")
    for number in range(1100):
        world.now += 1
        world.sim.do_add_document("SalesReceipt", f"X-{number}", "5.00")
    world.sim.do_delete_document(first.binding.vendor_id)
    world.now += 700
    # then what was changed and what was deleted last is told, and that more may have been deleted
    found = told(world, began)
    assert f"changed:books:{second.binding.vendor_id}:1" in found
    assert f"removed:books:{first.binding.vendor_id}" in found
    assert "books: deletions of a busy time are not known" in found.values()


# ---- check ----


def test_a_check_of_what_is_expired_names_the_command(world: World) -> None:
    world.deliver(an_order())
    world.sim.do_revoke()
    world.now += 3600
    (finding,) = wrong(world)
    assert (finding.subject, "backroom connect books" in finding.hint) == ("credential", True)


def test_a_check_of_a_wrong_company_says_which_two(world: World) -> None:
    world.deliver(an_order())
    world.connect(realm_id="310687")
    (finding,) = wrong(world)
    assert all(realm in finding.message for realm in (REALM, "310687"))
    assert "realm_id" in finding.hint


def test_the_company_of_the_granted_access_is_enough(world: World) -> None:
    world.connect(realm_id="", refresh_token="")
    with pytest.raises(NotAuthorised, match="not connected yet"):
        world.deliver(an_order())
    world.tokens = MemoryTokens(Tokens(access="x", refresh="RT1-first", expires_at=now(world), account=REALM))
    world.connect(realm_id="", refresh_token="")
    assert isinstance(world.deliver(an_order())[0], Done)
    tokens = world.tokens.load()
    assert tokens is not None
    assert tokens.account == REALM


def test_a_check_finds_tax_that_would_be_income_and_items_that_cannot_be_sold(world: World) -> None:
    world.books.prepare()
    world.sim.do_setup(
        items=[{"Name": "VAT", "account": "Sales"}, {"Name": "Bundle", "account": "Sales", "Type": "Group"}]
    )
    world.now += 61
    world.connect(tax_items={"VAT": "VAT"}, items={"shipping": "Bundle"})
    found = {finding.message for finding in wrong(world)}
    assert found == {
        "'Bundle' is a Group, which no line can name",
        "'VAT' posts to 'Sales', which is Income: what you owe would be income",
    }


def test_a_check_names_the_tax_item_and_the_tax_code_that_are_missing(world: World) -> None:
    world.books.prepare()
    world.now += 61
    world.connect(create_missing=False, tax_items={"CA State Tax": "California"}, tax_code="Exempt")
    assert [finding.message for finding in wrong(world)] == [
        "tax_items = 'California' is not in QuickBooks",
        "tax_code = 'Exempt' is not in QuickBooks",
    ]


def test_closed_books_are_told_with_what_to_do(world: World) -> None:
    world.sim.do_close_books("2026-10-31")
    finding = next(one for one in world.books.check() if one.subject == "closed books")
    assert finding.ok
    assert "2026-10-31" in finding.message
    assert finding.hint


# ---- other countries and currencies ----


def test_a_company_outside_the_united_states_needs_a_tax_code_and_then_takes_orders() -> None:
    world = World(country="GB")
    world.sim.do_setup(tax_codes=[{"Name": "20.0% S", "rate": "0.2"}, {"Name": "No VAT", "rate": "0"}])
    (held,) = world.deliver(an_order())
    assert isinstance(held, Held)
    assert (held.cause, "tax_code" in held.hint) == ("unmappable_tax_code", True)
    assert "tax code" in {finding.subject for finding in wrong(world)}
    world.now += 61
    world.connect(tax_code="No VAT")
    assert isinstance(world.deliver(an_order(), attempt=2)[0], Done)
    assert world.totals() == {"S-1001": "49.80"}
    # a code with a rate would add tax of its own: the document is taken back, and both sums are told
    world.now += 61
    world.connect(tax_code="20.0% S")
    (held,) = world.deliver(an_order(1002))
    assert isinstance(held, Held)
    assert held.cause == "total_mismatch"
    assert list(world.totals()) == ["S-1001"]


def test_a_company_of_several_currencies_keeps_an_account_and_a_customer_for_each(world: World) -> None:
    world.sim.do_preferences(several_currencies=True)
    euros = an_order(1002, lines=(a_line("TEA", 1, eur("5.00")),))
    world.connect(clearing_accounts={"EUR": "Euro clearing"}, customer="Online")
    (held,) = world.deliver(euros)
    assert isinstance(held, Held)
    assert "customers" in held.hint
    world.now += 61
    world.connect(clearing_accounts={"EUR": "Euro clearing"}, customer="Online", customers={"EUR": "Online EUR"})
    outcomes = world.deliver(an_order(1001), euros)
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert {one["DocNumber"]: one["currency"] for one in world.documents()} == {"S-1001": "USD", "S-1002": "EUR"}
    assert sorted(world.sim.state()["customers"]) == ["Online", "Online EUR"]
    assert world.sim.company.named("Account", "Euro clearing")["CurrencyRef"] == {"value": "EUR"}  # type: ignore[index]
    assert [finding.message for finding in wrong(world)] == []
