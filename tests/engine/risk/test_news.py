"""The calendar of announcements: what it takes, and how it says no."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import parse
from engine.core.clock import MINUTE, from_iso
from engine.core.errors import ConfigError
from engine.domain.news import Blackout
from engine.risk.news import load_news

AT = from_iso("2026-11-20T13:30:00Z")
TOML = """
[[event]]
time = 2026-11-20T13:30:00Z
currency = "usd"
importance = "high"
before = 10
title = "Payrolls, revised"
[[event]]
time = "2026-11-20T14:30:00+01:00"
currency = "EUR"
importance = "low"
"""
CSV = """time,currency,importance,before,after,title
2026-11-21T09:00:00Z,EUR,medium,,,
2026-11-20T13:30:00Z,USD,high,10,,"Payrolls, revised"

2026-11-20T13:30:00Z,EUR,low,5,5,Sentiment
"""


def written(folder: Path, text: str, name: str = "news.csv") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(("text", "name"), [(CSV, "news.csv"), (TOML, "news.toml"), ("\ufeff" + CSV, "bom.csv")])
def test_a_calendar_is_read_from_csv_and_toml(text: str, name: str, tmp_path: Path) -> None:
    calendar = load_news(written(tmp_path, text, name))
    assert calendar.blackouts[0] == Blackout(AT, AT - 10 * MINUTE, AT + 15 * MINUTE, "USD", "high", "Payrolls, revised")
    assert all(each.importance != "low" for each in calendar.blackouts)
    assert len(load_news(tmp_path / name, "low").blackouts) == len(calendar.blackouts) + 1
    assert len(calendar.sha256) == 64


def test_of_two_announcements_the_one_that_ends_last_is_named(tmp_path: Path) -> None:
    rows = "time,currency,before,after\n2026-11-20T13:30:00Z,USD,60,60\n2026-11-20T13:40:00Z,USD,5,5\n"
    calendar = load_news(written(tmp_path, rows))
    found = calendar.at(AT + 10 * MINUTE)
    assert found is not None
    assert found.at == AT
    assert calendar.at(AT + 61 * MINUTE) is None


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("time,curency\n", "n.csv", "line 1: 'curency' is not known; use time, currency, importance"),
        ("time,title\n", "n.csv", "line 1: 'currency' is missing"),
        ("time,currency\nsoon,USD\n", "n.csv", "line 2: time 'soon' is no ISO 8601 time"),
        ("time,currency\n2026-11-20,USD,x\n", "n.csv", "line 2: 3 values where the heading names 2"),
        ("time,currency\n,USD\n", "n.csv", "line 2: the time is missing"),
        (
            "time,currency,importance\n2026-11-20,USD,huge\n",
            "n.csv",
            "line 2: importance 'huge' is not known; use low, medium, high",
        ),
        ("time,currency,before\n2026-11-20,USD,-1\n", "n.csv", "before = -1 minutes; give 0 to"),
        ("time,currency,before\n2026-11-20,USD,soon\n", "n.csv", "before = 'soon' is not a whole number"),
        ("", "n.csv", "'time' is missing"),
        ("x = 1\n", "n.toml", "tables [[event]] and nothing else"),
        ("[[event]]\ntime = 2026-11-20T13:30:00Z\n", "n.toml", "event 1: 'currency' is missing"),
        ("= 1", "n.toml", "cannot be read as TOML"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load_news(written(tmp_path, text, name))
    assert words in str(refused.value)


def test_a_file_that_is_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        load_news(tmp_path / "none.csv")
    (tmp_path / "raw.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read as text"):
        load_news(tmp_path / "raw.csv")


def test_a_run_is_told_apart_by_what_its_calendar_says_not_by_where_it_lies(tmp_path: Path) -> None:
    def described(path: Path) -> object:
        return parse({"limits": {"news": {"file": str(path)}}}, "here").model_dump(mode="json")["limits"]["news"]

    one, same = written(tmp_path, CSV), written(tmp_path, CSV, "copy.csv")
    assert described(one) == described(same)
    assert described(written(tmp_path, CSV + "\n", "other.csv")) != described(one)
    limits = parse({"limits": {"news": {"file": str(one)}}}, "here").limits.limits()
    assert len(limits.news.blackouts) == 2
