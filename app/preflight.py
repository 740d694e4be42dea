"""A look before Qt does: without a display or a system library it aborts the process, and Python cannot catch that.

Nothing here imports Qt. Only Linux needs it; elsewhere the wheels bring all they need.
"""

from __future__ import annotations

import ctypes
import os
import re
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.services.finding import Finding

Loader = Callable[[str], object]

_GUI = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libbrotlidec.so.1": "libbrotli1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libzstd.so.1": "libzstd1",
}
"""Libraries that QtCore, QtGui, QtWidgets and (for the docks) QtNetwork need and the wheel does not hold, with their packages."""

_XCB = {
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb.so.1": "libxcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
_WAYLAND = {"libwayland-client.so.0": "libwayland-client0", "libwayland-cursor.so.0": "libwayland-cursor0"}
PACKAGES = {**_GUI, **_XCB, **_WAYLAND}

_NEEDS_DISPLAY = {"xcb": _XCB, "wayland": _WAYLAND, "wayland-egl": _WAYLAND}
_CONNECT_S = 2.0


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a window cannot be opened: `reason` is a clause; `missing` names libraries, if that is why."""

    reason: str
    missing: tuple[str, ...] = ()

    @property
    def packages(self) -> tuple[str, ...]:
        """The Debian packages that hold what is missing, each once."""
        return tuple(sorted({PACKAGES[library] for library in self.missing}))

    @property
    def remedy(self) -> str:
        if self.missing:
            return f"apt install {' '.join(self.packages)}"
        return "start it from a desktop session, or go on without a window by --headless"

    @property
    def sentence(self) -> str:
        if self.missing:
            return f"No window: {self.reason} ({', '.join(self.missing)}). On Debian and Ubuntu: {self.remedy}"
        return f"No window: {self.reason}."


def qt_problem(
    platform: str | None = None,
    *,
    system: str = sys.platform,
    environment: Mapping[str, str] = os.environ,
    load: Loader = ctypes.CDLL,
) -> Problem | None:
    """What would keep Qt from opening a window on `platform` (default: the one it would choose itself); None when nothing would.

    Connects to the display server and leaves it again, waiting two seconds at most for it to take the connection.
    """
    if not system.startswith("linux"):
        return None
    missing = _missing(_GUI, load)
    if missing:
        return Problem("Qt lacks system libraries", missing + _missing(_chosen_libraries(platform, environment), load))
    problems = []
    for name in _candidates(platform, environment):
        problem = _plugin_problem(name, environment, load)
        if problem is None:
            return None
        problems.append(problem)
    return next((problem for problem in problems if problem.missing), problems[-1])


def display_finding() -> Finding:
    """The display as the doctor reports it: a missing display is no fault, missing libraries are."""
    problem = qt_problem()
    if problem is None:
        return Finding("display", True, "a window can be opened")
    return Finding("display", False if problem.missing else None, problem.sentence, problem.remedy)


def _candidates(platform: str | None, environment: Mapping[str, str]) -> list[str]:
    """Platform plugins in the order in which Qt tries them."""
    wish = platform or environment.get("QT_QPA_PLATFORM", "")
    if wish:
        return [name.split(":")[0].strip() for name in wish.split(";") if name.strip()]
    return ["wayland", "xcb"] if environment.get("WAYLAND_DISPLAY") else ["xcb"]


def _chosen_libraries(platform: str | None, environment: Mapping[str, str]) -> dict[str, str]:
    return _NEEDS_DISPLAY.get(_candidates(platform, environment)[-1], {})


def _plugin_problem(name: str, environment: Mapping[str, str], load: Loader) -> Problem | None:
    libraries = _NEEDS_DISPLAY.get(name)
    if libraries is None:
        return None  # offscreen, minimal, vnc and the like need no display
    reason = _wayland_reason(environment) if name.startswith("wayland") else _x11_reason(environment)
    if reason:
        return Problem(reason)
    missing = _missing(libraries, load)
    if missing:
        return Problem(f"Qt's {name} platform lacks system libraries", missing)
    if name == "xcb" and not _x11_lets_in(environment["DISPLAY"], load):
        return Problem(f"the display {environment['DISPLAY']} does not let this user in (see xauth)")
    return None


def _missing(libraries: Mapping[str, str], load: Loader) -> tuple[str, ...]:
    return tuple(library for library in libraries if not _loads(library, load))


def _loads(library: str, load: Loader) -> bool:
    try:
        load(library)
    except OSError:
        return False
    return True


def _wayland_reason(environment: Mapping[str, str]) -> str:
    name = environment.get("WAYLAND_DISPLAY") or "wayland-0"
    path = os.path.join(environment.get("XDG_RUNTIME_DIR", ""), name)
    return "" if _answers(socket.AF_UNIX, path) else f"there is no Wayland server at {path}"


def _x11_reason(environment: Mapping[str, str]) -> str:
    display = environment.get("DISPLAY", "")
    if not display:
        return "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    match = re.fullmatch(r"(?:\w+/)?(?P<host>[^:]*|\[.*\]):(?P<number>\d+)(?:\.\d+)?", display)
    if match is None:
        return f"DISPLAY={display} is not the name of a display (such as :0)"
    host, number = match["host"].strip("[]"), int(match["number"])
    if host in ("", "unix"):
        path = f"/tmp/.X11-unix/X{number}"
        found = _answers(socket.AF_UNIX, "\0" + path) or _answers(socket.AF_UNIX, path)
    else:
        found = _answers(socket.AF_INET, (host, 6000 + number))
    return "" if found else f"nothing answers at the display {display}"


def _answers(family: int, address: str | tuple[str, int]) -> bool:
    try:
        if isinstance(address, tuple):
            socket.create_connection(address, _CONNECT_S).close()
            return True
        with socket.socket(family) as link:
            link.settimeout(_CONNECT_S)
            link.connect(address)
    except (OSError, UnicodeError):
        return False
    return True


def _x11_lets_in(display: str, load: Loader) -> bool:
    """Whether the X server takes us as it would take Qt: it may want a cookie that this user does not have."""
    library = load("libxcb.so.1")
    if not isinstance(library, ctypes.CDLL):
        return True
    library.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(library.xcb_connect(display.encode(), None))
    refused = library.xcb_connection_has_error(connection)
    library.xcb_disconnect(connection)
    return not refused
