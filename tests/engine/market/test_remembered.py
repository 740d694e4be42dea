"""The simulated history read from disk is the one that is made, whatever became of the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.domain.instrument import instrument_of
from engine.domain.market import BAR_COLUMNS, Bars
from engine.market import remembered
from engine.market.simulated import SimulatedTape

GOLD = instrument_of("XAUUSD")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(remembered, "prepare_numba_cache", lambda: tmp_path)
    return tmp_path


def made_anew(seed: int) -> tuple[Bars, int]:
    tape = SimulatedTape(GOLD, seed)
    return tape.history(), next(tape.reels()).quotes[0].at


def assert_same(some: tuple[Bars, int], others: tuple[Bars, int]) -> None:
    assert some[1] == others[1]
    for name in BAR_COLUMNS:
        np.testing.assert_array_equal(getattr(some[0], name), getattr(others[0], name))


def test_what_is_read_again_is_what_was_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = made_anew(3)
    assert_same(remembered.remembered_history(GOLD, 3), made)
    monkeypatch.delattr(SimulatedTape, "history")
    assert_same(remembered.remembered_history(GOLD, 3), made)
    assert len(list(folder.iterdir())) == 1


def test_another_seed_is_another_history(folder: Path) -> None:
    assert remembered.remembered_history(GOLD, 3)[0].close[-1] != remembered.remembered_history(GOLD, 4)[0].close[-1]
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("damage", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_a_damaged_file_is_made_again(folder: Path, damage: bytes) -> None:
    made = remembered.remembered_history(GOLD, 3)
    [file] = folder.iterdir()
    file.write_bytes(damage)
    assert_same(remembered.remembered_history(GOLD, 3), made)
    assert len(file.read_bytes()) > len(damage)


def test_a_folder_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "prepare_numba_cache", lambda: tmp_path / "missing")
    assert_same(remembered.remembered_history(GOLD, 3), made_anew(3))
