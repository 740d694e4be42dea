"""Compiled kernels: kept between runs, and never older than the rules they were made of."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.core import cache

ENGINE = Path(cache.__file__).parent.parent
RULE = "from numba import njit\n\n@njit(cache=True)\ndef cost(value):\n    return value * {factor}\n"
CALLER = """
import numba
from numba import njit
from engine.{home}.{rule} import cost

@njit(cache=True)
def price(value):
    return cost(value) + 1
"""
PROGRAM = """
from engine.rules.caller import price as one
from engine.features.caller import price as two
print(one(10), two(10))
"""


def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"NUMBA_CACHE_DIR", "NUMBA_DISABLE_JIT"}}
    return {
        **kept,
        "XDG_CACHE_HOME": str(tmp_path),
        "LOCALAPPDATA": str(tmp_path),
        "HOME": str(tmp_path),
        "PYTHONPATH": str(tmp_path),
    }


def run(program: str, tmp_path: Path, **more: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment(tmp_path), **more},
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    return done.stdout.strip()


@pytest.fixture
def engine_copy(tmp_path: Path) -> Path:
    """The engine's kernel cache beside two callers of one rule, each in a file of its own."""
    copy = tmp_path / "engine"
    for part in ("rules", "features", "core"):
        (copy / part).mkdir(parents=True)
    (copy / "__init__.py").touch()
    for file in ("cache.py", "clock.py", "installation.py"):
        shutil.copy(ENGINE / "core" / file, copy / "core")
    (copy / "core" / "__init__.py").touch()
    for part in ("rules", "features"):
        shutil.copy(ENGINE / part / "__init__.py", copy / part)
        (copy / part / "caller.py").write_text(CALLER.format(home="rules", rule="charge"))
    (copy / "rules" / "charge.py").write_text(RULE.format(factor=2))
    return copy


def test_an_edited_rule_reaches_every_caller(engine_copy: Path, tmp_path: Path) -> None:
    assert run(PROGRAM, tmp_path) == "21 21"
    (engine_copy / "rules" / "charge.py").write_text(RULE.format(factor=3))
    assert run(PROGRAM, tmp_path) == "31 31"


def test_an_untouched_rule_is_not_compiled_again(engine_copy: Path, tmp_path: Path) -> None:
    counting = PROGRAM + "\nprint(sum(one.stats.cache_hits.values()), sum(one.stats.cache_misses.values()))"
    assert run(counting, tmp_path) == "21 21\n0 1"
    assert run(counting, tmp_path) == "21 21\n1 0"


def test_a_folder_given_by_the_user_wins(engine_copy: Path, tmp_path: Path) -> None:
    told = "from engine.core.cache import prepare_numba_cache as p; import os; print(p()); print(os.environ['NUMBA_CACHE_DIR'])"
    mine = str(tmp_path / "mine")
    assert run(told, tmp_path, NUMBA_CACHE_DIR=mine) == f"{mine}\n{mine}"


def test_a_child_process_with_other_sources_does_not_inherit_the_folder(engine_copy: Path, tmp_path: Path) -> None:
    told = "from engine.core.cache import prepare_numba_cache; print(prepare_numba_cache())"
    first = run(told, tmp_path)
    assert run(told, tmp_path, NUMBA_CACHE_DIR=first) == first
    (engine_copy / "rules" / "charge.py").write_text(RULE.format(factor=3))
    assert run(told, tmp_path, NUMBA_CACHE_DIR=first) != first


def test_numba_that_was_imported_before_is_told_too(engine_copy: Path, tmp_path: Path) -> None:
    told = "import numba; import engine.rules; import os; print(numba.config.CACHE_DIR == os.environ['NUMBA_CACHE_DIR'])"
    assert run(told, tmp_path) == "True"


def test_kernels_run_as_plain_python_when_the_compiler_is_switched_off(engine_copy: Path, tmp_path: Path) -> None:
    assert run(PROGRAM + "\nprint(type(one).__name__)", tmp_path, NUMBA_DISABLE_JIT="1") == "21 21\nfunction"


def test_where_the_cache_cannot_be_written_a_temporary_folder_is_taken(engine_copy: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    told = "from engine.core.cache import prepare_numba_cache; print(prepare_numba_cache())"
    folder = Path(
        run(told, tmp_path, XDG_CACHE_HOME=str(blocked), LOCALAPPDATA=str(blocked), HOME=str(blocked), TMPDIR=str(tmp_path))
    )
    assert folder.is_dir()
    assert folder.name.startswith("numba-")
    assert folder.is_relative_to(tmp_path)


def test_folders_that_nothing_was_added_to_for_a_month_are_removed(engine_copy: Path, tmp_path: Path) -> None:
    told = "from engine.core.cache import prepare_numba_cache; print(prepare_numba_cache())"
    first = Path(run(told, tmp_path))
    old, recent = first.parent / "numba-0", first.parent / "numba-1"
    old.mkdir()
    recent.mkdir()
    os.utime(old, (0, 0))
    (engine_copy / "rules" / "charge.py").write_text(RULE.format(factor=3))
    second = Path(run(told, tmp_path))
    assert second.parent == first.parent
    assert not old.exists()
    assert recent.exists()


def test_a_package_keeps_its_kernels_apart_from_a_checkout(engine_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numba stamps them by the executable there, and by the source file here."""
    here = cache.source_hash(engine_copy)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert cache.source_hash(engine_copy) != here
