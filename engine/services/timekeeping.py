"""The doctor's look at clocks and time zones."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from engine.core.clock import DAY, SECOND, Nanos, SystemClock, from_iso, to_iso
from engine.core.installation import is_frozen, mending
from engine.services.finding import Finding

_BIRTH: Nanos = from_iso("2026-01-01")
_REMEDY = "set the system clock, and let it be synchronised (timedatectl set-ntp true)"
_MOST_DRIFT: Nanos = 2 * SECOND
_SYSTEM = SystemClock()
_OFFSET_AT_START = _SYSTEM.now() - _SYSTEM.monotonic()


_LOOKS = 5
"""The two clocks are read one after the other; the least of several differences is the one nothing came between."""


def clock(data_dir: Path, system: SystemClock = _SYSTEM, unsynchronised: Callable[[], bool] | None = None) -> Finding:
    """The system clock against the files' times, against the monotonic clock since the start, and its synchronisation."""
    now = system.now()
    latest = max((file.stat().st_mtime_ns for file in _witnesses(data_dir)), default=0)
    if now < _BIRTH or now < latest - DAY:
        return Finding("clock", False, f"the system clock says {to_iso(now)}, but there are files from {to_iso(latest)}", _REMEDY)
    drift = min(abs(system.now() - system.monotonic() - _OFFSET_AT_START) for _ in range(_LOOKS))
    if drift > _MOST_DRIFT:
        return Finding("clock", None, f"the system clock was moved by {drift / SECOND:.1f} s since the program started", _REMEDY)
    if (unsynchronised or kernel_unsynchronised)():
        return Finding("clock", None, f"{to_iso(now)}, but nothing keeps the clock synchronised", _REMEDY)
    return Finding("clock", True, f"{to_iso(now)}")


def _witnesses(data_dir: Path) -> list[Path]:
    """Files whose times must not lie in the future."""
    own = data_dir.glob("*") if data_dir.is_dir() else ()
    return [file for file in (Path(sys.executable if is_frozen() else __file__), *own) if file.is_file()]


def kernel_unsynchronised() -> bool:
    """What the Linux kernel says of its clock (adjtimex, asked without changing anything); False where it cannot be asked."""
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    try:
        ask = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return False
    time_error = 5
    return bool(ask(ctypes.create_string_buffer(512)) == time_error)


def time_zones() -> Finding:
    """Whether the zones that trading days are counted in are known, and which zone the user is in."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        for zone in ("America/New_York", "Europe/London", "EET"):
            ZoneInfo(zone)
    except ZoneInfoNotFoundError as error:
        return Finding("time zones", False, f"the zone database lacks {error}", f"{mending()} (it brings tzdata)")
    return Finding("time zones", True, f"zone database found; times are shown in {_local_zone()}")


def _local_zone() -> str:
    from datetime import UTC, datetime

    local = datetime.fromtimestamp(_SYSTEM.now() / SECOND, UTC).astimezone()
    return os.environ.get("TZ") or f"{local.tzname()} ({local.strftime('%z')})"
