"""Prefect's server is for this machine only, asks for a login, and keeps its secrets under a key of ours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from prefect.server.api.server import create_app
from prefect.settings import PREFECT_SERVER_API_AUTH_STRING, temporary_settings
from starlette.testclient import TestClient

from deployments.prefect_house import PrefectHouse


class Started:
    """Commands that would have been started."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []

    def start(self, name: str, command: Sequence[str]) -> None:
        """Note it."""
        self.commands.append(list(command))


def test_the_server_listens_on_loopback_with_login_and_key(tmp_path: Path) -> None:
    house, other = PrefectHouse(tmp_path, 4200), PrefectHouse(tmp_path, 4200)
    started = Started()
    house.start_server(started)  # type: ignore[arg-type]
    [command] = started.commands
    assert command[command.index("--host") + 1] == "127.0.0.1"
    settings = house.environment()
    assert settings["PREFECT_SERVER_API_AUTH_STRING"] == f"admin:{house.password}" != f"admin:{other.password}"
    assert settings["PREFECT_SERVER_ENCRYPTION_KEY"] == house.encryption_key != other.encryption_key
    assert len(house.password) >= 24
    # and neither stands in a command, which everybody on the machine may list
    assert not [word for word in command if house.password in word or house.encryption_key in word]


@pytest.mark.parametrize("path", ["block_documents/filter", "flow_runs/filter", "variables/filter"])
def test_prefect_gives_nothing_to_who_has_no_login(tmp_path: Path, path: str) -> None:
    # given Prefect's own server with the login that we set
    login = PrefectHouse(tmp_path, 4200).environment()["PREFECT_SERVER_API_AUTH_STRING"]
    with temporary_settings({PREFECT_SERVER_API_AUTH_STRING: login}):
        browser = TestClient(create_app(ephemeral=True, ignore_cache=True))
        # then whoever does not have it sees nothing
        assert browser.post(f"/api/{path}", json={}).status_code == 401
        assert browser.post(f"/api/{path}", json={}, auth=("admin", "guessed")).status_code == 401
