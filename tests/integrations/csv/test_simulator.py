"""The file server answers as RFC 9110 says."""

from __future__ import annotations

import httpx
import pytest

from integrations.csv.simulator import CsvSimulator
from tests.integrations.csv.conftest import BASE, STOCK, Time


@pytest.fixture
def http(server: CsvSimulator) -> httpx.Client:
    return httpx.Client(base_url=BASE, transport=server.transport(), headers={"authorization": "Bearer sim-token"})


def test_a_file_comes_with_what_recognises_it(http: httpx.Client) -> None:
    answer = http.get("/stock.csv")
    assert (answer.status_code, answer.text) == (200, STOCK)
    assert answer.headers["content-length"] == str(len(STOCK))
    assert answer.headers["last-modified"] == "Mon, 23 Nov 2026 09:00:00 GMT"
    head = http.head("/stock.csv")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", answer.headers["etag"])


def test_conditions_are_kept(http: httpx.Client, server: CsvSimulator) -> None:
    headers = http.get("/stock.csv").headers
    by_tag = {"if-none-match": headers["etag"]}
    by_time = {"if-modified-since": headers["last-modified"]}
    assert [http.get("/stock.csv", headers=one).status_code for one in (by_tag, by_time)] == [304, 304]
    # the tag goes before the time
    assert http.get("/stock.csv", headers={"if-none-match": '"other"', **by_time}).status_code == 200
    server.do_put(STOCK + "CUP,1\n")
    assert [http.get("/stock.csv", headers=one).status_code for one in (by_tag, by_time)] == [200, 200]


def test_who_does_not_prove_himself_gets_nothing(server: CsvSimulator) -> None:
    client = httpx.Client(base_url=BASE, transport=server.transport())
    for proof in ({}, {"authorization": "Bearer x"}, {"authorization": "Basic !"}):
        answer = client.get("/stock.csv", headers=proof)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="files"')


def test_nothing_can_be_written(http: httpx.Client) -> None:
    assert http.put("/stock.csv", content=b"sku,quantity\n").status_code == 405
    assert http.get("/other.csv").status_code == 404


def test_its_state_is_every_file(server: CsvSimulator, clock: Time) -> None:
    server.do_put("a", name="b.csv")
    assert server.state()["files"]["b.csv"] == {"base64": "YQ==", "written": clock()}
