"""What kind of installation this is: a checkout with an environment beside it, or a package without."""

from __future__ import annotations

import sys


def is_frozen() -> bool:
    """True in the packaged program, False in a checkout."""
    return bool(getattr(sys, "frozen", False))


def mending(extra: str = "") -> str:
    """What brings a library that is missing or of another version than it should be; an optional one comes with an `extra`."""
    if is_frozen():
        return f"install the package of NiceGold Terminal {'that holds it' if extra else 'again'}"
    return f"uv sync --extra {extra}" if extra else "uv sync"
