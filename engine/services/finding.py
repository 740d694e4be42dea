"""What the doctor says about one thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `ok` True is well, False must be mended, None is worth knowing. `remedy` says how, "" for none."""

    name: str
    ok: bool | None
    sentence: str
    remedy: str = ""


Check = Callable[[], Finding]
