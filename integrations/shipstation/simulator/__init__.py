"""A ShipStation account in memory, speaking API V2's raw JSON."""

from __future__ import annotations

from integrations.shipstation.simulator.account import ShipStationSimulator, build

__all__ = ["ShipStationSimulator", "build"]
