"""The .deb and the .run: what is in them, what they need, and that they come and go without a trace."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import debian
import freedesktop
import pytest
import selfextract
from build import Job

from app.preflight import PACKAGES

ROOT = Path(__file__).parents[2]
linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux' own packages")
needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed")


def fields(control: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in control.splitlines() if not line.startswith(" "))


@linux_only
def test_the_control_file_is_well_formed() -> None:
    text = debian.control("9.8.7", 2049, ["catboost"])
    about = fields(text)
    assert re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", about["Package"])
    assert re.fullmatch(r"[^<>]+ <[^@\s]+@[^@\s]+>", about["Maintainer"])
    assert (about["Version"], about["Installed-Size"]) == ("9.8.7", "3")
    assert len(about["Description"]) <= 80
    assert "catboost" in text
    assert text.endswith("\n")
    assert "\n\n" not in text


@linux_only
def test_every_package_that_is_needed_is_named_once() -> None:
    names = [line.split()[0] for line in fields(debian.control("1", 1, []))["Depends"].split(", ")]
    assert len(names) == len(set(names))
    assert set(PACKAGES.values()) <= set(names)
    assert {"libgomp1", "libstdc++6", "libc6"} <= set(names)


@pytest.mark.parametrize("place", [".ci/run", ".github/workflows/package.yml"])
def test_what_the_window_needs_is_installed_where_it_is_built_and_tested(place: str) -> None:
    words = set(re.findall(r"[a-z0-9][a-z0-9+.-]+", (ROOT / place).read_text("utf-8")))
    wayland = {name for name in PACKAGES.values() if "wayland" in name}
    assert set(PACKAGES.values()) - (wayland if place == ".ci/run" else set()) - words == set()


def test_the_menu_entry_starts_the_program_and_shows_its_icon() -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str
    entry.read(freedesktop.ENTRY, "utf-8")
    menu = entry["Desktop Entry"]
    assert (menu["Type"], menu["Exec"], menu["Icon"], menu["Terminal"]) == ("Application", "nicegold", "nicegold", "false")
    assert all(menu[name].endswith(";") for name in ("Categories", "Keywords"))


@pytest.mark.skipif(shutil.which("desktop-file-validate") is None, reason="desktop-file-validate is not installed")
def test_the_menu_entry_is_valid() -> None:
    done = subprocess.run(["desktop-file-validate", freedesktop.ENTRY], capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == ""


@linux_only
@needs_dpkg
def test_a_deb_holds_program_link_entry_and_icons_of_root(job: Job) -> None:
    listed = subprocess.run(["dpkg-deb", "--contents", debian.build(job)], capture_output=True, text=True, check=True).stdout
    rights = {line.split()[5]: (line.split()[0], line.split()[1]) for line in listed.splitlines()}
    assert rights["./usr/lib/nicegold/nicegold"] == ("-rwxr-xr-x", "root/root")
    assert rights["./usr/lib/nicegold/_internal/libpython3.11.so.1.0"] == ("-rw-r--r--", "root/root")
    assert "./usr/bin/nicegold -> ../lib/nicegold/nicegold" in listed
    assert {"./usr/share/applications/nicegold.desktop", "./usr/share/icons/hicolor/48x48/apps/nicegold.png"} <= set(rights)


@linux_only
@needs_dpkg
def test_a_deb_leaves_to_debian_what_it_depends_on(job: Job) -> None:
    listed = subprocess.run(["dpkg-deb", "--contents", debian.build(job)], capture_output=True, text=True, check=True).stdout
    assert "libxcb-cursor.so.0" not in listed


@linux_only
@needs_dpkg
@pytest.mark.parametrize("maker", [debian.build, selfextract.build], ids=["deb", "run"])
def test_the_same_program_gives_the_same_bytes(job: Job, maker: Callable[[Job], Path]) -> None:
    first = maker(job).read_bytes()
    os.utime(job.frozen / "nicegold", (1, 1))
    assert maker(replace(job, work=job.work / "again")).read_bytes() == first


@linux_only
def test_a_run_installs_for_one_user_and_leaves_nothing_but_what_was_there(job: Job, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".local/bin").mkdir(parents=True)
    (home / ".local/bin/other").touch()
    before = sorted(path for path in home.rglob("*") if path.is_file())
    file = selfextract.build(job)

    told = sh(home, file)
    assert told.stdout.startswith("NiceGold Terminal 9.8.7 is installed in ")
    assert sh(home, home / ".local/bin/nicegold").stdout == "it runs\n"
    entry = (home / ".local/share/applications/nicegold.desktop").read_text("utf-8")
    assert f'Exec="{home}/.local/opt/nicegold/nicegold"' in entry

    sh(home, home / ".local/opt/nicegold/uninstall")
    assert sorted(path for path in home.rglob("*") if path.is_file() or path.is_symlink()) == before


@linux_only
def test_a_run_installed_twice_is_the_newer_one(job: Job, tmp_path: Path) -> None:
    sh(tmp_path, selfextract.build(job), "--prefix", tmp_path / "programs")
    (job.frozen / "nicegold").write_text("#!/bin/sh\necho newer\n", "ascii")
    sh(tmp_path, selfextract.build(job), "--prefix", tmp_path / "programs")
    assert sh(tmp_path, tmp_path / ".local/bin/nicegold").stdout == "newer\n"
    assert [path.name for path in (tmp_path / "programs").iterdir()] == ["nicegold"]


@linux_only
def test_a_damaged_run_installs_nothing(job: Job, tmp_path: Path) -> None:
    file = selfextract.build(job)
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    done = sh(tmp_path, file, check=False)
    assert (done.returncode, done.stderr) == (1, "this file is damaged: download it again\n")
    assert not (tmp_path / ".local").exists()


@linux_only
def test_a_run_does_not_replace_a_folder_of_somebody_else(job: Job, tmp_path: Path) -> None:
    theirs = tmp_path / ".local/opt/nicegold/precious"
    theirs.mkdir(parents=True)
    done = sh(tmp_path, selfextract.build(job), check=False)
    assert done.returncode == 2
    assert "is not this program" in done.stderr
    assert theirs.exists()


def sh(home: Path, *words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """A shell script, run by a user with that home."""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    command = ["sh", *(str(word) for word in words)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=check, cwd=home)
