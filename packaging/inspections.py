"""What is looked at in the bare Debian: each check gives whether it holds, what there is to say, and its figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chroot import USER, Bare
from debian import HOME, package
from payload import ROOT
from screen import Screen

START_S = 2.0
"""A warm start should take less, from the command to the painted window."""
WARM_STARTS = 3
PATIENCE_S = 240.0
RECORDED = ROOT / ".." / "shared" / "data" / "mt4-export"
LEFT_BY_OTHERS = ("/usr/share/mime/", "/usr/lib/locale/", "/usr/share/icons/hicolor/icon-theme.cache")
"""What Debian's own packages write when anything is installed."""

Answer = tuple[bool, str, dict[str, Any]]


def made(bare: Bare) -> Answer:
    bare.make()
    count = len(bare.run("dpkg-query", "-W").stdout.splitlines())
    return True, f"{count} packages", {"packages": count}


def installed(bare: Bare, deb: Path) -> Answer:
    had = len(bare.run("dpkg-query", "-W").stdout.splitlines())
    place = bare.root / "tmp" / deb.name
    place.write_bytes(deb.read_bytes())
    bare.run("apt-get", "update")
    bare.run("apt-get", "install", "--yes", "--no-install-recommends", f"/tmp/{deb.name}")
    place.unlink()
    added = len(bare.run("dpkg-query", "-W").stdout.splitlines()) - had
    size = int(bare.run("dpkg-query", "-W", "-f", "${Installed-Size}", package()).stdout)
    return True, f"{size / 1024:.0f} MB, with {added - 1} packages of Debian", {"added": added, "kilobytes": size}


def linked(bare: Bare) -> Answer:
    """Every library of every binary is found, in the program or in what the package depends on."""
    folder = f"/{HOME}"
    find = f"find {folder} -type f \\( -name '*.so*' -o -perm -u+x \\) -exec ldd {{}} + 2>/dev/null"
    told = bare.run("/bin/sh", "-c", find, check=False, LD_LIBRARY_PATH=f"{folder}/_internal").stdout
    missing, count = set(), 0
    for line in told.splitlines():
        if not line.startswith("\t"):
            count, binary = count + 1, line.rstrip(":")
        elif "not found" in line:
            missing.add(f"{Path(binary).name} lacks {line.split('=>')[0].strip()}")
    words = f"{count} binaries, none lacks a library" if not missing else f"{len(missing)} lack: {'; '.join(sorted(missing)[:6])}"
    return bool(count) and not missing, words, {"binaries": count, "missing": sorted(missing)}


def healthy(bare: Bare) -> Answer:
    said = json.loads(bare.run("nicegold", "doctor", "--json", user=USER).stdout.splitlines()[-1])
    notes = [finding["name"] for finding in said["findings"] if finding["ok"] is None]
    return said["healthy"], f"{len(said['findings'])} findings, notes on {', '.join(notes) or 'nothing'}", {}


def selftest(bare: Bare, program: str, display: str = "", picture: Path | None = None) -> Answer:
    """The program's own check, as an ordinary user; the picture of its window is brought outside."""
    given = {"DISPLAY": display} if display else {"QT_QPA_PLATFORM": "offscreen"}
    options = ["--screenshot", "selftest.png"] if picture else []
    done = bare.run(program, "--selftest", "--json", *options, user=USER, check=False, **given)
    lines = done.stdout.splitlines()
    try:
        said = json.loads(lines[-1])
    except (IndexError, ValueError):
        return False, f"ended with {done.returncode}: {last_line(done.stderr or done.stdout)}", {}
    if picture:
        kept = bare.root / "home" / USER / "selftest.png"
        picture.write_bytes(kept.read_bytes())
        kept.unlink()
    checks = {check["name"]: check for check in said["checks"]}
    failed = [check["sentence"] for check in checks.values() if check["ok"] is False]
    platform = said["platform"] or "xcb"
    values = {"painted_s": checks["window"]["painted_s"], "platform": platform, "checks": checks, "packaged": said["packaged"]}
    words = f"{platform}, window painted after {values['painted_s']:.2f} s, {len(checks)} checks"
    good = said["ok"] and said["packaged"] and done.returncode == 0 and (platform == "xcb") == bool(display)
    return good, "; ".join([words, *failed]), values


