"""What a measurement was made on."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("prefect", "httpx", "pydantic", "sqlalchemy", "uvicorn")


@dataclass(frozen=True)
class Machine:
    """The machine, and how busy it was with other things beforehand."""

    cores: int
    processor: str
    memory_gb: float
    system: str
    python: str
    packages: dict[str, str]
    load_before: float
    date: str

    def as_json(self) -> dict[str, object]:
        """For machines."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For people."""
        packages = ", ".join(f"{name} {number}" for name, number in self.packages.items())
        return [
            f"{self.cores} cores ({self.processor}), {self.memory_gb:.0f} GB, {self.system}, load before: "
            f"{self.load_before:.2f}",
            f"Python {self.python}, {packages}; {self.date}",
        ]


def facts() -> Machine:
    """This machine, now."""
    from datetime import UTC, datetime

    return Machine(
        cores=len(os.sched_getaffinity(0)),
        processor=_first(Path("/proc/cpuinfo"), r"model name\s*:\s*(.+)") or platform.machine(),
        memory_gb=int(_first(Path("/proc/meminfo"), r"MemTotal:\s*(\d+)") or 0) / 1024**2,
        system=f"{platform.system()} {platform.release().split('-')[0]}",
        python=platform.python_version(),
        packages={name: version(name) for name in PACKAGES},
        load_before=os.getloadavg()[0],
        date=datetime.now(UTC).date().isoformat(),
    )


def _first(file: Path, pattern: str) -> str:
    found = re.search(pattern, file.read_text(encoding="utf-8")) if file.exists() else None
    return found[1].strip() if found else ""
