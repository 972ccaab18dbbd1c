"""A Prefect server of our own: on loopback, with login and encryption key, a work pool, and deployments that run."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from cryptography.fernet import Fernet
from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_fixed

from deployments.own_server import KEY, LOGIN, UNLESS_SET, server_command
from deployments.processes import DidNotStart, Processes, answers

BUSY_SERVER = Retrying(
    retry=retry_if_result(lambda answer: answer.status_code >= 500),
    wait=wait_fixed(0.5),
    stop=stop_after_attempt(20),
    retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
)
"""Prefect's own SQLite answers 503 while it is locked; asking again is what its own client does."""

ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@dataclass
class PrefectHouse:
    """Where it is, and what is needed to get in."""

    home: Path
    port: int
    password: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    encryption_key: str = field(default_factory=lambda: Fernet.generate_key().decode())

    @property
    def url(self) -> str:
        """Address of the UI."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def login(self) -> tuple[str, str]:
        """User and password."""
        return ("admin", self.password)

    def environment(self) -> dict[str, str]:
        """What server, worker, flow runs and command line need to know."""
        login = f"admin:{self.password}"
        return {
            "PREFECT_HOME": str(self.home.resolve()),
            "PREFECT_API_URL": f"{self.url}/api",
            "PREFECT_API_AUTH_STRING": login,
            LOGIN: login,
            KEY: self.encryption_key,
            **UNLESS_SET,
            "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
            "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
            "DO_NOT_TRACK": "1",
            # A worker asks for work every 10 s by default; on loopback 2 s cost next to nothing.
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "PREFECT_LOGGING_LEVEL": "WARNING",
        }

    def start_server(self, processes: Processes) -> None:
        """Start the server; `wait` for it."""
        processes.start("prefect-server", server_command("127.0.0.1", self.port))

    def wait(self, processes: Processes) -> None:
        """Wait until the server answers."""
        processes.wait_until("prefect-server", answers(f"{self.url}/api/admin/version", self.login), timeout=90.0)

    def deploy(self, processes: Processes, *, warm: bool = True, file: Path = Path("prefect.yaml")) -> None:
        """Make the work pool and deploy all of prefect.yaml. `warm`: runs are forks of a process that waits."""
        template = self.home / "pool.json"
        template.write_text(json.dumps(pool_template(self.warm_socket if warm else None)), encoding="utf-8")
        pool = ("work-pool", "create", "backroom", "--type", "process", "--base-job-template", str(template))
        processes.run_once("prefect-pool", prefect("--no-prompt", *pool))
        deploy = ("--no-prompt", "deploy", "--all", "--prefect-file", str(file))
        processes.run_once("prefect-deploy", prefect(*deploy), timeout=180.0)

    @property
    def warm_socket(self) -> Path:
        """Where the process that forks runs waits. In a short place: a Unix socket's path has 107 bytes at most."""
        return Path(tempfile.gettempdir()) / f"backroom-{self.port}-{os.getpid()}.sock"

    def start_worker(self, processes: Processes, *, warm: bool = True) -> None:
        """Start a process worker for the pool, and the process that its runs are forked from."""
        if warm:
            processes.start("warm", [sys.executable, "-m", "deployments.cli", "warm", str(self.warm_socket)])
        command = ("worker", "start", "--pool", "backroom", "--type", "process", "--limit", "4", "--name", "backroom")
        processes.start("prefect-worker", prefect(*command))

    def api(self) -> PrefectApi:
        """A small client for what the demo asks of the server."""
        return PrefectApi(httpx.Client(base_url=f"{self.url}/api", auth=self.login, timeout=30.0, trust_env=False))


def pool_template(socket: Path | None) -> dict[str, Any]:
    """A process pool's job template; with a socket, runs start through the warm process behind it."""
    from prefect.workers.process import ProcessWorker

    template = ProcessWorker.get_default_base_job_template()
    if socket is not None:
        client = Path(__file__).with_name("warm_client.py")
        command = shlex.join([sys.executable, "-I", "-S", str(client), str(socket)])
        template["variables"]["properties"]["command"]["default"] = command
    return template


def prefect(*arguments: str) -> list[str]:
    """The command line of the Prefect that is installed beside us."""
    return [sys.executable, "-m", "prefect", *arguments]


class PrefectApi:
    """Deployments and their runs, over the server's REST API."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._deployments: dict[str, str] = {}

    def _post(self, path: str, body: Any) -> Any:
        answer = BUSY_SERVER(self._client.post, path, json=body)
        if not answer.is_success:
            raise DidNotStart(f"Prefect answered {answer.status_code} to {path}: {answer.text[:300]}")
        return answer.json() if answer.content else None

    def deployments(self) -> dict[str, str]:
        """Deployment ids by name."""
        if not self._deployments:
            found = self._post("/deployments/filter", {"limit": 100})
            self._deployments = {one["name"]: one["id"] for one in found}
        return self._deployments

    def pause_schedules(self) -> None:
        """Stop the schedules, so that runs start only when asked for."""
        for key in self.deployments().values():
            self._post(f"/deployments/{key}/pause_deployment", {})

    def resume_schedules(self) -> None:
        """Let the schedules start runs again."""
        for key in self.deployments().values():
            self._post(f"/deployments/{key}/resume_deployment", {})

    def run(self, name: str, **parameters: Any) -> str:
        """Ask for a run of a deployment; its id."""
        path = f"/deployments/{self.deployments()[name]}/create_flow_run"
        body = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        return str(self._post(path, body)["id"])

    def state(self, run: str) -> tuple[str, str, str]:
        """Type, name and message of a run's state."""
        found = BUSY_SERVER(self._client.get, f"/flow_runs/{run}").raise_for_status().json()
        state = found.get("state") or {}
        return found["state_type"], found["state_name"], state.get("message") or ""

    def schedules_work(self) -> bool:
        """Whether the server has planned runs ahead, as its scheduler does within seconds of a deployment."""
        scheduled = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
        return int(self._post("/flow_runs/count", scheduled)) > 0

    def worker_online(self) -> bool:
        """Whether the pool has a worker that polls."""
        found = self._post("/work_pools/backroom/workers/filter", {})
        return any(worker["status"] == "ONLINE" for worker in found)