def compiled_once(first: dict[str, Any], again: dict[str, Any], kept: set[str], now: set[str]) -> Answer:
    """The second start compiles nothing and adds no file to the cache."""
    compiled = again["checks"]["kernels"]["compiled"]
    waited = again["checks"]["window"]["compiling_s"]
    slow, warm = first["painted_s"], again["painted_s"]
    words = (
        f"{len(kept)} kept by the first start ({first['checks']['window']['compiling_s']:.1f} s compiling ahead), the second "
        f"compiled {compiled}; window after {slow:.2f} s, then {warm:.2f} s"
    )
    values = {"cold_s": slow, "warm_s": warm, "compiled_again": compiled, "files": len(kept)}
    return bool(kept) and now == kept and compiled == 0 and waited == 0, words, values


def as_the_checkout(found: dict[str, Any]) -> Answer:
    """The replays of the self-test have the facts they have in this checkout."""
    ours = json.loads(_checkout("--selftest", "--json").splitlines()[-1])
    expected = {check["name"]: check.get("facts_sha256") for check in ours["checks"] if "facts_sha256" in check}
    got = {name: found["checks"].get(name, {}).get("facts_sha256") for name in expected}
    words = ", ".join(f"{name.split()[-1]} {sha[:12]}" for name, sha in expected.items())
    return bool(expected) and got == expected, f"facts_sha256 {words}" + ("" if got == expected else f", not {got}"), expected


def recorded(bare: Bare) -> Answer:
    """A recorded file, traded by rule, has the same facts inside and out."""
    file = min(RECORDED.rglob("*M1*.csv*"), key=lambda path: path.stat().st_size)
    inside = bare.root / "home" / USER / file.name
    inside.write_bytes(file.read_bytes())
    words = ("run", "--headless", "--policy", "sma_cross", "--json", "--replay")
    there = json.loads(bare.run("nicegold", *words, file.name, "--db", "r.db", user=USER).stdout.splitlines()[-1])
    with tempfile.TemporaryDirectory() as folder:
        here = json.loads(_checkout(*words, str(file), "--db", f"{folder}/r.db").splitlines()[-1])
    same = there["facts_sha256"] == here["facts_sha256"]
    return same, f"{file.name}: {there['facts']} facts, facts_sha256 {there['facts_sha256'][:12]}", {"file": file.name}


def parquet(bare: Bare) -> Answer:
    """Bars that were imported come out as Parquet; where that component was left out, the program says so."""
    rows = "".join(f"2024.01.02,10:{minute:02d},2063.10,2063.50,2062.90,2063.30,{minute + 1}\n" for minute in range(60))
    (bare.root / "home" / USER / "XAUUSD_M1.csv").write_text(rows, "ascii")
    bare.run("nicegold", "import", "XAUUSD_M1.csv", "--clock", "UTC", "--db", "p.db", user=USER)
    words = ("nicegold", "export", "bars", "out.parquet", "--format", "parquet", "--timeframe", "M1", "--db", "p.db", "--json")
    done = bare.run(*words, user=USER, check=False)
    if not (bare.root / HOME / "_internal/pyarrow").is_dir():
        return done.returncode == 2, f"not in this package: {last_line(done.stderr)}", {}
    said = json.loads(done.stdout.splitlines()[-1])
    return said["rows"] == 60, f"{said['rows']} bars written", {}


