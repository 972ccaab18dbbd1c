"""The house: imports go one way, files stay small, and nothing names a machine or a package index."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("commerce", "ledger", "integrations", "tasks", "flows", "deployments")
LONGEST = 350
"""Lines of a Python file of the product; tests may tell longer stories."""

NOT_OURS = {".git", ".venv", "var", "dist", "__pycache__"}
MACHINE_PATHS = re.compile(r"(?<![\w.:/}])/(work|home|root|Users|mnt|workspace|private)/\w")
INDEX_HOSTS = re.compile(
    r"pypi\.(org|python\.org)|files\.pythonhosted\.org|--(extra-)?index-url\s+\S+://", re.IGNORECASE
)


@cache
def files() -> tuple[Path, ...]:
    """Every file of the project: those that git knows or would add; without git, those that are no by-products."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=10).stdout.decode()
        found = [ROOT / name for name in listed.split("\0") if name]
    except (OSError, subprocess.SubprocessError):
        found = [path for path in ROOT.rglob("*") if not NOT_OURS & set(path.relative_to(ROOT).parts)]
    return tuple(path for path in found if path.is_file())


def lines(pattern: re.Pattern[str]) -> list[str]:
    """Where the pattern is found, as "file:line"."""
    found = []
    for path in files():
        if path == Path(__file__):
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        if pattern.search(text):
            numbered = enumerate(text.splitlines(), 1)
            found += [f"{path.relative_to(ROOT)}:{number}" for number, line in numbered if pattern.search(line)]
    return found


def test_imports_go_one_way() -> None:
    # in a process of its own: it switches off every logger that it finds, which other tests listen to
    lint = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"
    command = [sys.executable, "-c", lint]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    assert lines(MACHINE_PATHS) == []


def test_no_file_names_a_package_index() -> None:
    assert lines(INDEX_HOSTS) == []


def test_files_stay_small() -> None:
    counts = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in files()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] != "tests"
    }
    assert {name: count for name, count in counts.items() if count > LONGEST} == {}


def test_every_package_is_one() -> None:
    # a folder without __init__.py is not found by import-linter, and not packed
    folders = {path.parent for path in files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in PACKAGES}
    assert [str(folder.relative_to(ROOT)) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []
