"""Which libraries are installed, against the versions this program pins; nothing is imported to find out."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

MODULES = {
    "PySide6-Essentials": "PySide6",
    "PySide6-QtAds": "PySide6QtAds",
    "qasync": "qasync",
    "qtawesome": "qtawesome",
    "numpy": "numpy",
    "numba": "numba",
    "lightgbm": "lightgbm",
    "SQLAlchemy": "sqlalchemy",
    "alembic": "alembic",
    "psycopg": "psycopg",
    "pydantic": "pydantic",
    "structlog": "structlog",
    "cryptography": "cryptography",
    "keyring": "keyring",
    "platformdirs": "platformdirs",
    "typer": "typer",
    "rich": "rich",
    "tzdata": "tzdata",
    "exchange-calendars": "exchange_calendars",
    "ib_async": "ib_async",
    "ccxt": "ccxt",
    "aiohttp": "aiohttp",
}
"""Distributions and the module by which each is imported."""

OPTIONAL = {
    "catboost": ("catboost", "the learner catboost"),
    "pyarrow": ("parquet", "Parquet files"),
}
"""Distributions the program can do without: the extra that installs each, and what it is for."""

_PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


@dataclass(frozen=True, slots=True)
class Libraries:
    """`missing` names, `differing` as "name installed (pinned)"; `pinned` is False where the pins are not at hand."""

    count: int
    missing: tuple[str, ...]
    differing: tuple[str, ...]
    pinned: bool


def libraries(modules: Mapping[str, str] = MODULES, project: Path = _PROJECT) -> Libraries:
    """What is installed of `modules`, compared with the pins in the file `project` where it is there."""
    pins = pinned_versions(project)
    missing = tuple(name for name, module in modules.items() if find_spec(module) is None)
    differing = tuple(
        f"{name} {installed} ({pins[name]})"
        for name in modules
        if name in pins and (installed := _installed(name)) is not None and installed != pins[name]
    )
    return Libraries(len(modules), missing, differing, bool(pins))


def optional() -> tuple[dict[str, str], list[str]]:
    """Versions of the optional libraries that are installed, and the names of those that are not."""
    found = {name: installed for name in OPTIONAL if (installed := _installed(name)) is not None}
    return found, [name for name in OPTIONAL if name not in found]


def pinned_versions(project: Path) -> dict[str, str]:
    """The exact versions the project asks for, by distribution; empty where the file is not there (a frozen program)."""
    if not project.is_file():
        return {}
    asked = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]
    matches = (re.fullmatch(r"([\w.-]+)(?:\[.*\])?==([^;\s]+)\s*(?:;.*)?", line) for line in asked)
    return {match[1]: match[2] for match in matches if match}


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
