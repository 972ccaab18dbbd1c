"""What a connection notices in passing reaches people once, and its end too."""

from __future__ import annotations

from pathlib import Path

from commerce.ports import Alert
from tests.small_house import a_small_house

ENDING = Alert(
    fingerprint="notice:shop:version",
    severity="warning",
    title="shop: its API version ends",
    what="Shopify answers as 2027-01 instead of 2026-10",
    todo="set api_version",
)


def open_fingerprints(house) -> list[str]:
    return [one.alert.fingerprint for one in house.hub.ledger.open_alerts()]


def test_a_notice_is_told_once_and_so_is_its_end(tmp_path: Path) -> None:
    # given a connection that notices the same thing with every answer
    house = a_small_house(tmp_path)
    for _ in range(3):
        house.hub.services("shop").notices.noticed(ENDING)
    # when the watch looks, then people are told once
    house.watch()
    house.watch()
    told = house.vendors["alerts"].state()["messages"]
    assert len([message for message in told if "API version ends" in str(message)]) == 1
    # and when another process finds it well, then it is over
    house.hub.services("shop").notices.over(ENDING.fingerprint)
    assert open_fingerprints(house) == []


def test_what_cannot_be_kept_now_is_news_again_later(tmp_path: Path) -> None:
    # given a ledger that cannot be written
    house = a_small_house(tmp_path)
    notices = house.hub.services("shop").notices
    with house.hub.ledger.writing() as db:
        db.exec_driver_sql("ALTER TABLE alerts RENAME TO alerts_away")
    notices.noticed(ENDING)
    # when it can be written again, and the connection notices it again
    with house.hub.ledger.writing() as db:
        db.exec_driver_sql("ALTER TABLE alerts_away RENAME TO alerts")
    notices.noticed(ENDING)
    # then it is kept
    assert open_fingerprints(house) == [ENDING.fingerprint]
