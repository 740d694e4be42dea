"""An X server without a screen, outside the chroot, so that nothing of X is installed in it; and what is seen there."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from chroot import URGENT

if TYPE_CHECKING:
    from PySide6.QtGui import QGuiApplication, QImage

SIZE = "1366x768x24"
PATIENCE_S = 120.0
_EVERY_S = 0.02
_FEWEST_COLOURS = 64
_SAMPLE = 8
"""Every eighth pixel each way is looked at when colours are counted."""


class Screen:
    """What an X server shows, seen by a client of its own. `display` is its DISPLAY."""

    def __init__(self, display: str, application: QGuiApplication) -> None:
        self.display = display
        self._screen = application.primaryScreen()

    def seconds_to_window(self, program: subprocess.Popen[str]) -> float:
        """Seconds until the program has painted something; RuntimeError when it ends first, TimeoutError when it does not."""
        begun = time.monotonic()
        with _urgently():
            while time.monotonic() - begun < PATIENCE_S:
                if program.poll() is not None:
                    raise RuntimeError(f"the program ended with {program.returncode} before it had a window")
                if _colours(self._image()) >= _FEWEST_COLOURS:
                    return time.monotonic() - begun
                time.sleep(_EVERY_S)
        raise TimeoutError(f"no window was painted within {PATIENCE_S:.0f} s")

    def clear(self) -> None:
        """Waits until nothing is shown any more; TimeoutError when something stays."""
        begun = time.monotonic()
        while _colours(self._image()) > 1:
            if time.monotonic() - begun > PATIENCE_S:
                raise TimeoutError("a window stays on the screen")
            time.sleep(_EVERY_S)

    def picture(self, file: Path, settle_s: float = 8.0) -> None:
        """The whole screen as a PNG, some seconds later: what a user sees after the start. OSError when it cannot be written."""
        time.sleep(settle_s)
        if not self._image().save(str(file)):
            raise OSError(f"{file} could not be written")

    def _image(self) -> QImage:
        return self._screen.grabWindow(0).toImage()


@contextmanager
def shown() -> Iterator[Screen]:
    """A running Xvfb that lets every local user in. It is reached by an abstract socket, so from a chroot too."""
    reading, writing = os.pipe()
    words = ["nice", "-n", URGENT, "Xvfb", "-displayfd", str(writing), "-screen", "0", SIZE]
    words += ["-ac", "-noreset", "-nolisten", "tcp"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(words, pass_fds=[writing], stdout=quiet, stderr=quiet, stdin=quiet) as process:
        os.close(writing)
        try:
            with os.fdopen(reading) as told:
                display = f":{told.readline().strip()}"
            with _client(display) as application:
                yield Screen(display, application)
        finally:
            process.terminate()


@contextmanager
def _client(display: str) -> Iterator[QGuiApplication]:
    """A connection to the display; it is closed before the server goes, which would take this process along."""
    from PySide6.QtGui import QGuiApplication

    os.environ["DISPLAY"] = display
    application = QGuiApplication(["verify", "-platform", "xcb"])
    try:
        yield application
    finally:
        application.shutdown()


@contextmanager
def _urgently() -> Iterator[None]:
    """On a busy machine a watcher that waits for its turn would see the window late."""
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, int(URGENT))
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, usual)


def _colours(image: QImage) -> int:
    rows, columns = range(0, image.height(), _SAMPLE), range(0, image.width(), _SAMPLE)
    return len({image.pixel(x, y) for y in rows for x in columns})
