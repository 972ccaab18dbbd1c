"""Prefect's own server as a shop should run it: with a login, and a key outside its database."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping

from cryptography.fernet import Fernet

from commerce.errors import NotConfigured

LOGIN, KEY = "PREFECT_SERVER_API_AUTH_STRING", "PREFECT_SERVER_ENCRYPTION_KEY"

UNLESS_SET = {
    # In memory, leases are forgotten at a restart while the slots they hold still count as taken.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    # Nobody else is told what a shop runs.
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}
"""Settings of Prefect's server that are not its own defaults."""

MAKE_A_KEY = 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'


def start(host: str, port: int, find_secret: Callable[[str], str | None]) -> None:
    """Become Prefect's server. Raises NotConfigured when it would answer everybody or open its own secrets."""
    environment = environment_of(os.environ, find_secret)
    os.execve(sys.executable, server_command(host, port), environment)  # noqa: S606  # Prefect's own command line


def server_command(host: str, port: int) -> list[str]:
    """The command line of the server. It holds no secret: everybody on the machine may list it."""
    arguments = ("server", "start", "--host", host, "--port", str(port))
    return [sys.executable, "-m", "deployments.prefect_server", *arguments]


def environment_of(given: Mapping[str, str], find_secret: Callable[[str], str | None]) -> dict[str, str]:
    """What the server is given: what we have, its two secrets, and what should not be its default."""
    login, key = find_secret(LOGIN) or "", find_secret(KEY) or ""
    user, _, password = login.partition(":")
    if not user or not password:
        hint = "put it into .env as name:password; flows and workers need it as PREFECT_API_AUTH_STRING"
        raise NotConfigured(LOGIN, "is not set as name:password, so the server would answer everybody", hint=hint)
    try:
        Fernet(key)
    except ValueError as error:
        why = "is not a key" if key else "is not set, so its database would hold the key to its own secrets"
        raise NotConfigured(KEY, why, hint=f"put one into .env: {MAKE_A_KEY}") from error
    return {**UNLESS_SET, **given, LOGIN: login, KEY: key}
