"""The simulators that `backroom simulate` serves."""

from __future__ import annotations

import httpx
from starlette.testclient import TestClient

from deployments.simulators import build
from integrations.simulator_server import simulator_app


def test_both_of_shipstations_apis_are_served_each_under_its_name() -> None:
    # given every simulator, served
    served = TestClient(simulator_app(build("http://sim.test", limits=False)), base_url="http://sim.test")
    # when the warehouse is asked over both APIs
    v1 = served.get("/warehouse-v1/orders", auth=httpx.BasicAuth("sim-shipstation-key", "sim-shipstation-secret"))
    v2 = served.get("/warehouse/v2/shipments", headers={"API-Key": "sim-shipstation-key"})
    # then each answers in its own words
    assert v1.json() == {"orders": [], "total": 0, "page": 1, "pages": 0}
    assert v2.json()["shipments"] == []
    # and what happens in V1's warehouse is told to it by its name
    assert served.post("/_control/warehouse-v1/warehouses", json={"names": ["East"]}).json() == [524001]
    assert "warehouse-v1" in served.get("/_control").json()["simulators"]
