"""Installs the packages on a bare Debian 12 and sees whether the program does there what the checkout does here.

    sudo .venv/bin/python packaging/verify.py dist/nicegold-terminal_0.1.0_amd64.deb

Prints a table and one JSON line, keeps the window's pictures in dist/, and ends with 1 when anything does not hold. The .run
beside the .deb is looked at too. The second run is quicker: the bare Debian and its packages are kept in the cache folder.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import chroot
import inspections
from chroot import USER, Bare
from inspections import Answer, last_line
from screen import shown


@dataclass(slots=True)
class Row:
    """A check as it came out."""

    name: str
    ok: bool
    words: str
    seconds: float
    values: dict[str, Any] = field(default_factory=dict)


class Report:
    """Runs checks, prints a row each, and keeps them. What a failed check needed is left out by those that need it."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def check(self, name: str, ask: Callable[[], Answer]) -> Row:
        begun = time.monotonic()
        try:
            ok, words, values = ask()
        except subprocess.CalledProcessError as error:
            ok, words, values = False, f"{' '.join(map(str, error.cmd))[-80:]}: {last_line(error.stderr or error.stdout)}", {}
        except Exception as error:  # the report says what went wrong; the checks after it may still hold
            ok, words, values = False, f"{type(error).__name__}: {error}", {}
        row = Row(name, ok, words, time.monotonic() - begun, values)
        print(f"{'ok    ' if ok else 'FAILED'} {name:<22} {row.seconds:7.1f} s  {words}", flush=True)
        self.rows.append(row)
        return row

    @property
    def good(self) -> bool:
        return all(row.ok for row in self.rows)


def main() -> int:
    options = _options()
    chroot.alone()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="nicegold-verify-") as name:
        bare = Bare(Path(name), options.cache)
        try:
            if report.check("bare Debian 12", lambda: inspections.made(bare)).ok:
                verify(report, bare, options.deb, options.pictures)
        finally:
            bare.close()
    rows = [asdict(row) | {"seconds": round(row.seconds, 2)} for row in report.rows]
    print(json.dumps({"good": report.good, "deb": options.deb.name, "checks": rows}, sort_keys=True))
    return 0 if report.good else 1


def verify(report: Report, bare: Bare, deb: Path, pictures: Path) -> None:
    """All checks, in the order in which a user meets them."""
    before, program = inspections.files_in(bare), "/usr/bin/nicegold"
    if not report.check("apt install", lambda: inspections.installed(bare, deb)).ok:
        return
    report.check("libraries", lambda: inspections.linked(bare))
    report.check("doctor", lambda: inspections.healthy(bare))
    first = report.check("selftest offscreen", lambda: inspections.selftest(bare, program))
    kept = inspections.kernel_files(bare)
    again = report.check("selftest again", lambda: inspections.selftest(bare, program))
    report.check("kernels", lambda: inspections.compiled_once(first.values, again.values, kept, inspections.kernel_files(bare)))
    report.check("as the checkout", lambda: inspections.as_the_checkout(again.values))
    report.check("parquet", lambda: inspections.parquet(bare))
    if inspections.RECORDED.is_dir():
        report.check("recorded history", lambda: inspections.recorded(bare))
    with shown() as screen:
        picture = pictures / "verify-selftest.png"
        report.check("selftest under X", lambda: inspections.selftest(bare, program, screen.display, picture))
        report.check("window", lambda: inspections.opened(bare, screen, pictures / "verify-window.png"))
    report.check("nothing written", lambda: inspections.untouched(bare))
    report.check("apt purge", lambda: inspections.purged(bare))
    run = next(deb.parent.glob("*.run"), None)
    if run is not None:
        report.check("run: install", lambda: inspections.run_installed(bare, run))
        report.check("run: selftest", lambda: inspections.selftest(bare, f"/home/{USER}/.local/bin/nicegold"))
        report.check("run: uninstall", lambda: inspections.run_removed(bare))
    report.check("nothing left", lambda: inspections.nothing_left(bare, before))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Install the packages on a bare Debian 12 and try them there.")
    parser.add_argument("deb", type=Path, help="the .deb; a .run beside it is tried too")
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nicegold-verify"
    parser.add_argument("--cache", type=Path, default=kept, help="where the bare Debian and its packages are kept")
    parser.add_argument("--pictures", type=Path, help="folder for the pictures; beside the .deb if not given")
    options = parser.parse_args()
    options.deb = options.deb.resolve()
    if not options.deb.is_file():
        parser.error(f"there is no file {options.deb}; packaging/build.py makes it")
    options.pictures = (options.pictures or options.deb.parent).resolve()
    return options


if __name__ == "__main__":
    sys.exit(main())
