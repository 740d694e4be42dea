"""The .deb: the frozen program in /usr/lib, a link in /usr/bin, menu entry and icons, and what it depends on."""

from __future__ import annotations

import gzip
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from freedesktop import write_share
from payload import ROOT, project

sys.path.insert(0, str(ROOT))
from app.preflight import PACKAGES

if TYPE_CHECKING:
    from build import Job

HOME = "usr/lib/nicegold"
OTHERS = {
    "libgomp.so.1": "libgomp1",
    "libstdc++.so.6": "libstdc++6",
    "libgcc_s.so.1": "libgcc-s1",
    "libz.so.1": "zlib1g",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libexpat.so.1": "libexpat1",
    "libuuid.so.1": "libuuid1",
    "liblzma.so.5": "liblzma5",
}
"""Libraries beside those of the window (app.preflight) that Debian brings, with their packages."""

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
MAINTAINER = "The NiceGold Terminal authors <authors@nicegold.invalid>"


def depends() -> list[str]:
    """The packages the program needs, sorted; libc6 at least as new as the one it was built with."""
    libc = os.confstr("CS_GNU_LIBC_VERSION") or "glibc 2.36"
    return sorted({*PACKAGES.values(), *OTHERS.values(), f"libc6 (>= {libc.split()[1]})"})


def architecture() -> str:
    return ARCHITECTURES[platform.machine()]


def file_name(version: str) -> str:
    return f"{package()}_{version}_{architecture()}.deb"


def package() -> str:
    return str(project()["project"]["name"])


def control(version: str, installed_bytes: int, parts: list[str]) -> str:
    """The text of DEBIAN/control; `parts` are the components that are in."""
    about = str(project()["project"]["description"])
    held = f"Components in this package: {', '.join(parts)}." if parts else "No optional component is in this package."
    told = [about, "It trades on paper, on recorded gold or on a built-in simulated market; it needs no account and no network."]
    fields = {
        "Package": package(),
        "Version": version,
        "Architecture": architecture(),
        "Maintainer": MAINTAINER,
        "Installed-Size": str(-(-installed_bytes // 1024)),
        "Depends": ", ".join(depends()),
        "Suggests": "gnome-keyring, postgresql",
        "Section": "misc",
        "Priority": "optional",
        "Description": about.partition(":")[0],
    }
    body = [*textwrap.wrap(" ".join(told), 78), ".", held]
    return "".join([*(f"{name}: {value}\n" for name, value in fields.items()), *(f" {line}\n" for line in body)])


def build(job: Job) -> Path:
    """Packs the frozen program; the .deb."""
    tree = job.work / "deb"
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(job.frozen, tree / HOME, symlinks=True)
    _leave_to_debian(tree / HOME / "_internal")
    write_share(tree / "usr/share", job.pictures)
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/bin/nicegold").symlink_to("../lib/nicegold/nicegold")
    _documents(tree / "usr/share/doc" / package(), job.epoch)
    _control_files(tree, control(job.version, _size(tree), job.parts))
    _settle(tree, job.epoch)
    made = job.out / file_name(job.version)
    subprocess.run(
        ["dpkg-deb", "--build", "--root-owner-group", "-Zzstd", "-z12", "--threads-max=2", str(tree), str(made)],
        check=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(job.epoch)},
        stdout=subprocess.DEVNULL,
    )
    return made


def _leave_to_debian(internal: Path) -> None:
    """Removes libraries of this machine that the packages in Depends hold."""
    for name in (*PACKAGES, *OTHERS):
        (internal / name).unlink(missing_ok=True)


def _documents(folder: Path, epoch: int) -> None:
    folder.mkdir(parents=True)
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    (folder / "copyright").write_text(f"NiceGold Terminal\n\n{licence}", encoding="utf-8")
    with open(folder / "changelog.gz", "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=epoch) as packed:
        packed.write((ROOT / "CHANGELOG.md").read_bytes())


def _control_files(tree: Path, text: str) -> None:
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN/control").write_text(text, encoding="utf-8")
    sums = []
    for file in sorted(tree.rglob("*")):
        if file.is_file() and not file.is_symlink() and "DEBIAN" not in file.relative_to(tree).parts[:1]:
            sums.append(f"{hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()}  {file.relative_to(tree)}\n")
    (tree / "DEBIAN/md5sums").write_text("".join(sums), encoding="utf-8")


def _size(tree: Path) -> int:
    return sum(file.lstat().st_size for file in tree.rglob("*"))


def _settle(tree: Path, epoch: int) -> None:
    """The rights and times of a package: whatever umask and clock it was built under."""
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or (os.access(path, os.X_OK) and _is_program(path)) else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def _is_program(path: Path) -> bool:
    return ".so" not in path.name
