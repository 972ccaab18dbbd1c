"""The webhook receiver: what is signed is kept once, everything else is sent away without a word."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from commerce.ports import Alert
from deployments.checking import ensure_webhooks
from deployments.receiver import LONGEST_BODY, receiver_app
from integrations.simulator import Fault
from ledger import Ledger
from ledger.records import HintRow
from tests.journeys.house import House
from tests.small_house import order

SIGNATURE = "x-shopify-hmac-sha256"
NOBODY = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
"""A database that does not answer."""


@pytest.fixture
def receiver(house: House) -> Iterator[TestClient]:
    """The receiver of the house."""
    with TestClient(receiver_app(house.hub)) as client:
        yield client


@pytest.fixture
def delivery(house: House) -> httpx.Request:
    """What Shopify sends when somebody orders."""
    return shopify_sends(house)[0]


def shopify_sends(house: House) -> list[httpx.Request]:
    """The deliveries that announce one new order."""
    ensure_webhooks(house.hub)
    order(house)
    sent = list(house.vendors["shop"].outbox)
    house.vendors["shop"].outbox.clear()
    return sent


def post(receiver: TestClient, request: httpx.Request, **changes: Any) -> httpx.Response:
    """Send a delivery on; `headers` are put over its own, None leaves one out, `content` replaces its body."""
    headers = {**{name.lower(): value for name, value in request.headers.items()}, **changes.pop("headers", {})}
    headers = {name: value for name, value in headers.items() if value is not None and name != "content-length"}
    path = changes.pop("path", request.url.path)
    return receiver.post(path, **{"content": request.content, "headers": headers, **changes})


def waiting(house: House) -> list[HintRow]:
    """What was kept."""
    return house.hub.ledger.take_hints(100, lease=0)


def answered(answer: httpx.Response) -> tuple[int, bytes]:
    """All that its sender learns."""
    return answer.status_code, answer.content


def test_a_signed_delivery_is_kept_as_a_hint_to_read_the_order(house: House, receiver: TestClient) -> None:
    # given a shop that tells us of a new order
    sent = shopify_sends(house)
    assert [request.headers["x-shopify-topic"] for request in sent] == ["orders/create", "orders/updated"]
    # when its deliveries arrive
    assert [answered(post(receiver, request)) for request in sent] == [(200, b""), (200, b"")]
    # then each is kept, and says which order to read, and nothing else of it
    number = house.vendors["shop"].state()["orders"][0]["id"].rsplit("/", 1)[-1]
    assert [(row.connection, row.topic, row.hints) for row in waiting(house)] == [
        ("shop", "orders/create", [{"topic": "order", "id": number, "action": "create"}]),
        ("shop", "orders/updated", [{"topic": "order", "id": number, "action": "updated"}]),
    ]


def test_a_delivery_that_comes_three_times_is_kept_once(
    house: House, receiver: TestClient, delivery: httpx.Request
) -> None:
    assert [post(receiver, delivery).status_code for _ in range(3)] == [200, 200, 200]
    assert len(waiting(house)) == 1


def test_both_spellings_of_shopifys_headers_are_known(
    house: House, receiver: TestClient, delivery: httpx.Request
) -> None:
    headers = {name.lower().removeprefix("x-"): value for name, value in delivery.headers.items()}
    renamed = httpx.Request("POST", delivery.url, headers=headers, content=delivery.content)
    assert post(receiver, renamed).status_code == 200
    assert len(waiting(house)) == 1


FORGERIES: dict[str, dict[str, Any]] = {
    "another signature": {"headers": {SIGNATURE: "Zm9yZ2VkIGZvcmdlZCBmb3JnZWQgZm9yZ2VkIGZvcmc="}},
    "no signature": {"headers": {SIGNATURE: None}},
    "an empty signature": {"headers": {SIGNATURE: ""}},
    "a short signature": {"headers": {SIGNATURE: "Zm9y"}},
    "no text at all": {"headers": {SIGNATURE: "\xff\xfe".encode("latin-1")}},
    "another shop": {"headers": {"x-shopify-shop-domain": "other.myshopify.com"}},
    "an empty body": {"content": b""},
    "a body that is not UTF-8": {"content": b"\xff\xfe\x00"},
    "deep JSON": {"content": b"[" * 10_000},
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forgery_is_refused_without_a_word(
    house: House, receiver: TestClient, delivery: httpx.Request, forgery: dict[str, Any]
) -> None:
    assert answered(post(receiver, delivery, **forgery)) == (401, b"")
    assert waiting(house) == []


@pytest.mark.parametrize("place", [0, 100, -1])
def test_one_flipped_bit_is_a_forgery(house: House, receiver: TestClient, delivery: httpx.Request, place: int) -> None:
    body = bytearray(delivery.content)
    body[place] ^= 1
    assert answered(post(receiver, delivery, content=bytes(body))) == (401, b"")
    assert waiting(house) == []


def test_json_that_means_the_same_is_a_forgery(house: House, receiver: TestClient, delivery: httpx.Request) -> None:
    assert answered(post(receiver, delivery, content=delivery.content + b" ")) == (401, b"")


@pytest.mark.parametrize("good_first", [True, False])
def test_two_signatures_are_none(house: House, receiver: TestClient, delivery: httpx.Request, good_first: bool) -> None:
    pair = [(SIGNATURE, delivery.headers[SIGNATURE]), (SIGNATURE, "Zm9yZ2Vk")]
    others = [(name, value) for name, value in delivery.headers.items() if name.lower() != SIGNATURE]
    headers = others + (pair if good_first else pair[::-1])
    assert answered(receiver.post("/hooks/shop", content=delivery.content, headers=headers)) == (401, b"")
    assert waiting(house) == []


@pytest.mark.parametrize("connection", ["nobody", "alerts", "marketing", "SHOP", "x" * 500])
def test_an_unknown_connection_or_one_without_webhooks_is_not_found(
    house: House, receiver: TestClient, delivery: httpx.Request, connection: str
) -> None:
    assert answered(post(receiver, delivery, path=f"/hooks/{connection}")) == (404, b"")
    assert waiting(house) == []


def test_refusals_look_alike(receiver: TestClient, delivery: httpx.Request) -> None:
    # whoever guesses names learns nothing from body or headers of the refusal
    unknown = post(receiver, delivery, path="/hooks/nobody")
    without = post(receiver, delivery, path="/hooks/alerts")
    forged = post(receiver, delivery, content=b"{}")
    assert [one.content for one in (unknown, without, forged)] == [b"", b"", b""]
    assert dict(unknown.headers) == dict(without.headers) == dict(forged.headers)


def test_nothing_but_a_post_is_taken(receiver: TestClient) -> None:
    assert receiver.get("/hooks/shop").status_code == 405
    assert receiver.put("/hooks/shop").status_code == 405


def test_the_right_signature_for_another_connection_is_a_forgery(
    house: House, receiver: TestClient, delivery: httpx.Request
) -> None:
    assert answered(post(receiver, delivery, path="/hooks/books")) == (401, b"")


def test_a_label_of_shipstation_is_verified_by_its_published_key(house: House, receiver: TestClient) -> None:
    # given an order at the warehouse, whose labels we are told of
    warehouse = house.vendors["warehouse"]
    warehouse.act("subscribe", {"url": "http://127.0.0.1:8720/hooks/warehouse"})
    order(house)
    house.record()
    house.deliver("warehouse")
    # when a label is bought
    warehouse.act("buy_labels", {})
    request = warehouse.outbox.popleft()
    # then it is kept once, and a changed one is refused
    assert [answered(post(receiver, request)) for _ in range(2)] == [(200, b""), (200, b"")]
    assert answered(post(receiver, request, content=request.content + b" ")) == (401, b"")
    [row] = waiting(house)
    assert (row.connection, row.topic) == ("warehouse", "label_created_v2")
    assert row.hints == [{"topic": "parcel", "id": "", "action": "label_created_v2"}]


def test_a_delivery_that_cannot_be_verified_now_is_to_come_again(house: House, receiver: TestClient) -> None:
    # given ShipStation's public keys cannot be had
    warehouse = house.vendors["warehouse"]
    warehouse.act("subscribe", {"url": "http://127.0.0.1:8720/hooks/warehouse"})
    order(house)
    house.record()
    house.deliver("warehouse")
    warehouse.act("buy_labels", {})
    request = warehouse.outbox.popleft()
    warehouse.faults.append(Fault(on="/jwks", times=2))
    # then it is neither lost nor called a forgery
    answer = post(receiver, request)
    assert (*answered(answer), answer.headers["retry-after"]) == (503, b"", "5")
    assert waiting(house) == []
    house.clock.sleep(61)
    assert answered(post(receiver, request)) == (200, b"")


def test_a_batch_of_quickbooks_points_at_documents(house: House, receiver: TestClient) -> None:
    # given a posted order
    order(house)
    house.record()
    house.deliver("books")
    [document] = house.hub.ledger.trace("#1001").bindings["books"].vendor_id.split()
    # when somebody changes it in the books
    house.vendors["books"].act("webhook", {"url": "http://127.0.0.1:8720/hooks/books", "action": "voided"})
    request = house.vendors["books"].outbox.popleft()
    # then the cloud events are kept as one delivery
    assert [answered(post(receiver, request)) for _ in range(2)] == [(200, b""), (200, b"")]
    [row] = waiting(house)
    assert row.connection == "books"
    assert row.hints == [{"topic": "document", "id": document, "action": "salesreceipt.voided"}]


@pytest.mark.parametrize("coding", ["gzip", "br", "GZIP", "identity, gzip"])
def test_a_compressed_body_is_refused_before_it_is_read(
    house: House, receiver: TestClient, delivery: httpx.Request, coding: str
) -> None:
    assert answered(post(receiver, delivery, headers={"content-encoding": coding})) == (415, b"")
    assert waiting(house) == []


def test_a_body_of_the_largest_size_is_read_and_one_byte_more_is_not(
    receiver: TestClient, delivery: httpx.Request
) -> None:
    assert answered(post(receiver, delivery, content=b"x" * LONGEST_BODY)) == (401, b"")
    assert answered(post(receiver, delivery, content=b"x" * (LONGEST_BODY + 1))) == (413, b"")


def test_a_body_that_says_it_is_too_large_is_not_read(house: House) -> None:
    async def receive() -> dict[str, Any]:
        raise AssertionError("nothing is to be read")

    headers = [(b"content-length", str(LONGEST_BODY + 1).encode())]
    assert asyncio.run(ask(receiver_app(house.hub), receive, headers)) == (413, b"")


def test_an_endless_body_is_read_up_to_the_limit(house: House) -> None:
    read = 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 64 * 1024
        assert read <= 2 * LONGEST_BODY, "it reads on and on"
        return {"type": "http.request", "body": b"x" * 64 * 1024, "more_body": True}

    assert asyncio.run(ask(receiver_app(house.hub), receive)) == (413, b"")
    assert read == LONGEST_BODY + 64 * 1024


def test_a_body_that_does_not_come_is_not_waited_for(house: House) -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    assert asyncio.run(ask(receiver_app(house.hub, longest_read=0.01), receive)) == (408, b"")


def test_a_sender_that_leaves_is_no_error_of_ours(house: House) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    assert asyncio.run(ask(receiver_app(house.hub), receive)) == (400, b"")


def test_when_everyone_comes_at_once_some_are_asked_to_come_again(house: House, delivery: httpx.Request) -> None:
    async def story() -> list[tuple[int, bytes]]:
        # given a receiver that works on one delivery, which waits for the database
        app = receiver_app(house.hub, at_once=1)
        headers = [(name.lower().encode(), value.encode()) for name, value in delivery.headers.items()]
        begun = asyncio.Event()

        async def receive() -> dict[str, Any]:
            begun.set()
            return {"type": "http.request", "body": delivery.content}

        with house.hub.ledger.writing():
            first = asyncio.create_task(ask(app, receive, headers))
            await asyncio.wait_for(begun.wait(), 5)
            # when another one comes, and one more when the first is over
            second = await ask(app, receive, headers)
        return [second, await asyncio.wait_for(first, 5), await ask(app, receive, headers)]

    # then only that one is sent away
    assert asyncio.run(story()) == [(503, b""), (200, b""), (200, b"")]


def test_what_cannot_be_kept_is_never_said_to_be(house: House, receiver: TestClient, delivery: httpx.Request) -> None:
    # given a ledger whose database is down
    kept, house.hub.ledger = house.hub.ledger, Ledger(NOBODY)
    # then the sender is asked to come again, and a monitor sees it
    answer = post(receiver, delivery)
    assert (*answered(answer), answer.headers["retry-after"]) == (503, b"", "5")
    assert answered(receiver.get("/health")) == (503, b"")
    assert answered(receiver.get("/alive")) == (200, b"ok")
    # and when the database is back, the same delivery is taken
    house.hub.ledger = kept
    assert answered(post(receiver, delivery)) == (200, b"")
    assert len(waiting(house)) == 1


def test_a_forgery_is_refused_also_while_the_database_is_down(
    house: House, receiver: TestClient, delivery: httpx.Request
) -> None:
    house.hub.ledger = Ledger(NOBODY)
    assert answered(post(receiver, delivery, content=b"{}")) == (401, b"")


def test_health_says_what_is_late_and_nothing_of_any_order(house: House, receiver: TestClient) -> None:
    # given routes that all ran, an order, and something held
    order(house, email="canary@example.com", lines=[{"sku": "CANARY", "quantity": 1, "price": "1.00"}])
    house.record()
    for name in house.hub.stack.routes:
        house.hub.ledger.route_finished(name, True, {})
    # then all is well
    answer = receiver.get("/health")
    assert answer.status_code == 200
    found = answer.json()
    assert found["well"] is True
    assert {route["route"]: route["late"] for route in found["routes"]} == dict.fromkeys(house.hub.stack.routes, False)
    # and an hour later it is not, whatever its last error said
    house.clock.sleep(3601)
    house.hub.ledger.route_finished("orders-to-shipping", False, {}, "canary@example.com is wrong")
    answer = receiver.get("/health")
    assert answer.status_code == 503
    late = {route["route"]: route["error"] for route in answer.json()["routes"] if route["late"]}
    assert late == {**dict.fromkeys(house.hub.stack.routes, ""), "orders-to-shipping": "last run failed"}
    for text in (answer.text, receiver.get("/health", headers={"accept": "text/html"}).text):
        assert "canary" not in text.lower()
        assert "#1001" not in text


def test_a_paused_connection_is_not_well(house: House, receiver: TestClient) -> None:
    for name in house.hub.stack.routes:
        house.hub.ledger.route_finished(name, True, {})
    house.hub.ledger.pause("books", "its token is refused")
    answer = receiver.get("/health")
    assert (answer.status_code, answer.json()["paused"]) == (503, ["books"])
    assert "its token" not in answer.text
    house.hub.ledger.resume("books")
    assert receiver.get("/health").status_code == 200


def test_the_page_for_people_obeys_no_markup(house: House, receiver: TestClient) -> None:
    hostile = Alert(fingerprint="x", title="<script>alert(1)</script>", what="", todo="")
    house.hub.ledger.raise_alert(hostile)
    answer = receiver.get("/health", headers={"accept": "text/html,*/*"})
    assert answer.status_code == 503
    assert answer.headers["content-type"].startswith("text/html")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
    assert "<script" not in answer.text
    assert "backroom is <span" in answer.text


async def ask(app: Starlette, receive: Any, headers: list[tuple[bytes, bytes]] | None = None) -> tuple[int, bytes]:
    """One POST to the shop's door, its body as `receive` gives it; status and body of the answer."""
    said: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        said.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/hooks/shop",
        "raw_path": b"/hooks/shop",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"hub.example"), *(headers or [])],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8720),
    }
    await app(scope, receive, send)
    return said[0]["status"], b"".join(message.get("body", b"") for message in said[1:])
