"""The self-test: is this installation whole, does its window paint, does it trade, and are its figures those of every other.

Nothing of the user's is touched but the cache of compiled kernels, which is meant to be filled.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.paths import HOME_VARIABLE
from app.preflight import Problem, qt_problem
from app.selftest_parts import keyring_found, libraries_found, resources_found
from engine.core.errors import UserError
from engine.core.installation import is_frozen
from engine.request import VERSION
from engine.services.keys import leave_keyring_alone
from engine.services.proving import Kernels, Proof, kernels, prove_replay, simulated_request, write_history

LEAST_COLOURS = 16
POLICIES = ("sma_cross", "model")
MARKS = {True: "OK    ", False: "FAILED", None: "NOTE  "}


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report: `ok` None is worth knowing only; `values` go into the JSON object."""

    name: str
    ok: bool | None
    sentence: str
    seconds: float
    values: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{MARKS[self.ok]} {self.name}: {self.sentence} ({self.seconds:.1f} s)"


Answer = tuple[bool | None, str, dict[str, Any]]


def run_selftest(as_json: bool, picture: Path | None, cache: Path | None) -> int:
    """Runs every check, prints a line each, and returns 0 when all hold. UserError for a picture without a folder."""
    if picture is not None and not picture.absolute().parent.is_dir():
        raise UserError(f"the folder {picture.absolute().parent} does not exist; make it first")
    if cache is not None:
        os.environ["NUMBA_CACHE_DIR"] = str(cache.absolute())
    leave_keyring_alone()
    display = _choose_display()
    with tempfile.TemporaryDirectory(prefix="nicegold-selftest-", ignore_cleanup_errors=True) as name:
        os.environ[HOME_VARIABLE] = os.environ["NICEGOLD_WINDOW_MEMORY"] = name
        checks = []
        for check in _checks(Path(name), display, picture.absolute() if picture else None):
            print(check, flush=True)
            checks.append(check)
    good = all(check.ok is not False for check in checks)
    if as_json:
        print(json.dumps(report(good, checks), sort_keys=True))
    return 0 if good else 1


def report(good: bool, checks: list[Check]) -> dict[str, Any]:
    rows = [
        {"name": each.name, "ok": each.ok, "sentence": each.sentence, "seconds": round(each.seconds, 3)} | each.values
        for each in checks
    ]
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    return {"ok": good, "version": VERSION, "packaged": is_frozen(), "platform": platform, "checks": rows}


def _choose_display() -> Problem | None:
    """Takes Qt's offscreen platform where no window can be opened; what keeps even that from working."""
    problem = qt_problem()
    if problem is None:
        return None
    print(f"{problem.sentence} The window is painted offscreen.")
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    return qt_problem()


def _checks(folder: Path, display: Problem | None, picture: Path | None) -> Iterator[Check]:
    """In the order of the report; the window comes first because its seconds count from the start of the process."""
    if display is not None:
        yield Check("window", False, display.sentence, 0.0, {"painted_s": None, "compiling_s": None})
    else:
        yield from _window(folder, picture)
        yield timed("resources", resources_found)
    yield timed("libraries", libraries_found)
    yield timed("keyring", keyring_found)
    history = folder / "replays"
    history.mkdir()
    file = write_history(history)
    for policy in POLICIES:
        yield timed(f"replay {policy}", lambda policy=policy: _proved(prove_replay(file, policy)))
    yield timed("catboost", lambda: _optional(file))
    yield timed("kernels", lambda: _cached(kernels()))


def timed(name: str, ask: Callable[[], Answer]) -> Check:
    begun = time.monotonic()
    try:
        ok, sentence, values = ask()
    except Exception as error:  # whatever is wrong with this installation is what the report is for
        ok, sentence, values = False, f"{type(error).__name__}: {error}", {}
    return Check(name, ok, sentence, time.monotonic() - begun, values)


def _window(folder: Path, picture: Path | None) -> Iterator[Check]:
    """The window, the model that was trained behind it, and the trade made in it; all three fail where it cannot be opened."""
    from engine.services.bookkeeping import audit

    request = simulated_request(folder)
    try:
        from app.selftest_window import visit_window

        visit = visit_window(request, picture)
    except Exception as error:  # as above: the report says what is wrong
        yield Check("window", False, f"{type(error).__name__}: {error}", 0.0, {"painted_s": None, "compiling_s": None})
        return
    why = f"; {visit.problem}" if visit.problem else ""
    painted = visit.painted_s is not None and visit.colours >= LEAST_COLOURS and visit.bars > 0
    seconds = visit.painted_s or 0.0
    of_that = f", {visit.compiling_s:.1f} s of it compiling" if visit.compiling_s else ""
    words = f"painted {seconds:.1f} s after the start{of_that}, {visit.bars:,} bars in {visit.colours} colours{why}"
    figures = {"painted_s": visit.painted_s, "compiling_s": visit.compiling_s, "bars": visit.bars, "colours": visit.colours}
    yield Check("window", painted, words, seconds, figures)
    model = visit.model_sha256
    words = f"trained in a process of its own, sha256 {model[:12]}" if model else f"not trained{why}"
    yield Check("model", bool(model), words, visit.training_s or 0.0, {"model_sha256": model})
    words = f"paper: {', '.join(visit.trade)}" if visit.trade else f"no order was made{why}"
    yield Check("trade", visit.traded, words + ("" if visit.traded else why), 0.0, {"steps": visit.trade})
    yield timed("books", lambda: audited(audit(request.db, None)))


def audited(report: Any) -> Answer:
    counts = f"{report.facts} facts, {report.orders} orders, {report.fills} fills"
    if not report.fills:
        return False, f"{counts}: no trade was written", {"facts": report.facts}
    if not report.is_clean:
        return False, f"{counts}: {report.differences[0]}", {"facts": report.facts}
    return True, f"{counts}, and they add up", {"facts": report.facts}


def _proved(proof: Proof) -> Answer:
    values = {"facts": proof.facts, "facts_sha256": proof.facts_sha256, "model_sha256": proof.model_sha256}
    words = f"{proof.bars:,} bars, {proof.trades} trades, {proof.facts} facts, facts_sha256 {proof.facts_sha256[:12]}"
    if proof.differences:
        return False, f"{words}: {proof.differences[0]}", values
    return proof.trades > 0, words, values


def _optional(file: Path) -> Answer:
    """The model of the optional learner, where it is installed; a package may be without it."""
    try:
        ok, sentence, values = _proved(prove_replay(file, "model", "catboost"))
    except UserError as error:
        return None, str(error), {}
    return ok, sentence, {"model_sha256": values["model_sha256"], "run_sha256": values["facts_sha256"]}


def _cached(found: Kernels) -> Answer:
    values = {"compiled": found.compiled, "loaded": found.loaded, "files": found.files, "folder": str(found.folder)}
    words = f"{found.compiled} compiled and {found.loaded} loaded in this process, {found.files} kept in {found.folder}"
    return found.files >= found.compiled + found.loaded > 0, words, values
