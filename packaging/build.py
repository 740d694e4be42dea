"""Makes the program that is installed: a folder by PyInstaller, and from it what this system installs.

    uv run --group package python packaging/build.py                      all components that are installed
    uv run --group package python packaging/build.py --without catboost   264 MB less
    uv run --group package python packaging/build.py --only deb           instead of all forms of this system

Linux: a .deb and a per-user .run; Windows: an NSIS installer and a portable zip; macOS: a dmg. All of it is in dist/.
The last line is one JSON object. The same commit and libraries give the same bytes; times are the last commit's.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import debian
import icons
import installers
import payload
import selfextract

BUILD, DIST = payload.ROOT / "build", payload.ROOT / "dist"
_FIRST_TIME = 1_767_225_600
"""2026-01-01 UTC, where the sources are in no repository."""


@dataclass(frozen=True, slots=True)
class Job:
    """What the makers of packages are given. `frozen` is the program's folder, `work` a folder to use, `epoch` in s UTC."""

    frozen: Path
    out: Path
    work: Path
    version: str
    parts: list[str]
    pictures: dict[int, bytes]
    epoch: int


Maker = Callable[[Job], Path]
FORMS: dict[str, dict[str, Maker]] = {
    "linux": {"deb": debian.build, "run": selfextract.build},
    "win32": {"nsis": installers.build_installer, "zip": installers.build_zip},
    "darwin": {"dmg": installers.build_dmg},
}


def main() -> int:
    options = _options()
    version, epoch = payload.version(), commit_time()
    os.environ.update(SOURCE_DATE_EPOCH=str(epoch), PYTHONHASHSEED="1")
    parts = chosen(options.with_, options.without)
    pictures = icons.write(BUILD / "icons")
    frozen = DIST / "nicegold" if options.repack else freeze(parts)
    job = Job(frozen, DIST, BUILD, version, sorted(parts), pictures, epoch)
    forms = FORMS.get(sys.platform, {})
    made = {name: maker(job) for name, maker in forms.items() if not options.only or name in options.only}
    report(job, made)
    return 0


def chosen(wanted: list[str], unwanted: list[str]) -> dict[str, str]:
    """The components that go in; SystemExit when one that was asked for is not installed, or is left out too."""
    for name in set(wanted) & set(unwanted):
        raise SystemExit(f"component {name} cannot be both in the package and left out")
    parts = payload.components(frozenset(unwanted))
    for name in wanted:
        if name not in parts:
            raise SystemExit(f"component {name} is not installed: uv sync --group package --extra {name}")
    return parts


def commit_time() -> int:
    """When the last commit was made, in s UTC; SOURCE_DATE_EPOCH where it is set."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if given:
        return int(given)
    asked = ["git", "-C", str(payload.ROOT), "log", "-1", "--format=%ct"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False)
    return int(told.stdout) if told.returncode == 0 else _FIRST_TIME


def freeze(parts: dict[str, str]) -> Path:
    """Runs PyInstaller; the program's folder, with nothing in it that points nowhere."""
    without = ",".join(name for name in payload.COMPONENTS if name not in parts)
    icon = {"win32": "nicegold.ico", "darwin": "nicegold.icns"}.get(sys.platform)
    environment = {**os.environ, "NICEGOLD_WITHOUT": without, "NICEGOLD_ICON": str(BUILD / "icons" / icon) if icon else ""}
    words = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level=WARN"]
    places = [f"--distpath={DIST}", f"--workpath={BUILD / 'pyinstaller'}"]
    spec = payload.ROOT / "packaging/nicegold.spec"
    subprocess.run([*words, *places, str(spec)], check=True, env=environment, cwd=payload.ROOT)
    frozen = DIST / "nicegold"
    for path in frozen.rglob("*"):
        if path.is_symlink() and not path.exists():
            path.unlink()
    if sys.platform == "linux" and shutil.which("strip"):
        for library in (frozen / "_internal").glob("libpython*.so*"):
            subprocess.run(["strip", "--strip-unneeded", str(library)], check=True)
    return frozen


def report(job: Job, made: dict[str, Path]) -> None:
    """Prints what is in the program, how large, and what was made of it."""
    sizes = {folder.name: _bytes(folder) for folder in (job.frozen / "_internal").iterdir() if folder.is_dir()}
    for name, size in sorted(sizes.items(), key=lambda row: -row[1])[:12]:
        print(f"{size / 1e6:8.1f} MB  {name}")
    whole = _bytes(job.frozen)
    print(f"{whole / 1e6:8.1f} MB  the program, version {job.version}, with {', '.join(job.parts) or 'no component'}")
    for file in made.values():
        print(f"{file.stat().st_size / 1e6:8.1f} MB  {file}")
    files = {name: {"file": str(file), "bytes": file.stat().st_size} for name, file in made.items()}
    print(json.dumps({"version": job.version, "components": job.parts, "program_bytes": whole, "files": files}, sort_keys=True))


def _bytes(folder: Path) -> int:
    return sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_symlink())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make the program that is installed, and its packages.")
    names = list(payload.COMPONENTS)
    parser.add_argument("--with", dest="with_", action="append", default=[], choices=names, help="must be in; may be repeated")
    parser.add_argument("--without", action="append", default=[], choices=names, help="is left out; may be repeated")
    parser.add_argument("--only", action="append", default=[], help="make this form only (deb, run, nsis, zip, dmg)")
    parser.add_argument("--repack", action="store_true", help="the frozen program in dist/ stays; only its packages are made")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
