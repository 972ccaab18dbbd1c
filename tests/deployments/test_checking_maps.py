"""`backroom check` says in one line which maps the waiting records lack."""

from __future__ import annotations

from deployments.checking import of_a_connection
from tests.deployments.test_connecting import settings
from tests.journeys.house import House
from tests.small_house import order


def test_taxes_that_nobody_mapped_are_named_in_one_line(house: House) -> None:
    # given books that hold orders whose taxes are not mapped, and orders of two taxes
    settings(house, unmapped_tax="hold", tax_items={"CA State Tax": "Sales tax collected"})
    for title in ("NY State Tax", "NY State Tax", "Oregon Tax", "CA State Tax"):
        tax = {"title": title, "rate": "0.08"}
        order(house, lines=[{"sku": "MUG-RED", "quantity": 1, "price": "25.00", "taxes": [tax]}])
    house.record()
    house.deliver("books")
    # when the merchant looks, then one line names both
    found = [one for one in of_a_connection(house.hub, "books") if one.subject == "books: unmapped tax"]
    assert len(found) == 1
    assert found[0].message.startswith("3 held: ")
    assert "'NY State Tax'" in found[0].message
    assert "'Oregon Tax'" in found[0].message
    assert "CA State" not in found[0].message
    assert "--cause unmapped_tax" in found[0].hint
