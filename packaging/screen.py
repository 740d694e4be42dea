"""An X server without a screen, outside the chroot, so that nothing of X is installed in it; and what is seen there."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chroot import URGENT

SIZE = "1366x768x24"
PATIENCE_S = 60.0
_EVERY_S = 0.05
_FEWEST_COLOURS = 16


@contextmanager
def server() -> Iterator[str]:
    """A running Xvfb that lets every local user in; its DISPLAY. It is reached by an abstract socket, so from a chroot too."""
    reading, writing = os.pipe()
    words = [
        "nice",
        "-n",
        URGENT,
        "Xvfb",
        "-displayfd",
        str(writing),
        "-screen",
        "0",
        SIZE,
        "-ac",
        "-noreset",
        "-nolisten",
        "tcp",
    ]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(words, pass_fds=[writing], stdout=quiet, stderr=quiet, stdin=quiet) as process:
        os.close(writing)
        try:
            with os.fdopen(reading) as told:
                yield f":{told.readline().strip()}"
        finally:
            process.terminate()


def seconds_to_window(display: str, title: str, program: subprocess.Popen[str]) -> float:
    """Seconds until a window of that title is painted; RuntimeError when the program ends first, TimeoutError in the end."""
    begun = time.monotonic()
    search = ["xdotool", "search", "--onlyvisible", "--name", title]
    while time.monotonic() - begun < PATIENCE_S:
        if program.poll() is not None:
            raise RuntimeError(f"the program ended with {program.returncode} before it had a window")
        found = _ask(display, search).split()
        if found and _colours(display, found[0]) >= _FEWEST_COLOURS:
            return time.monotonic() - begun
        time.sleep(_EVERY_S)
    raise TimeoutError(f"no window called {title} within {PATIENCE_S:.0f} s")


def _colours(display: str, window: str) -> int:
    """How many colours are in a window; none of it is kept."""
    told = _ask(display, ["import", "-silent", "-window", window, "-resize", "25%", "-format", "%k", "info:-"]).strip()
    return int(told) if told.isdigit() else 0


def picture(display: str, file: Path, settle_s: float = 8.0) -> None:
    """The whole screen as a PNG, some seconds later: what a user sees after the start. RuntimeError when there is none."""
    time.sleep(settle_s)
    file.unlink(missing_ok=True)
    _ask(display, ["import", "-silent", "-window", "root", str(file)])
    if not file.exists():
        raise RuntimeError(f"no picture could be taken of the display {display}")


def _ask(display: str, words: list[str]) -> str:
    environment = os.environ | {"DISPLAY": display}
    return subprocess.run(words, capture_output=True, text=True, check=False, env=environment).stdout
