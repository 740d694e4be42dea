"""Looks the installation over and says what to mend. Nothing is changed, and no secret is read or shown."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from engine.core.clock import DAY, SECOND, Nanos, SystemClock, from_iso, to_iso
from engine.services.installed import libraries


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `ok` True is well, False must be mended, None is worth knowing. `remedy` says how, "" for none."""

    name: str
    ok: bool | None
    sentence: str
    remedy: str = ""


Check = Callable[[], Finding]

_BIRTH: Nanos = from_iso("2026-01-01")
_LEAST_SPACE, _GOOD_SPACE = 200_000_000, 2_000_000_000
_CONNECT_S = 2.0
_TRUSTED_KEYRINGS = ("SecretService", "libsecret", "kwallet", "macOS", "Windows")
"""Backends that keep secrets encrypted by the desktop; keyrings.alt, for one, falls back to plain text without a word."""


def diagnose(
    db_url: str, data_dir: Path, *, open_database: Callable[[str], object] | None = None, checks: Iterable[Check] = ()
) -> list[Finding]:
    """All findings, the program's own first and those of `checks` (the application's: display and the like) last.

    `open_database` opens, migrates where needed and closes the books at a URL, and raises when it cannot. A check that
    fails in itself becomes a finding; nothing is raised.
    """
    own: list[tuple[str, Check]] = [
        ("python", python),
        ("libraries", libraries_found),
        ("data folder", lambda: folder(data_dir)),
        ("disk space", lambda: space(data_dir)),
        ("database", lambda: database(db_url, open_database)),
        ("keyring", keyring),
        ("clock", lambda: clock(data_dir)),
        ("time zones", time_zones),
        ("kernel cache", kernel_cache),
    ]
    return [_guarded(name, check) for name, check in own] + [_guarded("check", check) for check in checks]


def healthy(findings: Iterable[Finding]) -> bool:
    """True when nothing must be mended."""
    return all(finding.ok is not False for finding in findings)


def _guarded(name: str, check: Check) -> Finding:
    try:
        return check()
    except Exception as error:
        return Finding(name, False, f"could not be looked at: {type(error).__name__}: {error}", "report this with the log")


def python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if (3, 11) <= sys.version_info < (3, 14):
        return Finding("python", True, f"Python {version} on {sys.platform}")
    return Finding("python", False, f"Python {version} is not one this program was tested with", "use Python 3.11 to 3.13")


def libraries_found() -> Finding:
    """The required libraries against the pins in use, without importing them."""
    found = libraries()
    if found.missing:
        return Finding("libraries", False, f"missing: {', '.join(found.missing)}", "uv sync")
    if found.differing:
        return Finding("libraries", None, f"other versions than tested: {', '.join(found.differing)}", "uv sync")
    return Finding("libraries", True, f"{found.count} libraries found" + (", all as pinned" if found.pinned else ""))