def _checkout(*words: str) -> str:
    """What this checkout's program says to the same command, with an empty home of its own."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "NICEGOLD_HOME": home, "QT_QPA_PLATFORM": "offscreen"}
        done = subprocess.run(
            [sys.executable, "main.py", *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
    return done.stdout


def opened(bare: Bare, screen: Screen, picture: Path) -> Answer:
    """The window as a user opens it: the first start trains its model, the others are warm, and the last screen is kept.

    The quickest warm start counts: the machine may be busy with other things.
    """
    with _running(bare, screen) as program:
        cold = screen.seconds_to_window(program)
        trained = _model_after(bare)
    warm = []
    for _ in range(WARM_STARTS):
        with _running(bare, screen) as program:
            warm.append(screen.seconds_to_window(program))
            screen.picture(picture)
    times = ", ".join(f"{seconds:.2f} s" for seconds in warm)
    words = f"there after {cold:.2f} s, its model after {trained:.1f} s; warm after {times}; picture in {picture.name}"
    return min(warm) < START_S, words, {"cold_s": cold, "trained_s": trained, "warm_s": warm}


def _model_after(bare: Bare) -> float:
    """Seconds until the running program has trained and stored a model; TimeoutError when it does not."""
    begun = time.monotonic()
    while not any((bare.root / "home" / USER).glob(".local/share/*/models/*/*/manifest.json")):
        if time.monotonic() - begun > PATIENCE_S:
            raise TimeoutError(f"no model was stored within {PATIENCE_S:.0f} s")
        time.sleep(0.5)
    return time.monotonic() - begun


@contextmanager
def _running(bare: Bare, screen: Screen) -> Iterator[subprocess.Popen[str]]:
    screen.clear()
    with tempfile.TemporaryFile("w+") as output:
        program = bare.start("nicegold", user=USER, output=output, DISPLAY=screen.display)
        try:
            yield program
        finally:
            program.terminate()
            program.wait(60)


def kernel_files(bare: Bare) -> set[str]:
    """The compiled kernels in the user's cache."""
    home = bare.root / "home" / USER
    return {str(file.relative_to(home)) for file in home.rglob("*.nbc")}


def untouched(bare: Bare) -> Answer:
    """Nothing of the installed program was changed or added by running it."""
    told = bare.run("dpkg", "--verify", package(), check=False).stdout.strip()
    listed = set(bare.run("dpkg-query", "-L", package()).stdout.splitlines())
    added = [str(path) for path in (bare.root / HOME).rglob("*") if f"/{path.relative_to(bare.root)}" not in listed]
    words = "as it was unpacked" if not told and not added else f"{told} {added[:3]}"
    return not told and not added, words, {}


def purged(bare: Bare) -> Answer:
    listed = bare.run("dpkg-query", "-L", package()).stdout.splitlines()
    ours = [path for path in listed if "nicegold" in path]
    bare.run("apt-get", "purge", "--yes", package())
    left = [path for path in ours if os.path.lexists(bare.root / path.lstrip("/"))]
    return not left, f"{len(ours)} files and folders gone" if not left else f"left: {left[:5]}", {"left": left}


def run_installed(bare: Bare, run: Path) -> Answer:
    """As an ordinary user, into that user's home."""
    place = bare.root / "tmp" / run.name
    place.write_bytes(run.read_bytes())
    place.chmod(0o644)
    said = bare.run("/bin/sh", f"/tmp/{run.name}", user=USER).stdout.strip()
    place.unlink()
    entry = (bare.root / f"home/{USER}/.local/share/applications/nicegold.desktop").read_text(encoding="utf-8")
    return f"/home/{USER}/.local/opt/nicegold/nicegold" in entry, said.splitlines()[0], {}


def run_removed(bare: Bare) -> Answer:
    said = bare.run(f"/home/{USER}/.local/opt/nicegold/uninstall", user=USER).stdout.strip()
    local = bare.root / "home" / USER / ".local"
    left = [str(path.relative_to(local)) for path in local.rglob("*nicegold*") if "NiceGold Terminal" not in path.parts]
    return not left, said if not left else f"left: {left[:5]}", {"left": left}


def files_in(bare: Bare) -> set[str]:
    """All files in the system's own folders."""
    told = bare.run("find", "/opt", "/usr", "-not", "-type", "d").stdout
    return {line for line in told.splitlines() if not line.startswith(LEFT_BY_OTHERS)}


def nothing_left(bare: Bare, before: set[str]) -> Answer:
    """With the packages it brought gone too, the system's folders are as they were."""
    bare.run("apt-get", "autoremove", "--purge", "--yes")
    left = sorted(files_in(bare) - before)
    return not left, "/opt and /usr are as before" if not left else f"{len(left)} left: {left[:5]}", {"left": left}


def last_line(text: str | None) -> str:
    lines = (text or "").strip().splitlines()
    return lines[-1][:300] if lines else "nothing was said"
