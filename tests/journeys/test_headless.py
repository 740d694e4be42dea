"""The headless command: its figures, its refusals, and the books it leaves."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.cli import run
from engine.storage.database import open_books
from tests.engine.market.histories import gold, mt4, write
from tests.engine.rig import market
from tests.journeys.headless import CROSS, RECORDED, replay, write_history

GOLD_2020 = RECORDED / "mt4-export" / "XAUUSD_M1_2020_mt4.csv.gz"
MONEY = ("equity_start", "equity_end", "realised", "unrealised", "costs")
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_history(tmp_path_factory.mktemp("history") / "XAUUSD_M1.csv", market(2_000, 5))


@pytest.fixture
def db(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/books.db"


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """A command line in this process; its exit code and what it wrote."""
    monkeypatch.setenv("NICEGOLD_HOME", str(tmp_path / "home"))

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        code = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def figures(answer: tuple[int, str, str]) -> dict[str, Any]:
    code, out, err = answer
    assert code == 0, err
    result: dict[str, Any] = json.loads(out.splitlines()[-1])
    return result


def sentence(answer: tuple[int, str, str]) -> str:
    """The one sentence of a refusal."""
    code, out, err = answer
    assert (code, out) == (2, ""), err
    assert err.count("\n") == 1
    return err


def test_the_summary_is_whole_and_adds_up_exactly(command: Command, history: Path, db: str) -> None:
    result = figures(command(*replay(history, db, *CROSS)))
    assert result.keys() >= {
        *("bars", "quotes", "signals", "orders", "denied", "fills", "trades", "max_drawdown", "positions", "facts"),
        *("facts_sha256", "model_sha256", "wall_s", "bars_per_s", *MONEY),
    }
    assert (result["bars"], result["quotes"]) == (2_000, 8_000)
    assert result["fills"] > result["trades"] > 10
    start, end, realised, unrealised, costs = (Decimal(result[name]) for name in MONEY)
    assert end == start + realised + unrealised - costs
    assert start == 100_000
    assert costs > 0
    assert 0 < result["max_drawdown"] < 1


def test_the_same_inputs_give_the_same_facts_and_other_terms_other_facts(command: Command, history: Path, tmp_path: Path) -> None:
    one, two = (figures(command(*replay(history, f"sqlite:///{tmp_path}/{n}.db", *CROSS))) for n in (1, 2))
    assert one["facts_sha256"] == two["facts_sha256"]
    config = tmp_path / "other.toml"
    config.write_text("[broker]\nslippage = 7\n")
    other = figures(command(*replay(history, f"sqlite:///{tmp_path}/3.db", *CROSS, "--config", config)))
    assert other["facts_sha256"] != one["facts_sha256"]


def test_the_exported_lines_have_the_hash_of_the_summary(command: Command, history: Path, db: str) -> None:
    result = figures(command(*replay(history, db, *CROSS)))
    code, lines, _ = command("export", "facts", "--db", db)
    assert code == 0
    assert hashlib.sha256(lines.encode("ascii")).hexdigest() == result["facts_sha256"]
    assert lines.count("\n") == result["facts"]


def test_the_books_add_up_and_an_altered_one_does_not(command: Command, history: Path, db: str) -> None:
    figures(command(*replay(history, db, *CROSS)))
    assert figures(command("audit", "books", "--db", db, "--json"))["clean"] is True
    file = db.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(
            "UPDATE facts SET fact = replace(fact, '\"price\":', '\"price\":1') WHERE kind = 'OrderFilled' AND seq < 40"
        )
    code, out, _ = command("audit", "books", "--db", db, "--json")
    report = json.loads(out.splitlines()[-1])
    assert (code, report["clean"]) == (1, False)
    assert report["differences"]


def test_a_finished_run_is_not_run_again_unless_asked(command: Command, history: Path, db: str) -> None:
    first = figures(command(*replay(history, db, *CROSS)))
    assert "--new" in sentence(command(*replay(history, db, *CROSS)))
    again = figures(command(*replay(history, db, *CROSS, "--new")))
    assert again["facts_sha256"] == first["facts_sha256"]
    assert again["book"] == first["book"] + 1
    _, listed, _ = command("export", "books", "--db", db, "--json")
    books = [json.loads(line) for line in listed.splitlines()]
    assert [(book["status"], book["facts"]) for book in books] == [("finished", first["facts"])] * 2


def test_until_stops_the_run_and_its_facts_begin_the_whole_run(command: Command, history: Path, tmp_path: Path) -> None:
    short, whole = f"sqlite:///{tmp_path}/short.db", f"sqlite:///{tmp_path}/whole.db"
    result = figures(command(*replay(history, short, *CROSS, "--until", "2024-06-03T20:00")))
    assert result["quotes"] < 8_000
    figures(command(*replay(history, whole, *CROSS)))
    assert command("export", "facts", "--db", whole)[1].startswith(command("export", "facts", "--db", short)[1])


def test_a_paced_run_gives_the_facts_of_the_fastest(command: Command, history: Path, tmp_path: Path) -> None:
    paced = figures(command(*replay(history, f"sqlite:///{tmp_path}/1.db", *CROSS, "--speed", "1000000")))
    fastest = figures(command(*replay(history, f"sqlite:///{tmp_path}/2.db", *CROSS)))
    assert paced["facts_sha256"] == fastest["facts_sha256"]


def test_without_json_the_figures_are_for_people(command: Command, history: Path, db: str) -> None:
    words = [word for word in replay(history, db, *CROSS) if word != "--json"]
    code, out, _ = command(*words)
    assert code == 0
    assert "equity_end" in out
    assert not out.startswith("{")


def test_headless_confirm_lets_cards_expire(command: Command, history: Path, db: str) -> None:
    result = figures(command(*replay(history, db, *CROSS, "--mode", "confirm")))
    assert result["signals"] > 0
    assert (result["orders"], result["fills"]) == (0, 0)
    decided = [line for line in command("export", "facts", "--db", db)[1].splitlines() if '"CardDecided"' in line]
    assert decided
    assert {json.loads(line)["decision"] for line in decided} == {"expired"}


REFUSALS: list[tuple[str, list[str], str]] = [
    ("an unknown instrument", ["--instrument", "XAUEUR"], "XAUEUR"),
    ("an unknown timeframe", ["--timeframe", "M7"], "M7"),
    ("an unknown mode", ["--mode", "yolo"], "yolo"),
    ("an unknown policy", ["--policy", "astrology"], "astrology"),
    ("a speed of nothing", ["--speed", "0"], "--speed"),
    ("a time that is none", ["--until", "soon"], "soon"),
    ("a missing file", ["--replay", "/nowhere/gold.csv"], "/nowhere/gold.csv"),
    ("a missing configuration", ["--config", "/nowhere/c.toml"], "/nowhere/c.toml"),
    ("a missing model", ["--policy", "model", "--model", "/nowhere/model"], "/nowhere/model"),
    ("a clock that is none", ["--clock", "Atlantis/Poseidon"], "Atlantis"),
    ("a seed that is no number", ["--seed", "seven"], "--seed"),
    ("a database that cannot be", ["--db", "mysql://x/y"], "mysql"),
]


@pytest.mark.parametrize(("more", "named"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_what_the_user_can_mend_is_one_sentence_that_names_it(
    command: Command, history: Path, db: str, more: list[str], named: str
) -> None:
    assert named in sentence(command(*replay(history, db, *CROSS), *more))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("[risk]\nx = 1\n", "risk"),
        ("[limits]\nleverag = 1\n", "limits.leverag"),
        ("[limits]\nleverage = 'much'\n", "limits.leverage"),
        ("[limits]\ndaily_loss = 7\n", "limits.daily_loss"),
        ("[account\n", "TOML"),
        ("[account]\ncurrency = 'EUR'\n", "account.currency"),
        ("[sma_cross]\nlots = 0.015\n", "0.015"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused_with_its_key(
    command: Command, history: Path, db: str, tmp_path: Path, text: str, path: str
) -> None:
    config = tmp_path / "c.toml"
    config.write_text(text)
    assert path in sentence(command(*replay(history, db, *CROSS, "--config", config)))


def test_a_model_needs_a_file_that_is_long_enough(command: Command, history: Path, db: str) -> None:
    assert "2,000 bars" in sentence(command(*replay(history, db)))


def test_books_that_do_not_exist_are_not_made_by_reading_them(command: Command, db: str) -> None:
    assert "run a session first" in sentence(command("export", "facts", "--db", db))
    assert not Path(db.removeprefix("sqlite:///")).exists()


def test_books_that_are_empty_say_what_to_do(command: Command, db: str) -> None:
    open_books(db).close()
    assert "run a session first" in sentence(command("export", "facts", "--db", db))
    assert "no book 7" in sentence(command("audit", "books", "--db", db, "--book", "7"))


# --- on recorded gold -------------------------------------------------------------------------------------------------


def recorded(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"the recorded history {path.name} is not here")
    return path


@pytest.mark.timeout(400)
def test_recorded_gold_gives_the_same_facts_twice_and_clean_books(command: Command, tmp_path: Path) -> None:
    file = recorded(GOLD_2020)
    words = ["--clock", "EET", *CROSS]
    urls = [f"sqlite:///{tmp_path}/{number}.db" for number in (1, 2)]
    one, two = (figures(command(*replay(file, url, *words))) for url in urls)
    assert one["facts_sha256"] == two["facts_sha256"]
    assert one["bars"] > 60_000
    assert one["trades"] > 100
    assert figures(command("audit", "books", "--db", urls[0], "--json"))["clean"] is True
    lines = command("export", "facts", "--db", urls[1])[1]
    assert hashlib.sha256(lines.encode("ascii")).hexdigest() == one["facts_sha256"]


@pytest.mark.timeout(400)
def test_a_model_trained_on_the_first_part_trades_the_rest_the_same_every_time_and_never_looks_ahead(
    command: Command, tmp_path: Path
) -> None:
    file = tmp_path / "XAUUSD_M1_cut.csv"
    whole = gzip.decompress(GOLD_2020.read_bytes()) if GOLD_2020.exists() else write_history(file, market(9_000, 5)).read_bytes()
    rows = whole.splitlines(keepends=True)[:9_000]
    file.write_bytes(b"".join(rows))
    one, two = (figures(command(*replay(file, f"sqlite:///{tmp_path}/{number}.db", "--clock", "EET"))) for number in (1, 2))
    assert one["bars"] == 5_400
    assert one["fills"] > 10
    assert len(one["model_sha256"]) == 64
    assert (one["facts_sha256"], one["model_sha256"]) == (two["facts_sha256"], two["model_sha256"])
    assert figures(command("audit", "books", "--db", f"sqlite:///{tmp_path}/1.db", "--json"))["clean"] is True

    model = next(tmp_path.glob("home/data/models/*/*/manifest.json")).parent
    words = ["--clock", "EET", "--model", model]
    lines = {}
    for count in (9_000, random.Random(9).randrange(6_000, 9_000)):
        cut = tmp_path / f"XAUUSD_M1_{count}.csv"
        cut.write_bytes(b"".join(rows[:count]))
        db = f"sqlite:///{tmp_path}/model-{count}.db"
        assert figures(command(*replay(cut, db, *words)))["bars"] == count
        lines[count] = command("export", "facts", "--db", db)[1]
    assert lines[9_000].startswith(lines[count])
    assert lines[count].count("OrderFilled") > 10


def test_a_clock_that_the_bars_contradict_is_said_once_before_anything_is_traded(
    command: Command, tmp_path: Path, db: str
) -> None:
    file = write(tmp_path, mt4(gold("2024-05-06", "2024-05-18", step=60, zone="Europe/Helsinki")), "gold.csv")
    words = ["run", "--headless", "--replay", file, "--timeframe", "H1", "--db", db, "--json", "--until", "2024-05-10", *CROSS]
    code, out, err = command(*words, "--clock", "UTC")
    (warning,) = (line for line in err.splitlines() if line.startswith("warning"))
    assert warning.startswith("warning: gold.csv: closed-hours bars ")
    assert warning.endswith("at EET: the file looks written on that clock")
    assert (code, out.count("\n")) == (0, 1)
    code, _, err = command(*words, "--clock", "EET")
    assert (code, "warning" in err) == (0, False)


def test_a_wrong_clock_of_the_other_instrument_is_said_too(command: Command, tmp_path: Path, db: str) -> None:
    table = gold("2024-05-06", "2024-05-18", step=60, zone="Europe/Helsinki")
    file, other = (write(tmp_path, mt4(table), f"{name}_H1.csv") for name in ("XAUUSD", "XAGUSD"))
    cheap = [
        row._replace(**{name: f"{float(getattr(row, name)) / 80:.2f}" for name in ("open", "high", "low", "close")})
        for row in table
    ]
    write(tmp_path, mt4(cheap), "XAGUSD_H1.csv")
    words = ["run", "--headless", "--replay", file, "--timeframe", "H1", "--clock", "EET", "--db", db, "--until", "2024-05-10"]
    code, _, err = command(*words, "--also", f"XAGUSD={other}@UTC", *CROSS)
    assert code == 0, err
    assert [line[:23] for line in err.splitlines() if "looks written on" in line] == ["warning: XAGUSD_H1.csv:"]
