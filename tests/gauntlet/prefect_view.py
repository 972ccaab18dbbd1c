"""What Prefect itself says of the runs: which never ended, which slots are taken, which schedules go on."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_delay

from deployments.prefect_house import BUSY_SERVER, PrefectHouse
from tasks.running import LABEL, Process
from tasks.tidying import TAG

PATIENTLY = Retrying(retry=retry_if_exception_type(httpx.TransportError), stop=stop_after_delay(300), reraise=True)
"""A server that stands still for a while is asked again."""

UNENDED = ["PENDING", "RUNNING", "CANCELLING"]
DAY = 86400.0
PAGE = 200


class PrefectView:
    """Asks its API, with the login that the house has."""

    def __init__(self, house: PrefectHouse) -> None:
        self._client = httpx.Client(base_url=f"{house.url}/api", auth=house.login, timeout=30.0, trust_env=False)
        self.intervals: dict[str, float] = {}
        """Seconds between two runs of each deployment that has a schedule shorter than a day."""

    def _post(self, path: str, **body: Any) -> Any:
        return PATIENTLY(BUSY_SERVER, self._client.post, path, json=body).raise_for_status().json()

    def deployments(self) -> list[dict[str, Any]]:
        """All of them, with their schedules."""
        found: list[dict[str, Any]] = self._post("/deployments/filter", limit=PAGE)
        return found

    def look(self) -> None:
        """Read what the schedules are."""
        for deployment in self.deployments():
            for one in deployment["schedules"]:
                seconds = one["schedule"].get("interval", DAY)
                if seconds < DAY:
                    self.intervals[deployment["name"]] = seconds

    def runs(self, **which: Any) -> list[dict[str, Any]]:
        """Flow runs of ours that a filter finds."""
        found: list[dict[str, Any]] = []
        wanted = {"tags": {"all_": [TAG]}, **which}
        while page := self._post("/flow_runs/filter", flow_runs=wanted, limit=PAGE, offset=len(found), sort="ID_DESC"):
            found += page
            if len(page) < PAGE:
                break
        return found

    def left_behind(self, before: datetime) -> list[dict[str, Any]]:
        """Runs that began before then, count as going on, and are in no process that lives."""
        found = self.runs(state={"type": {"any_": UNENDED}})
        return [run for run in found if moment(run["state"]["timestamp"]) < before and not lives(run)]

    def slots_without_run(self) -> list[str]:
        """Deployments whose slot counts as taken although no run of theirs goes on."""
        going_on = {run["deployment_id"] for run in self.runs(state={"type": {"any_": UNENDED}})}
        return [
            one["name"]
            for one in self.deployments()
            if (one.get("global_concurrency_limit") or {}).get("active_slots") and one["id"] not in going_on
        ]

    def not_run_since(self, since: datetime) -> list[str]:
        """Deployments with a schedule of which no run that began since then ended well."""
        wanted = {"state": {"type": {"any_": ["COMPLETED"]}}, "start_time": {"after_": since.isoformat()}}
        well = {run["deployment_id"] for run in self.runs(**wanted)}
        return sorted(
            one["name"] for one in self.deployments() if one["name"] in self.intervals and one["id"] not in well
        )

    def due_between(self, since: datetime, until: datetime) -> dict[str, Counter[str]]:
        """What became of the runs that were due then: by deployment, how many ended in which state."""
        names = {one["id"]: one["name"] for one in self.deployments()}
        span = {"after_": since.isoformat(), "before_": until.isoformat()}
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for run in self.runs(expected_start_time=span):
            if run["deployment_id"] in names:
                found[names[run["deployment_id"]]][run["state_type"]] += 1
        return dict(found)

    def ended(self) -> Counter[str]:
        """How many runs there were that are over, by how they ended; of those that crashed, as who found out says."""
        found: Counter[str] = Counter()
        for run in self.runs(state={"type": {"any_": ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]}}):
            words = re.split("[;:.,]", run["state"]["message"] or "")[0]
            found[f"CRASHED, {words}" if run["state_type"] == "CRASHED" else run["state_type"]] += 1
        return found


def lives(run: dict[str, Any]) -> bool:
    """Whether the process that the run is in is there."""
    process = Process.read(str((run.get("labels") or {}).get(LABEL) or ""))
    return bool(process and process.lives())


def moment(text: str) -> datetime:
    """As Prefect writes it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
