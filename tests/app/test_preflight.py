"""The look before Qt does."""

import ctypes
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.preflight import PACKAGES, Problem, display_finding, qt_problem

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux needs the look")


def lacking(*missing: str) -> Callable[[str], object]:
    """A loader on a machine without the libraries `missing`."""

    def load(name: str) -> object:
        if name in missing:
            raise OSError(f"{name}: cannot open shared object file")
        return object()

    return load


def problem(environment: dict[str, str], platform: str | None = None, missing: tuple[str, ...] = ()) -> Problem | None:
    return qt_problem(platform, system="linux", environment=environment, load=lacking(*missing))


@pytest.fixture
def wayland(tmp_path):
    """The environment of a session with a Wayland server."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "w-0"))
        server.listen()
        yield {"WAYLAND_DISPLAY": "w-0", "XDG_RUNTIME_DIR": str(tmp_path)}


@pytest.fixture
def x11_over_tcp():
    """The environment of a session with an X server on another machine (this one, by TCP)."""
    with socket.socket() as server:
        for number in range(400, 500):
            try:
                server.bind(("127.0.0.1", 6000 + number))
                break
            except OSError:
                continue
        server.listen()
        yield {"DISPLAY": f"127.0.0.1:{number}.0"}


def test_without_a_display_there_is_no_window():
    found = problem({})
    assert found is not None
    assert found.sentence == "No window: there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)."


@pytest.mark.parametrize("wish", ["offscreen", "minimal", "offscreen:size=1366x768"])
def test_platforms_that_draw_nowhere_need_no_display(wish):
    assert problem({}, wish) is None
    assert problem({"QT_QPA_PLATFORM": wish}) is None


def test_systems_other_than_linux_are_left_alone():
    assert qt_problem(system="win32", environment={}, load=lacking(*PACKAGES)) is None
    assert qt_problem(system="darwin", environment={}, load=lacking(*PACKAGES)) is None


def test_missing_graphics_libraries_are_named_with_their_packages_even_without_a_display():
    found = problem({}, "offscreen", ("libEGL.so.1", "libgthread-2.0.so.0", "libglib-2.0.so.0"))
    assert found is not None
    assert found.packages == ("libegl1", "libglib2.0-0")
    assert found.sentence.endswith(
        "(libEGL.so.1, libglib-2.0.so.0, libgthread-2.0.so.0). On Debian and Ubuntu: apt install libegl1 libglib2.0-0"
    )


def test_missing_libraries_of_the_x11_platform_are_named_with_their_packages(x11_over_tcp):
    found = problem(x11_over_tcp, missing=("libxcb-cursor.so.0", "libxkbcommon-x11.so.0"))
    assert found is not None
    assert found.remedy == "apt install libxcb-cursor0 libxkbcommon-x11-0"
    assert "Qt's xcb platform lacks" in found.sentence


def test_one_command_names_everything_that_is_missing(x11_over_tcp):
    found = problem(x11_over_tcp, missing=("libGL.so.1", "libxcb-icccm.so.4"))
    assert found is not None
    assert found.packages == ("libgl1", "libxcb-icccm4")


def test_an_x_server_that_answers_is_enough(x11_over_tcp):
    assert problem(x11_over_tcp) is None


@pytest.mark.parametrize("display", [":987", "unix:987", "127.0.0.1:987"])
def test_a_display_at_which_nothing_answers_is_no_display(display):
    found = problem({"DISPLAY": display})
    assert found is not None
    assert found.sentence == f"No window: nothing answers at the display {display}."


def test_a_display_that_is_no_name_is_shown():
    found = problem({"DISPLAY": "screen one"})
    assert found is not None
    assert "DISPLAY=screen one is not the name of a display" in found.sentence


def test_a_wayland_server_is_enough(wayland):
    assert problem(wayland) is None


def test_x11_steps_in_where_wayland_lacks_a_library(wayland, x11_over_tcp):
    missing = ("libwayland-cursor.so.0",)
    assert problem({**wayland, **x11_over_tcp}, missing=missing) is None
    alone = problem(wayland, missing=missing)
    assert alone is not None
    assert alone.packages == ("libwayland-cursor0",)


def test_a_wayland_display_without_a_server_is_no_display(tmp_path):
    found = problem({"WAYLAND_DISPLAY": "w-1", "XDG_RUNTIME_DIR": str(tmp_path)}, "wayland")
    assert found is not None
    assert "no Wayland server" in found.sentence


def test_the_doctor_is_told_that_a_missing_display_is_no_fault(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert display_finding().ok is not True
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert display_finding().name == "display"


@linux_only
def test_the_libraries_named_are_those_that_qt_needs_from_the_system():
    import PySide6

    objdump = shutil.which("objdump")
    if objdump is None:
        pytest.skip("objdump (binutils) is not installed; it reads what a library needs")
    qt = Path(PySide6.__file__).parent / "Qt"
    files = [qt / "lib" / f"libQt6{name}.so.6" for name in ("Core", "Gui", "Widgets", "DBus", "XcbQpa", "WaylandClient")]
    files += [qt / "plugins" / "platforms" / name for name in ("libqxcb.so", "libqoffscreen.so", "libqwayland.so")]
    said = subprocess.run([objdump, "-p", *map(str, files)], capture_output=True, text=True, check=True).stdout
    needed = {line.split()[1] for line in said.splitlines() if "NEEDED" in line}
    bundled = {file.name for file in (qt / "lib").iterdir()}
    always_there = {"libstdc++.so.6", "libm.so.6", "libgcc_s.so.1", "libc.so.6", "ld-linux-x86-64.so.2", "libz.so.1"}
    assert needed - bundled - always_there <= set(PACKAGES)


@linux_only
def test_an_x_server_that_wants_a_cookie_we_lack_is_seen_before_qt_aborts():
    try:
        ctypes.CDLL("libxcb.so.1")
    except OSError:
        pytest.skip("libxcb is not installed")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        number = server.getsockname()[1] - 6000
        server.listen()
        code = (
            "import sys; from app.preflight import qt_problem; "
            "found = qt_problem('xcb', load=lambda name: __import__('ctypes').CDLL('libxcb.so.1')); "
            "print(found.sentence if found else 'a window'); sys.exit('PySide6' in sys.modules)"
        )
        environment = {**os.environ, "DISPLAY": f"127.0.0.1:{number}"}
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
        server.accept()[0].close()  # the look whether anybody answers
        link = server.accept()[0]
        link.recv(4096)
        reason = b"No protocol specified\0\0\0"
        link.sendall(bytes([0, 21, 11, 0, 0, 0, 6, 0]) + reason)  # setup failed, protocol 11.0, six words follow
        link.close()
        said, _ = child.communicate(timeout=60)
    assert child.returncode == 0
    assert "does not let this user in" in said


def test_importing_the_look_does_not_import_qt():
    code = "import sys, app.preflight; sys.exit('PySide6' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