def folder(path: Path) -> Finding:
    """Whether files can be made in `path` (itself made when missing)."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return Finding("data folder", True, f"{path} can be written")
    except OSError as error:
        sentence = f"{path} cannot be written: {error.strerror or error}"
        return Finding("data folder", False, sentence, "set NICEGOLD_HOME to a folder you can write to")


def space(path: Path) -> Finding:
    """Free space where `path` is or would be."""
    place = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    free = shutil.disk_usage(place).free
    sentence = f"{free / 1e9:,.1f} GB free at {place}"
    if free >= _GOOD_SPACE:
        return Finding("disk space", True, sentence)
    return Finding("disk space", None if free >= _LEAST_SPACE else False, sentence, "free some space, or move the data folder")


def database(url: str, open_database: Callable[[str], object] | None) -> Finding:
    """Whether the server answers (PostgreSQL) and the books can be opened."""
    parts = urlsplit(url) if "://" in url else None
    shown = _without_password(url)
    if (
        parts is not None
        and parts.scheme.startswith("postgres")
        and parts.hostname
        and not _reachable(parts.hostname, parts.port or 5432)
    ):
        sentence = f"no PostgreSQL server answers at {parts.hostname}:{parts.port or 5432}"
        return Finding("database", False, sentence, "start the server, or name another database with --db")
    if open_database is None:
        return Finding("database", None, f"{shown} was not opened")
    try:
        open_database(url)
    except Exception as error:
        return Finding(
            "database", False, f"{shown}: {error}".replace(url, shown), "name another database with --db, or restore a backup"
        )
    return Finding("database", True, f"{shown} opens and can be written")


def _without_password(url: str) -> str:
    password = urlsplit(url).password if "://" in url else None
    return url.replace(f":{password}@", ":***@") if password else url


def _reachable(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), _CONNECT_S).close()
    except OSError:
        return False
    return True


def keyring() -> Finding:
    """Which keyring would hold broker credentials; none of them is opened."""
    from keyring import get_keyring

    chosen = get_keyring()
    backends = list(getattr(chosen, "backends", None) or [chosen])
    names = [type(backend).__module__ for backend in backends]
    if all(".fail" in name or ".null" in name for name in names):
        sentence = "there is none, so no broker credentials can be stored; paper trading needs none"
        return Finding("keyring", None, sentence, "install gnome-keyring or KWallet and log in to a desktop session")
    strange = [name for name in names if not any(f"keyring.backends.{trusted}" == name for trusted in _TRUSTED_KEYRINGS)]
    if strange:
        sentence = f"{', '.join(strange)} is not trusted with credentials: it may keep them readable to others"
        return Finding(
            "keyring", False, sentence, "uninstall it, or choose a backend of the desktop with `keyring --list-backends`"
        )
    return Finding("keyring", True, f"credentials go to {', '.join(name.rsplit('.', 1)[-1] for name in names)}")


_SYSTEM = SystemClock()
_OFFSET_AT_START = _SYSTEM.now() - _SYSTEM.monotonic()


def clock(data_dir: Path) -> Finding:
    """The system clock against the files' times, against the monotonic clock since the start, and its synchronisation."""
    now = _SYSTEM.now()
    latest = max((file.stat().st_mtime_ns for file in _witnesses(data_dir)), default=0)
    remedy = "set the system clock, and let it be synchronised (timedatectl set-ntp true)"
    if now < _BIRTH or now < latest - DAY:
        return Finding("clock", False, f"the system clock says {to_iso(now)}, but there are files from {to_iso(latest)}", remedy)
    drift = abs(now - _SYSTEM.monotonic() - _OFFSET_AT_START)
    if drift > 2 * SECOND:
        return Finding("clock", None, f"the system clock was moved by {drift / SECOND:.1f} s since the program started", remedy)
    if _unsynchronised():
        return Finding("clock", None, f"{to_iso(now)}, but nothing keeps the clock synchronised", remedy)
    return Finding("clock", True, f"{to_iso(now)}")


def _witnesses(data_dir: Path) -> list[Path]:
    """Files whose times must not lie in the future."""
    own = [file for file in data_dir.glob("*") if file.is_file()] if data_dir.is_dir() else []
    return [Path(__file__), *own]


def _unsynchronised() -> bool:
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
        return Finding("time zones", False, f"the zone database lacks {error}", "uv sync (it brings tzdata)")
    return Finding("time zones", True, f"zone database found; times are shown in {_local_zone()}")


def _local_zone() -> str:
    from datetime import UTC, datetime

    local = datetime.fromtimestamp(_SYSTEM.now() / SECOND, UTC).astimezone()
    return os.environ.get("TZ") or f"{local.tzname()} ({local.strftime('%z')})"


def kernel_cache() -> Finding:
    """Where compiled kernels are kept; without a lasting place every start compiles them anew."""
    from engine.core.cache import prepare_numba_cache

    path = prepare_numba_cache()
    finding = folder(path)
    if not finding.ok:
        return Finding("kernel cache", False, finding.sentence, "set NUMBA_CACHE_DIR to a folder you can write to")
    if Path(tempfile.gettempdir()) in path.parents:
        remedy = "make the cache folder writable, or set NUMBA_CACHE_DIR"
        return Finding("kernel cache", None, f"{path} is temporary: starts are slow after it is cleared", remedy)
    return Finding("kernel cache", True, f"{path} can be written")
