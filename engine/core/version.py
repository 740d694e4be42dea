"""The program's version. pyproject.toml is the one place that holds it, in a checkout and in a package."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def program_version(project: Path = PROJECT) -> str:
    """The version the file `project` states. OSError when it is not there, ValueError when it states none."""
    stated = re.search(r'^version = "([^"]+)"$', project.read_text(encoding="utf-8"), re.MULTILINE)
    if stated is None:
        raise ValueError(f"{project} states no version")
    return stated[1]
