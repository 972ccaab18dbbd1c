"""A ShipStation account in memory, speaking API V1's raw JSON."""

from __future__ import annotations

from integrations.shipstation.simulator.v1.account import ShipStationV1Simulator, build

__all__ = ["ShipStationV1Simulator", "build"]
