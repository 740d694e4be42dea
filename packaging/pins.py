"""Refreshes the pins of pyproject.toml, direct and transitive, for all systems and Pythons it names; then runs the tests.

    uv run --no-project python packaging/pins.py          the newest direct libraries, and what they need
    uv run --no-project python packaging/pins.py --keep   the direct libraries stay; only what they need is refreshed

pyproject.toml is put back as it was when the tests fail. `--no-tests` leaves them out.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "pyproject.toml"
HELD = {"pyside6-essentials", "pyside6-qtads"}
"""QtAds names its Qt exactly, and PySide6 6.12.0 aborts Python 3.11: these two move together and by hand."""

EXPORT = (
    *("uv", "export", "--quiet", "--frozen", "--all-extras", "--all-groups", "--no-emit-project"),
    *("--no-hashes", "--no-annotate", "--no-header", "--format", "requirements-txt"),
)
PIN = re.compile(r'"(?P<name>[A-Za-z0-9._-]+)(?P<extra>\[[^]]*\])?==(?P<version>[^"; ]+)"')
EXPORTED = re.compile(r"(?P<name>[a-z0-9._-]+)==(?P<version>[^ ;]+)(?: ; (?P<marker>.+))?")
CONSTRAINTS = re.compile(r"^constraint-dependencies = \[\n.*?^\]\n", re.MULTILINE | re.DOTALL)


def main() -> int:
    options = _options()
    before = PROJECT.read_text(encoding="utf-8")
    after = refreshed(before, keep=options.keep)
    for line in changes(before, after):
        print(line)
    if after == before:
        print("all pins are up to date")
    PROJECT.write_text(after, encoding="utf-8", newline="\n")
    if options.no_tests or subprocess.run(["uv", "run", "pytest"], cwd=ROOT, check=False).returncode == 0:
        return 0
    PROJECT.write_text(before, encoding="utf-8", newline="\n")
    print("the tests fail with these pins; pyproject.toml is as it was", file=sys.stderr)
    return 1


def refreshed(project: str, *, keep: bool) -> str:
    """The text of pyproject.toml with new pins."""
    open_project = CONSTRAINTS.sub("", project)
    if not keep:
        open_project = PIN.sub(_loosened, open_project)
    found = resolve(open_project)
    versions = {name: version for name, version, marker in found if not marker}
    pinned = PIN.sub(lambda pin: _pinned(pin, versions), CONSTRAINTS.sub("", project))
    direct = {normal(pin["name"]) for pin in PIN.finditer(pinned)}
    lines = [_line(*row) for row in found if row[0] not in direct]
    block = "constraint-dependencies = [\n" + "".join(f"    {line},\n" for line in lines) + "]\n"
    return re.sub(r"^\[tool\.uv\]\n", lambda header: header[0] + block, pinned, count=1, flags=re.MULTILINE)


def resolve(project: str) -> list[tuple[str, str, str]]:
    """Name, version and marker of every library that a project with this pyproject.toml comes to, anywhere it may run."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "pyproject.toml").write_text(project, encoding="utf-8")
        (place / tomllib.loads(project)["project"]["readme"]).touch()
        subprocess.run(["uv", "lock", "--quiet"], cwd=place, check=True)
        told = subprocess.run(
            EXPORT,
            cwd=place,
            check=True,
            capture_output=True,
            text=True,
        )
    return [_parsed(line) for line in told.stdout.splitlines()]


def changes(before: str, after: str) -> list[str]:
    """The pins that differ, one line each."""
    old, new = (set(re.findall(r'^    ("[^"]+==[^"]+")', text, re.MULTILINE)) for text in (before, after))
    return [f"- {pin}" for pin in sorted(old - new)] + [f"+ {pin}" for pin in sorted(new - old)]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _parsed(line: str) -> tuple[str, str, str]:
    pin = EXPORTED.fullmatch(line)
    if pin is None:
        raise SystemExit(f"uv exported a line that is no plain pin, and pyproject.toml names no place: {line}")
    return pin["name"], pin["version"], pin["marker"] or ""


def _line(name: str, version: str, marker: str) -> str:
    return f'"{name}=={version}' + (f" ; {marker}" if marker else "") + '"'


def _loosened(pin: re.Match[str]) -> str:
    return pin[0] if normal(pin["name"]) in HELD else f'"{pin["name"]}{pin["extra"] or ""}"'


def _pinned(pin: re.Match[str], versions: dict[str, str]) -> str:
    name = normal(pin["name"])
    version = pin["version"] if name in HELD else versions.get(name, pin["version"])
    return f'"{pin["name"]}{pin["extra"] or ""}=={version}"'


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Refresh the pins of pyproject.toml and run the tests.")
    parser.add_argument("--keep", action="store_true", help="leave the direct pins, refresh the transitive ones")
    parser.add_argument("--no-tests", action="store_true", help="do not run the tests")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
