"""`backroom new-vendor`: what it writes is a vendor like the others, from the first minute."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from commerce.errors import NotConfigured
from deployments.new_vendor import write_vendor

ROOT = Path(__file__).parents[2]
PARTS = ("commerce", "ledger", "integrations", "tasks", "flows", "deployments", "tests")
FILES = ("pyproject.toml", "stack.example.toml")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, in which something may be added."""
    copy = tmp_path_factory.mktemp("house")
    unwanted = shutil.ignore_patterns("__pycache__", ".hypothesis", "*.png")
    for part in PARTS:
        shutil.copytree(ROOT / part, copy / part, ignore=unwanted)
    for file in FILES:
        shutil.copy(ROOT / file, copy / file)
    return copy


def run(house: Path, *command: str) -> str:
    """Run a tool of the project in the copy; what it said. Fails when the tool does."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=house,
        capture_output=True,
        text=True,
        timeout=300,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(house), "HOME": str(house)},
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def python_files(house: Path) -> dict[str, bytes]:
    return {str(path.relative_to(house)): path.read_bytes() for path in house.rglob("*.py")}


@pytest.mark.parametrize(("name", "title"), [("acme", ""), ("zebra_with_long_name", "The Longest: Ä Name & Co")])
def test_a_new_vendor_is_one_like_the_others(house: Path, name: str, title: str) -> None:
    # given a checkout
    before = python_files(house)
    # when a vendor is added
    written = write_vendor(name, title, root=house)
    # then no existing file was touched
    assert {file: before[file] for file in before} == {file: python_files(house)[file] for file in before}
    assert all(file.exists() for file in written)
    # and its own tests, the suite of every connector, and the linters are content
    run(house, "pytest", "-q", f"tests/integrations/{name}", "-p", "no:cacheprovider")
    said = run(house, "pytest", "tests/integrations/test_connectors.py", "-v", "-k", name, "-p", "no:cacheprovider")
    assert " passed" in said
    run(house, "ruff", "check", "--no-cache", f"integrations/{name}", f"tests/integrations/{name}")


def test_a_new_vendors_types_and_imports_are_sound(house: Path) -> None:
    write_vendor("sound", root=house)
    run(house, "mypy", "--cache-dir", str(house / ".mypy"), "-p", "integrations.sound")
    imports = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    (house / "imports.py").write_text(imports, encoding="utf-8")
    run(house, "imports")


@pytest.mark.parametrize("name", ["", "Acme", "a", "9lives", "class", "a-b", "../acme", "shopify", "http", "x" * 21])
def test_a_name_that_cannot_be_one_is_refused_and_nothing_is_written(house: Path, name: str) -> None:
    before = sorted(house.rglob("*"))
    with pytest.raises(NotConfigured, match="NAME"):
        write_vendor(name, root=house)
    assert sorted(house.rglob("*")) == before


@pytest.mark.parametrize("title", ['"quoted"', "back\\slash", "{braces}", "two\nlines", "x" * 41])
def test_a_title_that_would_break_the_code_is_refused(house: Path, title: str) -> None:
    with pytest.raises(NotConfigured, match="--title"):
        write_vendor("fine", title, root=house)


def test_without_the_tests_there_is_nothing_to_add_to(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match="no tests"):
        write_vendor("acme", root=tmp_path)
