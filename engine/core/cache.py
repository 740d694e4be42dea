"""Where compiled numba kernels are kept, and how a kernel is declared.

Numba looks at the file of a cached function only: it does not notice a changed callee in another file. The cache folder
is therefore named by a hash of all sources that hold kernels, so that an edited rule is compiled anew for every caller.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

from engine.core.clock import DAY, SECOND, SystemClock
from engine.core.installation import is_frozen

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

_ENGINE = Path(__file__).resolve().parent.parent
_SOURCES = ("rules", "features", "backtest", "models", "market/synthetic")
_PREFIX = "numba-"
_KEEP = 30 * DAY


def prepare_numba_cache() -> Path:
    """Names the folder of compiled kernels in `NUMBA_CACHE_DIR` and returns it; call it before numba is imported.

    A folder given by the user in that variable wins. Where the user's cache folder cannot be written a temporary one
    is taken. Cheap to call again.
    """
    given = os.environ.get("NUMBA_CACHE_DIR", "")
    if given and not Path(given).name.startswith(_PREFIX):
        return Path(given)
    folder = _folder()
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    numba = sys.modules.get("numba")
    if numba is not None and hasattr(numba, "config"):
        numba.config.CACHE_DIR = str(folder)
    return folder


def kernel(function: Kernel) -> Kernel:
    """Compiles a float kernel on first use: cached, division by zero as in IEEE 754, GIL kept (for calls under a microsecond)."""
    return _compile(function)


def part(function: Kernel) -> Kernel:
    """A piece of a kernel, woven into every kernel that calls it; a call with an array costs more than most pieces do."""
    return _compile(function, forceinline=True)


def long_kernel(function: Kernel) -> Kernel:
    """Like `kernel`, but other threads run meanwhile; for loops over many bars."""
    return _compile(function, nogil=True)


def _compile(function: Kernel, *, nogil: bool = False, forceinline: bool = False) -> Kernel:
    prepare_numba_cache()
    from numba import njit

    return cast(Kernel, njit(function, cache=True, error_model="numpy", nogil=nogil, forceinline=forceinline))


@lru_cache(maxsize=1)
def _folder() -> Path:
    import platformdirs

    name = _PREFIX + source_hash(_ENGINE)
    for parent in (Path(platformdirs.user_cache_dir("nicegold", appauthor=False)), Path(tempfile.gettempdir()) / "nicegold"):
        folder = parent / name
        if _writable(folder):
            return folder
    return Path(tempfile.mkdtemp(prefix=_PREFIX))


def source_hash(engine: Path) -> str:
    """Sixteen hex digits over the names and bytes of all files with kernels below `engine`; the program's own where frozen."""
    digest = hashlib.sha256(sys.version.encode())
    files = [file for part in _SOURCES for file in sorted((engine / part).glob("*.py"))]
    for file in files:
        digest.update(f"{file.relative_to(engine).as_posix()}\0".encode())
        digest.update(file.read_bytes())
    if not files:
        program = Path(sys.executable).stat()
        digest.update(f"{program.st_size} {program.st_mtime_ns}".encode())
    elif is_frozen():  # numba stamps a package's kernels otherwise than a checkout's of the same sources
        digest.update(b"packaged")
    return digest.hexdigest()[:16]


def _remove_old(parent: Path) -> None:
    """Removes the folders of other sources that nothing was added to for a month."""
    for folder in parent.glob(_PREFIX + "*"):
        with suppress(OSError):
            if SystemClock().now() - round(folder.stat().st_mtime * SECOND) > _KEEP:
                shutil.rmtree(folder, ignore_errors=True)


def _writable(folder: Path) -> bool:
    try:
        if not folder.exists():
            _remove_old(folder.parent)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
