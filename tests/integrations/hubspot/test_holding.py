"""What HubSpot holds of our orders, read back from it."""

from __future__ import annotations

from datetime import timedelta

from commerce.comparing import differences
from commerce.expecting import expected_of
from commerce.orders import Order
from integrations.hubspot.client import HubSpot
from integrations.hubspot.simulator import HubSpotSimulator
from tests.builders import NOON
from tests.integrations.hubspot.conftest import an_item, deliver

WEEK = (NOON - timedelta(days=7), NOON + timedelta(days=1))


def verdicts(hubspot: HubSpot, orders: list[Order]) -> list[tuple[str, str, str]]:
    expected = [one for order in orders for one in expected_of(order, hubspot.duties)]
    found = list(hubspot.audit("shop", *WEEK, orders))
    return [(one.verdict, one.label, one.found) for one in differences(expected, found)]


def test_deals_are_compared_by_amount_and_stage(hubspot: HubSpot, account: HubSpotSimulator) -> None:
    # given three deals as they should be, over more calls than one
    items = [an_item(number) for number in range(1001, 1104)]
    orders = [Order.model_validate(item.newest.data) for item in items]
    assert verdicts(hubspot, orders)[0][0] == "missing"  # before anything was brought, the property is not even there
    deliver(hubspot, items[:100])
    deliver(hubspot, items[100:])
    assert verdicts(hubspot, orders) == []
    # when colleagues delete one, change another's amount, lose a third and move a fourth to a stage of their own
    deals = account.state()["deals"]
    account.act("delete_deal", {"id": deals[0]["id"]})
    account.act("edit_deal", {"id": deals[1]["id"], "amount": "1.00"})
    account.act("edit_deal", {"id": deals[2]["id"], "dealstage": "closedlost"})
    account.act("edit_deal", {"id": deals[3]["id"], "dealstage": "qualifiedtobuy"})
    # then the first three are told
    total = orders[2].current_total
    assert verdicts(hubspot, orders) == [
        ("missing", orders[0].number, "nothing"),
        ("different", orders[1].number, "1.00 USD paid"),
        ("missing", orders[2].number, f"{deals[2]['id']} is cancelled"),
    ]
    assert total.currency == "USD"
