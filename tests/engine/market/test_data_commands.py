"""The commands about market data, as a user gives them."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest

from app.cli import run
from engine.market.exporting import EXPORTERS
from engine.market.formats import FORMATS, open_source
from engine.services.exports import format_of_name
from tests.engine.market.histories import gold, mt4, recorded, write


@pytest.fixture
def db(tmp_path: Path) -> str:
    return str(tmp_path / "books.db")


def last(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def test_every_format_is_listed_with_name_title_and_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["formats", "--json"]) == 0
    out = capsys.readouterr().out
    listed = json.loads(out.splitlines()[-1])
    assert [each["name"] for each in listed["formats"]] == [each.name for each in FORMATS]
    assert [each["name"] for each in listed["exports"]] == [each.name for each in EXPORTERS]
    assert all(each.title in out and each.example in out for each in FORMATS)


def test_an_imported_file_is_exported_again_byte_for_byte(db: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = recorded("mt5-export/XAUUSD_H1_2025_mt5-tab.csv.gz")
    out = tmp_path / "out.csv"
    assert run(["import", str(path), "--db", db]) == 0
    assert run(["export", "bars", str(out), "--timeframe", "H1", "--format", "mt5", "--db", db, "--json"]) == 0
    assert last(capsys)["rows"] == 2_909
    assert out.read_bytes() == open_source(path).text
    assert run(["export", "bars", str(out), "--db", db]) == 2
    assert "exists; name another file, or give --force" in capsys.readouterr().err


def test_bars_of_the_owner_s_own_instrument_are_exported(db: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "platinum.toml"
    shipped = (resources.files("resources.instruments") / "XAUUSD.toml").read_text("utf-8")
    own.write_text(shipped.replace('symbol = "XAUUSD"', 'symbol = "XPTUSD"'), "utf-8")
    assert run(["instruments", "set", "XPTUSD", "--file", str(own), "--reason", "mine", "--db", db]) == 0
    table = gold("2024-05-06", "2024-05-10", step=15)
    file = write(tmp_path, mt4(table), "XPTUSD_M15.csv")
    assert run(["import", str(file), "--instrument", "XPTUSD", "--clock", "UTC", "--db", db]) == 0
    command = ["export", "bars", str(tmp_path / "out.csv"), "--instrument", "XPTUSD", "--timeframe", "M15", "--db", db, "--json"]
    assert run(command) == 0
    assert last(capsys)["rows"] == len(table)


def test_longer_bars_of_a_range_are_made_on_the_way_out(db: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = recorded("mt5-export/XAUUSD_M15_2025_mt5-tab.csv.gz")
    run(["import", str(path), "--db", db])
    command = ["export", "bars", str(tmp_path / "day.csv.gz"), "--timeframe", "D1", "--made-of", "M15", "--db", db, "--json"]
    assert run([*command, "--from", "2025-03-02", "--until", "2025-03-09"]) == 0
    assert last(capsys)["rows"] == 5
    text = open_source(tmp_path / "day.csv.gz").text.decode()
    assert [line[:16] for line in text.splitlines()[1:3]] == ["2025-03-02T22:00", "2025-03-03T22:00"]
    assert run([*command, "--from", "soon"]) == 2
    assert "--from 'soon' is not a time" in capsys.readouterr().err
    assert run(["export", "bars", str(tmp_path / "no.csv"), "--timeframe", "H4", "--db", db]) == 2
    assert "no XAUUSD H4 bars are stored (there are M15 of" in capsys.readouterr().err


def test_an_export_says_which_of_several_sources_it_took(db: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = gold("2024-05-06", "2024-05-10", step=15)
    for name, rows in (("short.csv", table[:200]), ("long.csv", table)):
        assert run(["import", str(write(tmp_path, mt4(rows), name)), "--clock", "UTC", "--db", db]) == 0
    command = ["export", "bars", str(tmp_path / "out.csv"), "--timeframe", "M15", "--force", "--db", db, "--json"]
    capsys.readouterr()
    assert run(command) == 0
    out = capsys.readouterr().out
    assert "taken of long.csv, which has most rows; also stored: short.csv (--source chooses)" in out.splitlines()
    answer = json.loads(out.splitlines()[-1])
    assert (answer["source"], answer["others"], answer["rows"]) == ("long.csv", ["short.csv"], len(table))
    assert run([*command, "--source", "short.csv"]) == 0
    assert "also stored" not in capsys.readouterr().out


def test_an_export_makes_no_folder_and_guesses_no_format(db: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, mt4(gold("2024-05-06", "2024-05-10", step=15)))
    assert run(["import", str(file), "--clock", "UTC", "--db", db]) == 0
    missing, odd = tmp_path / "nowhere" / "out.csv", tmp_path / "out.xyz"
    command = ["--timeframe", "M15", "--db", db]
    assert run(["export", "bars", str(missing), *command]) == 2
    assert f"there is no folder {missing.parent}; make it first, or name another place" in capsys.readouterr().err
    assert not missing.parent.exists()
    assert run(["export", "bars", str(odd), *command]) == 2
    assert "out.xyz does not end in .csv or .parquet; name the file so, or give --format" in capsys.readouterr().err
    assert not odd.exists()
    assert run(["export", "bars", str(odd), "--format", "csv", *command]) == 0
    packed = tmp_path / "OUT.CSV.GZ"
    assert run(["export", "bars", str(packed), *command]) == 0
    assert packed.read_bytes()[:2] == b"\x1f\x8b"


def test_the_ending_of_the_file_says_the_export_format() -> None:
    assert [format_of_name(Path(name)) for name in ("a.csv", "a.b.csv.gz", "a.parquet")] == ["csv", "csv", "parquet"]


def test_status_gaps_and_repair_speak_of_what_is_stored(db: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "status", "--db", db]) == 0
    assert "nothing is stored" in capsys.readouterr().out
    table = gold("2024-05-06", "2024-05-10", step=15)
    run(["import", str(write(tmp_path, mt4(table[:100] + table[120:]))), "--clock", "UTC", "--db", db])
    capsys.readouterr()
    assert run(["data", "status", "--db", db, "--json"]) == 0
    (series,) = last(capsys)["series"]  # type: ignore[misc]  # a list, as JSON has it
    assert (series["symbol"], series["timeframe"], series["holes"], series["clocks"]) == ("XAUUSD", "M15", 1, ["UTC"])
    assert run(["data", "gaps", "--db", db, "--json"]) == 0
    (hole,) = last(capsys)["holes"]  # type: ignore[misc]  # a list, as JSON has it
    assert hole["missing"] == 20 * 15 * 60 * 10**9
    assert run(["data", "repair", "--db", db, "--json"]) == 0
    assert last(capsys) == {"steps": []}


def test_a_text_that_says_nothing_is_imported_by_naming_its_columns(
    db: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = gold("2024-05-06", "2024-05-10", step=30)
    text = "".join(f"{row.at:%d/%m/%Y;%H.%M};{row.open};{row.high};{row.low};{row.close}\n" for row in table)
    columns = ["--columns", "date,time,open,high,low,close", "--separator", "semicolon", "--time-format", "DD/MM/YYYY;HH.NN"]
    command = ["import", str(write(tmp_path, text)), "--clock", "UTC", "--db", db, "--json"]
    assert run([*command, *columns]) == 0
    found = last(capsys)
    assert (found["format"], found["added"], found["clock_how"]) == ("plain", len(table), "given")
    assert run([*command, "--columns", "time,open"]) == 2
    assert "--columns has no high, low, close" in capsys.readouterr().err
