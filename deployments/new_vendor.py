"""`backroom new-vendor`: the skeleton of a vendor folder with its tests, green from the first minute."""

from __future__ import annotations

import keyword
import re
import subprocess
import sys
from pathlib import Path
from string import Template

import integrations
from commerce.errors import NotConfigured

SKELETON = Path(__file__).parent / "skeleton"
TITLE = re.compile(r"\A[^\"'{}\\\x00-\x1f\x7f]{1,40}\Z")
NAME = re.compile(r"^[a-z][a-z0-9_]{1,19}$")


def write_vendor(name: str, title: str = "", root: Path | None = None) -> list[Path]:
    """Write `integrations/<name>` and `tests/integrations/<name>` below `root` (this checkout); what was written.

    Nothing that exists is touched. Raises NotConfigured for a name that cannot be one, or is taken.
    """
    house = root or Path(integrations.__file__).parents[1]
    places = {"vendor": house / "integrations" / name, "tests": house / "tests" / "integrations" / name}
    refuse_bad_name(name, house, list(places.values()))
    called = title or name.replace("_", " ").title()
    if not TITLE.match(called):  # it goes into strings and docstrings
        raise NotConfigured(
            "--title", "has 1 to 40 characters on one line, none of them a quote, a brace or a backslash"
        )
    words = {"vendor": name, "Vendor": class_name(name), "title": called, "host": name.replace("_", "-")}
    written = []
    for part, place in places.items():
        place.mkdir(parents=True)
        for template in sorted((SKELETON / part).glob("*.tmpl")):
            file = place / template.name.removesuffix(".tmpl")
            file.write_text(Template(template.read_text(encoding="utf-8")).substitute(words), encoding="utf-8")
            written.append(file)
    tidy([file for file in written if file.suffix == ".py"], house)
    return written


def tidy(files: list[Path], house: Path) -> None:
    """Lines and imports as the linter wants them: both depend on how long the name is and where it sorts."""
    for work in (("check", "--quiet", "--fix", "--select", "I"), ("format", "--quiet")):
        command = [sys.executable, "-m", "ruff", *work, "--no-cache", *map(str, files)]
        subprocess.run(command, cwd=house, check=False)  # noqa: S603  only a convenience; `make check` says the same


def refuse_bad_name(name: str, house: Path, places: list[Path]) -> None:
    """Raise NotConfigured unless a vendor may have this name."""
    if not NAME.match(name) or keyword.iskeyword(name):
        raise NotConfigured(
            "NAME", f"{name!r} is no name of a vendor folder: 2 to 20 of a-z, 0-9 and _, a letter first"
        )
    if not (house / "tests" / "integrations").is_dir():
        raise NotConfigured("NAME", f"there are no tests in {house}", hint="run it in a checkout of backroom")
    for place in (*places, house / "integrations" / f"{name}.py"):
        if place.exists():
            raise NotConfigured("NAME", f"{name!r} is taken: there is {place}")


def class_name(name: str) -> str:
    """ "help_scout" is HelpScout."""
    return "".join(part.capitalize() for part in name.split("_"))
