"""Looks the installation over and says what to mend. Nothing is changed, and no secret is read or shown."""

from __future__ import annotations

import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from engine.brokers.secrets import TRUSTED
from engine.core.installation import mending
from engine.services.finding import Check, Finding
from engine.services.installed import OPTIONAL, libraries, optional
from engine.services.timekeeping import clock, time_zones

__all__ = ["Check", "Finding", "diagnose", "healthy"]


_LEAST_SPACE, _GOOD_SPACE = 200_000_000, 2_000_000_000
_CONNECT_S = 2.0


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
        ("optional libraries", optional_libraries),
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
    except Exception as error:  # a check that fails in itself is something to report, and the others still have their say
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
        return Finding("libraries", False, f"missing: {', '.join(found.missing)}", mending())
    if found.differing:
        return Finding("libraries", None, f"other versions than tested: {', '.join(found.differing)}", mending())
    return Finding("libraries", True, f"{found.count} libraries found" + (", all as pinned" if found.pinned else ""))


def optional_libraries() -> Finding:
    """What the program can do without; that one is missing is no fault."""
    found, missing = optional()
    there = ", ".join(f"{name} {installed}" for name, installed in found.items()) or "none"
    if not missing:
        return Finding("optional libraries", True, f"{there} found")
    absent = "; ".join(f"{name} is not installed, which {OPTIONAL[name][1]} would need" for name in missing)
    return Finding("optional libraries", None, absent, "; ".join(mending(OPTIONAL[name][0]) for name in missing))


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
    hide = partial(_without, password=parts.password if parts else None)
    if parts is not None and parts.scheme.startswith("postgres") and parts.hostname:
        host, port = parts.hostname, parts.port or 5432
        if not _reachable(host, port):
            sentence = f"no PostgreSQL server answers at {host}:{port}"
            return Finding("database", False, sentence, "start the server, or name another database with --db")
    if open_database is None:
        return Finding("database", None, f"{hide(url)} was not opened")
    try:
        open_database(url)
    except Exception as error:  # each driver has its own; the doctor tells whatever stands in the way
        return Finding("database", False, hide(f"{url}: {error}"), "name another database with --db, or restore a backup")
    return Finding("database", True, f"{hide(url)} opens and is up to date")


def _without(text: str, password: str | None) -> str:
    return text.replace(password, "***") if password else text


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
    strange = [name for name in names if not any(f"keyring.backends.{trusted}" == name for trusted in TRUSTED)]
    if strange:
        sentence = f"{', '.join(strange)} is not trusted with credentials: it may keep them readable to others"
        return Finding(
            "keyring", False, sentence, "uninstall it, or choose a backend of the desktop with `keyring --list-backends`"
        )
    return Finding("keyring", True, f"credentials go to {', '.join(name.rsplit('.', 1)[-1] for name in names)}")


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
