from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from engine.core.clock import MINUTE, from_iso
from engine.core.errors import DataError
from engine.domain.instrument import instrument_of
from engine.market.formats import open_source, sniff
from engine.market.importing import read_history
from tests.engine.market.histories import gold, lean, recorded, write

XAUUSD = instrument_of("XAUUSD")


def zip_file(folder: Path, name: str, member: str, text: str) -> Path:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(member, text)
    path = folder / name
    path.write_bytes(packed.getvalue())
    return path


def test_hour_bars_are_bid_bars_with_the_mean_difference_to_the_ask_as_spread() -> None:
    history = read_history(recorded("ticks-oanda/XAUUSD_H1_2006-2019_oanda-bidask.zip"), XAUUSD)
    assert history.bars is not None
    assert history.timeframe is not None
    assert history.timeframe.name == "H1"
    assert len(history.bars) == 76_499
    assert (history.clock.spec, history.clock.how) == ("UTC", "written")
    first = history.bars.row(0)
    assert first[:5] == (from_iso("2006-03-20"), 552.8, 554.7, 552.4, 554.2)
    assert first.spread == pytest.approx(2.5)


def test_minute_bars_take_their_date_from_the_name() -> None:
    history = read_history(recorded("ticks-oanda/XAUUSD_M1_20140504_quote.zip"), XAUUSD)
    assert history.bars is not None
    assert history.bars.at[:2].tolist() == [from_iso("2014-05-04T22:00"), from_iso("2014-05-04T22:00") + MINUTE]
    assert history.bars.row(0)[1:5] == (1300.151, 1301.56, 1299.454, 1301.442)


def test_ticks_become_quotes_to_the_fraction_of_a_millisecond() -> None:
    history = read_history(recorded("ticks-oanda/XAUUSD_tick_20140505_quote.zip"), XAUUSD)
    assert history.bars is None
    assert history.timeframe is None
    assert history.quotes is not None
    assert len(history.quotes) == 186_204
    assert history.quotes.at[0] == from_iso("2014-05-05") + 40_186_800
    assert (history.quotes.bid[0], history.quotes.ask[0]) == (1300.335, 1300.799)
    assert (history.quotes.at[1:] > history.quotes.at[:-1]).all()


def test_crossed_ticks_are_refused_one_by_one() -> None:
    history = read_history(recorded("ticks-oanda/EURUSD_tick_20140507_fxcm_quote.zip"), instrument_of("EURUSD"))
    assert history.quotes is not None
    assert (history.quotes.ask >= history.quotes.bid).all()
    assert dict(history.quality.bad_reasons)["ask below bid"] == 89_504 - len(history.quotes)


def test_the_ask_s_own_errors_are_found(tmp_path: Path) -> None:
    lines = lean(gold("2024-05-06", "2024-05-20")).splitlines()
    cells = lines[5].split(",")
    lines[5] = ",".join([*cells[:6], "1.00", *cells[7:]])
    cells = lines[9].split(",")
    lines[9] = ",".join([*cells[:6], *(str(float(price) * 10) for price in cells[6:10]), "0"])
    history = read_history(write(tmp_path, "\n".join(lines)), XAUUSD)
    assert [row.line for row in history.quality.bad] == [6, 10]
    assert history.bars is not None
    assert history.bars.spread.tolist() == pytest.approx([0.03] * len(history.bars))


def test_a_missing_bid_is_a_bad_row(tmp_path: Path) -> None:
    lines = lean(gold("2024-05-06", "2024-05-20")).splitlines()
    cells = lines[5].split(",")
    lines[5] = ",".join([cells[0], "", "", "", "", *cells[5:]])
    (bad,) = read_history(write(tmp_path, "\n".join(lines)), XAUUSD).quality.bad
    assert bad == (6, "open is empty")


def test_times_beyond_midnight_are_refused(tmp_path: Path) -> None:
    text = "".join(f"{hour * 3_600_000},1900.1,1900.4\n" for hour in range(26))
    path = zip_file(tmp_path, "XAUUSD_tick.zip", "20240507_xauusd_tick_quote.csv", text)
    history = read_history(path, XAUUSD)
    assert [row.line for row in history.quality.bad] == [25, 26]


def test_rows_since_midnight_without_a_date_in_the_name_are_refused(tmp_path: Path) -> None:
    row = "79200000,1300.1,1301.5,1299.4,1301.4,0,1301.8,1302.4,1300.8,1302.2,0\n"
    with pytest.raises(DataError, match="hold no date"):
        read_history(write(tmp_path, row), XAUUSD)
    with pytest.raises(DataError, match="disagree about the date"):
        read_history(zip_file(tmp_path, "XAUUSD_20140504.zip", "20140505_xauusd.csv", row), XAUUSD)
    with pytest.raises(DataError, match="hold no date"):
        read_history(write(tmp_path, row, "XAUUSD_20141399.csv"), XAUUSD)


def test_three_numbers_without_a_date_in_the_name_are_no_ticks(tmp_path: Path) -> None:
    opened = open_source(write(tmp_path, "0,1900.1,1900.4\n"))
    assert sniff(opened.head, opened.name) is None
