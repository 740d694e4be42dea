"""A mutant in a copy of the checkout, and the tests that are to notice it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutants import Mutant

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("engine", "tests", "resources", "app", "widgets", "main.py", "pyproject.toml")
LIMIT_S = 180
RED, GREEN = 1, 0


@dataclass(frozen=True, slots=True)
class Trial:
    """`outcome` is killed, survived or error; `by` the test that failed, or what pytest said."""

    name: str
    outcome: str
    by: str
    seconds: float


def faults(mutants: Sequence[Mutant], root: Path = ROOT) -> list[str]:
    """What is wrong with the list itself: a text that does not stand exactly once, a test that is not there."""
    found = []
    for mutant in mutants:
        count = (root / mutant.file).read_text("utf-8").count(mutant.old)
        if count != 1:
            found.append(f"{mutant.name}: its text stands {count} times in {mutant.file}")
        for node in mutant.nodes:
            path, _, test = node.partition("::")
            place = root / path
            if not place.exists() or (test and f"def {test.partition('[')[0]}(" not in place.read_text("utf-8")):
                found.append(f"{mutant.name}: there is no test {node}")
    return found


def copied(to: Path) -> Path:
    """A copy of the checkout in which mutants may live."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, to / name)
    return to


def tried(mutant: Mutant, place: Path) -> Trial:
    """Puts the mutant in, runs its tests, and takes it out again."""
    file = place / mutant.file
    whole = file.read_text("utf-8")
    file.write_text(whole.replace(mutant.old, mutant.new), "utf-8")
    begun = time.monotonic()
    try:
        code, by = run(mutant.nodes, place)
    finally:
        file.write_text(whole, "utf-8")
    outcome = {RED: "killed", GREEN: "survived"}.get(code, "error")
    return Trial(mutant.name, outcome, by, round(time.monotonic() - begun, 1))


def run(nodes: Sequence[str], place: Path, limit_s: float = LIMIT_S) -> tuple[int, str]:
    """pytest's exit code, and the first test that failed or the end of what was said. A run that hangs is a red one."""
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--no-header", *nodes]
    surroundings = {**os.environ, "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ended = subprocess.run(command, cwd=place, env=surroundings, capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        return RED, f"no end within {limit_s:g} s"
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", ended.stdout, re.MULTILINE)
    said = (ended.stdout + ended.stderr).strip().splitlines()
    return ended.returncode, failed[1] if failed else (said[-1] if said else "")
