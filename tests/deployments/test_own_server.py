"""`backroom server` does not start a Prefect server that would answer everybody."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from rich.console import Console
from typer.testing import CliRunner

from deployments import printing
from deployments.cli import app
from deployments.own_server import KEY, LOGIN, UNLESS_SET, environment_of, server_command

GOOD = {LOGIN: "admin:swordfish", KEY: Fernet.generate_key().decode()}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({LOGIN: None}, f"{LOGIN}: is not set as name:password, so the server would answer everybody"),
        ({LOGIN: "admin"}, f"{LOGIN}: is not set as name:password"),
        ({LOGIN: "admin:"}, f"{LOGIN}: is not set as name:password"),
        ({KEY: None}, f"{KEY}: is not set, so its database would hold the key to its own secrets"),
        ({KEY: "swordfish"}, f"{KEY}: is not a key"),
    ],
)
def test_without_a_login_or_a_key_it_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str | None], words: str
) -> None:
    # given a `.env` without the one or the other
    monkeypatch.setattr(printing, "complaints", Console(width=400, stderr=True))
    monkeypatch.setenv("BACKROOM_STACK", str(tmp_path / "stack.toml"))
    for name, value in {**GOOD, **wrong}.items():
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            with (tmp_path / ".env").open("a") as file:
                file.write(f"{name}={value}\n")
    # then it says which, and what to do
    result = CliRunner().invoke(app, ["server"])
    assert result.exit_code == 2
    assert words in result.stderr
    assert ".env" in result.stderr
    assert "swordfish" not in result.output


def test_it_gets_its_secrets_and_what_it_needs_and_neither_is_in_its_command() -> None:
    made = environment_of({"LANG": "C"}, GOOD.get)
    assert made == {"LANG": "C", **UNLESS_SET, **GOOD}
    # and what somebody set otherwise stays
    name = next(iter(UNLESS_SET))
    assert environment_of({name: "elsewhere"}, GOOD.get)[name] == "elsewhere"
    assert not [word for word in server_command("127.0.0.1", 4200) for secret in GOOD.values() if secret in word]
