"""What Windows and macOS install: an NSIS installer, a portable zip, a dmg. Made on those systems' own runners."""

from __future__ import annotations

import platform
import subprocess
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from payload import ROOT

if TYPE_CHECKING:
    from build import Job

SCRIPT = ROOT / "packaging/windows/nicegold.nsi"
APP = "NiceGold Terminal.app"


def nsis_words(version: str, payload_folder: Path, icon: Path, out: Path) -> list[str]:
    """The command that makes the installer `out` of a folder."""
    size = sum(file.stat().st_size for file in payload_folder.rglob("*") if file.is_file()) // 1024
    values = {"VERSION": version, "PAYLOAD": payload_folder, "ICON": icon, "OUT": out, "SIZE_KB": size}
    return ["makensis", "-V2", *(f"-D{name}={value}" for name, value in values.items()), str(SCRIPT)]


def build_installer(job: Job) -> Path:
    """The Windows installer, by NSIS."""
    made = job.out / f"NiceGold-Terminal-{job.version}-setup.exe"
    subprocess.run(nsis_words(job.version, job.frozen, job.work / "icons/nicegold.ico", made), check=True)
    return made


def build_zip(job: Job) -> Path:
    """The Windows program as a folder to unpack anywhere."""
    made = job.out / f"NiceGold-Terminal-{job.version}-portable.zip"
    moment = time.gmtime(job.epoch)[:6]
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        for file in sorted(job.frozen.rglob("*")):
            if file.is_file():
                name = (Path("NiceGold Terminal") / file.relative_to(job.frozen)).as_posix()
                packed.writestr(zipfile.ZipInfo(name, moment), file.read_bytes(), zipfile.ZIP_DEFLATED)
    return made


def build_dmg(job: Job) -> Path:
    """The macOS application as a disk image, by hdiutil."""
    made = job.out / f"NiceGold-Terminal-{job.version}-{platform.machine()}.dmg"
    stage = job.work / "dmg"
    subprocess.run(["rm", "-rf", str(stage)], check=True)
    stage.mkdir(parents=True)
    subprocess.run(["cp", "-a", str(job.out / APP), str(stage)], check=True)
    (stage / "Applications").symlink_to("/Applications")
    words = ["hdiutil", "create", "-volname", "NiceGold Terminal", "-srcfolder", str(stage), "-ov", "-format", "UDZO", str(made)]
    subprocess.run(words, check=True)
    return made
