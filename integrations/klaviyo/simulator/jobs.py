"""Work that Klaviyo does later: importing many profiles, deleting one for good."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from integrations.klaviyo.simulator.account import Account, when
from integrations.klaviyo.simulator.answers import Refusal
from integrations.klaviyo.simulator.bodies import Reader
from integrations.simulator import Clock

Json = dict[str, Any]
LIFE = 7 * 86_400
"""Seconds that a finished job can be read."""


@dataclass
class ImportJob:
    """A bulk import: "queued", then "processing", then "complete", which does not mean that all succeeded."""

    id: str
    created: float
    profiles: list[Json]
    errors: list[Json] = field(default_factory=list)
    done: bool = False


@dataclass
class Deletion:
    """All profiles with this identifier are to go. There is nothing to be asked about it."""

    created: float
    name: str
    value: str


class Jobs:
    """What waits. Each step takes `seconds`; looked at before every request."""

    def __init__(self, account: Account, reader: Reader, clock: Clock, seconds: float) -> None:
        self._account = account
        self._reader = reader
        self._clock = clock
        self.seconds = seconds
        self.imports: dict[str, ImportJob] = {}
        self._deletions: list[Deletion] = []

    def settle(self) -> None:
        """Do what is due by now."""
        now = self._clock()
        for job in self.imports.values():
            if not job.done and now >= job.created + 2 * self.seconds:
                self._import(job)
        due = [one for one in self._deletions if now >= one.created + self.seconds]
        self._deletions = [one for one in self._deletions if one not in due]
        for one in due:
            self._account.delete(one.name, one.value)

    def delete_later(self, name: str, value: str) -> None:
        """Ask for a deletion."""
        self._deletions.append(Deletion(self._clock(), name, value))

    def import_later(self, profiles: list[Json], base_url: str) -> Json:
        """Ask for an import; the job as it is answered."""
        job = ImportJob(f"SIMJOB{len(self.imports) + 1:04d}", self._clock(), profiles)
        self.imports[job.id] = job
        return self.shown(job, base_url)

    def asked(self, job_id: str) -> ImportJob:
        """The job with this id. Raises Refusal."""
        if job_id not in self.imports:
            raise Refusal(404, "not_found", "Not found.", f"A profile-bulk-import-job with id {job_id} does not exist.")
        return self.imports[job_id]

    def shown(self, job: ImportJob, base_url: str) -> Json:
        """The job as it can be read now."""
        started, completed = job.created + self.seconds, job.created + 2 * self.seconds
        now, here = self._clock(), f"{base_url}/api/profile-bulk-import-jobs/{job.id}"
        attributes = {
            "status": "complete" if job.done else "processing" if now >= started else "queued",
            "created_at": when(job.created),
            "total_count": len(job.profiles),
            "completed_count": len(job.profiles) - len(job.errors) if job.done else 0,
            "failed_count": len(job.errors),
            "started_at": when(started) if now >= started else None,
            "completed_at": when(completed) if job.done else None,
            "expires_at": when(job.created + LIFE),
        }
        return {
            "type": "profile-bulk-import-job",
            "id": job.id,
            "attributes": attributes,
            "links": {"self": here},
        }

    def _import(self, job: ImportJob) -> None:
        job.done = True
        for number, profile in enumerate(job.profiles):
            place = f"/data/attributes/profiles/data/{number}"
            try:
                attributes = self._reader.person(profile, place)
                self._account.people.upsert({**attributes, "meta": profile.get("meta") or {}})
            except Refusal as refused:
                job.errors.append(_import_error(job, refused, profile))


def _import_error(job: ImportJob, refused: Refusal, profile: Json) -> Json:
    return {
        "type": "import-error",
        "id": f"{job.id}-{len(job.errors) + 1}",
        "attributes": {
            "code": refused.code,
            "title": refused.title,
            "detail": refused.detail,
            "source": {"pointer": refused.source.get("pointer", "/data")},
            "original_payload": profile,
        },
    }
