from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.errors import DataError
from engine.domain.instrument import instrument_of
from engine.market.importing import History, read_history
from tests.engine.market.histories import METATRADER, Row, gold, mt4, write

XAUUSD = instrument_of("XAUUSD")
ROWS = gold("2024-05-06", "2024-05-25", shift=4)
PLACE = 700
"""The row that the tests break; line 701 of a file without a header."""


def changed(**fields: str | int) -> Row:
    return ROWS[PLACE]._replace(**fields)


def times(row: Row, factor: float) -> Row:
    return row._replace(**{name: f"{float(getattr(row, name)) * factor:.2f}" for name in ("open", "high", "low", "close")})


def read(folder: Path, rows: list[Row], strict: bool = False) -> History:
    return read_history(write(folder, mt4(rows)), XAUUSD, strict=strict)


BROKEN: dict[str, tuple[Row, str]] = {
    "high below low": (changed(high="1800.00", low="1990.00"), "high 1800 below low 1990"),
    "open above high": (changed(open="1990.00"), "below open 1990"),
    "close below low": (changed(close="1810.00"), "close 1810 below low"),
    "zero price": (changed(low="0"), "low 0 is not a number above zero"),
    "negative price": (changed(open="-1900.10"), "open -1900.1 is not a number above zero"),
    "nan": (changed(close="nan"), "close nan is not a number above zero"),
    "infinite": (changed(high="inf"), "high inf is not a number above zero"),
    "text": (changed(high="n/a"), "high 'n/a' is not a number"),
    "negative volume": (changed(volume=-1), "volume -1 is not a number of zero or more"),
    "ten times up": (times(ROWS[PLACE], 10), "price jump against the rows around it (x10)"),
    "hundred times up": (times(ROWS[PLACE], 100), "price jump against the rows around it (x100)"),
    "ten times down": (times(ROWS[PLACE], 0.1), "price jump against the rows around it (x10)"),
    "lost digit in the low": (changed(low="190.10"), "price jump against the rows around it (x10)"),
    "off the grid": (ROWS[PLACE]._replace(at=ROWS[PLACE].at + timedelta(minutes=2)), "is off the M5 grid"),
    "long past": (ROWS[PLACE]._replace(at=ROWS[PLACE].at - timedelta(days=3000)), "is out of order"),
    "far future": (ROWS[PLACE]._replace(at=ROWS[PLACE].at + timedelta(days=3000)), "is out of order"),
    "time of another row": (changed()._replace(at=ROWS[PLACE - 1].at), "same time as line 700 with other values"),
}


@pytest.mark.parametrize(("row", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_row_is_refused_with_its_line_and_reason_and_the_rest_comes_in(tmp_path: Path, row: Row, reason: str) -> None:
    history = read(tmp_path, [*ROWS[:PLACE], row, *ROWS[PLACE + 1 :]])
    (bad,) = history.quality.bad
    assert bad.line == PLACE + 1
    assert reason in bad.reason
    assert history.bars is not None
    assert history.bars.close.tolist() == [float(each.close) for each in [*ROWS[:PLACE], *ROWS[PLACE + 1 :]]]


@pytest.mark.parametrize(("row", "reason"), BROKEN.values(), ids=BROKEN)
def test_strict_refuses_the_whole_file_and_names_the_line(tmp_path: Path, row: Row, reason: str) -> None:
    with pytest.raises(DataError, match=r"XAUUSD.csv: line 701: .*; nothing was imported \(1 broken rows, strict\)"):
        read(tmp_path, [*ROWS[:PLACE], row, *ROWS[PLACE + 1 :]], strict=True)


def test_a_last_row_in_a_wrong_year_is_refused_though_it_is_in_order(tmp_path: Path) -> None:
    late = ROWS[-1]._replace(at=ROWS[-1].at + timedelta(days=7 * 1000))
    early = ROWS[0]._replace(at=ROWS[0].at - timedelta(days=7 * 2000))
    history = read(tmp_path, [early, *ROWS, late])
    assert [row.line for row in history.quality.bad] == [1, len(ROWS) + 2]
    assert all("is more than a year from all others" in row.reason for row in history.quality.bad)


def test_a_clean_file_passes_strict(tmp_path: Path) -> None:
    assert read(tmp_path, ROWS, strict=True).quality.rows == len(ROWS)


def test_exact_repeats_are_dropped_and_counted_and_strict_allows_them(tmp_path: Path) -> None:
    twice = [*ROWS[:PLACE], *ROWS[PLACE - 30 : PLACE], *ROWS[PLACE:]]
    quality = read(tmp_path, twice, strict=True).quality
    assert (quality.rows, quality.read) == (len(ROWS), len(ROWS) + 30)
    assert (quality.duplicates_exact, quality.duplicates_different, quality.bad_count) == (30, 0, 0)


def test_a_run_of_scaled_rows_is_refused_row_by_row(tmp_path: Path) -> None:
    scaled = [times(row, 100) for row in ROWS[PLACE : PLACE + 40]]
    quality = read(tmp_path, [*ROWS[:PLACE], *scaled, *ROWS[PLACE + 40 :]]).quality
    assert [row.line for row in quality.bad] == list(range(PLACE + 1, PLACE + 41))


def test_a_block_out_of_order_is_refused_and_the_longer_part_stays(tmp_path: Path) -> None:
    rows = [*ROWS[:500], *ROWS[900:1000], *ROWS[500:900], *ROWS[1000:]]
    history = read(tmp_path, rows)
    assert history.quality.bad_count == 100
    assert history.quality.bad[0] == (501, f"time {ROWS[900].at} is out of order")
    assert history.bars is not None
    assert (np.diff(history.bars.at) > 0).all()


def test_a_file_that_is_mostly_broken_is_refused_as_a_whole(tmp_path: Path) -> None:
    rows = [row._replace(high="1.00") if number % 3 else row for number, row in enumerate(ROWS)]
    with pytest.raises(DataError, match=r"rows are broken, the first is line 2: high 1 below low"):
        read(tmp_path, rows)


def test_a_strong_market_is_not_taken_for_broken_rows(tmp_path: Path) -> None:
    rows = [times(row, 1 + number / len(ROWS)) for number, row in enumerate(ROWS)]
    assert read(tmp_path, rows).quality.bad_count == 0


@st.composite
def damage(draw: st.DrawFn) -> list[tuple[int, Callable[[str], str]]]:
    """Lines to break and what is done to each."""
    ways = st.sampled_from(
        [
            lambda line: line.replace(".", "", 5),
            lambda line: line[: len(line) // 2],
            lambda line: line + ",7",
            lambda line: line.replace("1", "x"),
            lambda line: "\ufffd" * 8,
        ]
    )
    return draw(st.lists(st.tuples(st.integers(1, 400), ways), min_size=1, max_size=12, unique_by=lambda pair: pair[0]))


@pytest.mark.parametrize("name", METATRADER)
@given(damage())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_lines_are_broken_exactly_those_are_refused(
    tmp_path: Path, name: str, broken: list[tuple[int, Callable[[str], str]]]
) -> None:
    lines = METATRADER[name](ROWS[:1500]).splitlines()
    for number, break_line in broken:
        lines[number] = break_line(lines[number])
    history = read_history(write(tmp_path, "\n".join(lines)), XAUUSD)
    assert [row.line for row in history.quality.bad] == sorted(number + 1 for number, _ in broken)
    assert history.bars is not None
    assert len(history.bars) + len(broken) == 1500
    assert (np.diff(history.bars.at) > 0).all()
