"""The .run: a shell script with the program behind it, that installs for one user without root."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from freedesktop import SIZES, write_share
from payload import ROOT

if TYPE_CHECKING:
    from build import Job

SCRIPT = ROOT / "packaging/linux/install.sh"
_DIGITS = 8


def file_name(version: str) -> str:
    return f"nicegold-terminal-{version}-{platform.machine()}.run"


def header(version: str, sha256: str) -> bytes:
    """The script, with its own length in bytes written into it."""
    text = SCRIPT.read_text(encoding="utf-8")
    values = {"VERSION": version, "SHA256": sha256, "MACHINE": platform.machine(), "SIZES": " ".join(map(str, SIZES))}
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    length = len(text.replace("@HEADER_BYTES@", "0" * _DIGITS).encode())
    return text.replace("@HEADER_BYTES@", str(length).rjust(_DIGITS)).encode()


def build(job: Job) -> Path:
    """Packs the frozen program; the .run."""
    tree, archive = job.work / "run", job.work / "run.tar.gz"
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(job.frozen, tree, symlinks=True)
    write_share(tree / "share", job.pictures)
    packing = [
        *("tar", "--create", "--sort=name", f"--mtime=@{job.epoch}", "--owner=0", "--group=0", "--numeric-owner"),
        *("--mode=u+rwX,go+rX,go-w", "--format=gnu", "--directory", str(tree), "."),
    ]
    with open(archive, "wb") as file, subprocess.Popen(packing, stdout=subprocess.PIPE) as tar:
        subprocess.run(["gzip", "--no-name", "-6"], stdin=tar.stdout, stdout=file, check=True)
    if tar.returncode:
        raise subprocess.CalledProcessError(tar.returncode, packing)
    made = job.out / file_name(job.version)
    with open(archive, "rb") as packed, open(made, "wb") as target:
        target.write(header(job.version, hashlib.file_digest(packed, "sha256").hexdigest()))
        packed.seek(0)
        shutil.copyfileobj(packed, target, 1 << 20)
    made.chmod(0o755)
    archive.unlink()
    return made
