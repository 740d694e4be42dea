"""Several recorded instruments on one account: the same figures every time, killed or not, and sentences where it cannot be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.core.clock import from_iso, to_iso
from engine.domain.market import Bars
from tests.engine.rig import market
from tests.journeys.headless import CROSS, Terminal, facts_in, replay, write_history
from tests.journeys.test_headless_crash import FIRST_FILLS, kill_at

HALF = 1_500


def silver(bars: Bars) -> Bars:
    """Prices as silver has them."""
    scaled = {name: getattr(bars, name) / 80 for name in ("open", "high", "low", "close")}
    return replace(bars, **scaled)


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    return Terminal(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("history")
    gold = write_history(folder / "XAUUSD_M1.csv", market(2 * HALF, 5))
    return gold, write_history(folder / "XAGUSD_M1.csv", silver(market(2 * HALF, 6)))


def both(files: tuple[Path, Path], db: str, *more: str | Path) -> list[str | Path]:
    gold, other = files
    return replay(gold, db, "--also", f"XAGUSD={other}@UTC", *CROSS, *more)


def test_two_instruments_share_an_account_and_the_same_command_ends_alike(
    terminal: Terminal, files: tuple[Path, Path], tmp_path: Path
) -> None:
    one, two = (terminal.json(*both(files, f"sqlite:///{tmp_path}/{name}.db")) for name in ("one", "two"))
    assert one["facts_sha256"] == two["facts_sha256"]
    assert one["bars"] == 2 * 2 * HALF
    parts: dict[str, Any] = one["instruments"]
    assert set(parts) == {"XAUUSD", "XAGUSD"}
    assert sum(round(float(part["realised"]) * 100) for part in parts.values()) == round(float(one["realised"]) * 100)
    assert all(float(part["costs"]) > 0 for part in parts.values())
    assert terminal.json("audit", "books", "--db", f"sqlite:///{tmp_path}/one.db", "--json")["clean"] is True


@pytest.mark.timeout(240)
@pytest.mark.xdist_group("crash")
def test_a_killed_run_of_two_goes_on(terminal: Terminal, files: tuple[Path, Path], tmp_path: Path) -> None:
    whole = terminal.json(*both(files, f"sqlite:///{tmp_path}/whole.db"))
    db = tmp_path / "killed.db"
    command = both(files, f"sqlite:///{db}")
    left = kill_at(terminal, [*command, "--speed", "150000"], FIRST_FILLS, lambda: facts_in(db))
    assert FIRST_FILLS <= left < whole["facts"]
    assert terminal.json(*command)["facts_sha256"] == whole["facts_sha256"]


def test_what_lies_before_the_first_trade_is_the_other_instrument_s_history(
    terminal: Terminal, files: tuple[Path, Path], tmp_path: Path
) -> None:
    """A longer second file changes nothing that is traded later than it is warmed up by."""
    gold = market(2 * HALF, 5)
    late = write_history(tmp_path / "XAUUSD_M1.csv", gold[HALF:])
    found = terminal.json(*both((late, files[1]), f"sqlite:///{tmp_path}/late.db"))
    first = to_iso(int(gold.at[HALF]))
    later = [bar for bar in market(2 * HALF, 6).at.tolist() if bar >= from_iso(first)]
    assert found["bars"] == HALF + len(later)


@pytest.mark.parametrize(
    ("also", "said"),
    [
        ("XAGUSD", "write SYMBOL=FILE"),
        ("XAUUSD={gold}@UTC", "XAUUSD is named twice"),
        ("XAGUSD={folder}/none.csv", "cannot be opened"),
        ("PAXGUSDT={silver}@UTC", "PAXGUSDT"),
        ("EURUSD={silver}@UTC", "EURUSD"),
    ],
)
def test_what_cannot_be_played_together_is_one_sentence(
    terminal: Terminal, files: tuple[Path, Path], tmp_path: Path, also: str, said: str
) -> None:
    gold, other = files
    asked = also.format(gold=gold, silver=other, folder=tmp_path)
    assert said in terminal.refused(*replay(gold, f"sqlite:///{tmp_path}/no.db", "--also", asked, *CROSS))
