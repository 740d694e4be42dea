"""What the window remembers from one start to the next: a small JSON file in the user's data directory."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from app.paths import data_dir

FILE = "window.json"


class Memory:
    """One section of the file, read once and written whole at each change."""

    def __init__(self, path: Path, section: str) -> None:
        self._path = path
        self._section = section
        self._values: dict[str, Any] = _read(path).get(section, {})

    def get(self, name: str, default: Any = None) -> Any:
        return self._values.get(name, default)

    def set(self, name: str, value: Any) -> None:
        """Remembers a JSON value."""
        self._values[name] = value
        everything = _read(self._path) | {self._section: self._values}
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(everything, indent=1), "utf-8")
        os.replace(fresh, self._path)

    def forget(self) -> None:
        """Back to the defaults."""
        for name in list(self._values):
            del self._values[name]
        fresh = {name: values for name, values in _read(self._path).items() if name != self._section}
        self._path.write_text(json.dumps(fresh, indent=1), "utf-8")


def _read(path: Path) -> dict[str, Any]:
    """The file's content; nothing where it is missing or was damaged, for a layout is not worth a failed start."""
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


@cache
def _memory(path: Path, section: str) -> Memory:
    return Memory(path, section)


def remembered(section: str) -> Memory:
    """The memory called `section`. NICEGOLD_WINDOW_MEMORY names another folder for it (screenshots, tests)."""
    other = os.environ.get("NICEGOLD_WINDOW_MEMORY")
    return _memory((Path(other) if other else data_dir()) / FILE, section)
