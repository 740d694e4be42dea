"""The configuration: what it takes, and how it says no."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from engine.config import Config, load, parse
from engine.core.errors import ConfigError
from engine.domain.instrument import INSTRUMENTS
from engine.domain.limits import Limits


def test_the_defaults_are_the_limits_of_the_domain() -> None:
    assert Config().limits.limits() == Limits()
    assert load(None) == Config()


def test_a_file_replaces_only_what_it_names(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('[limits]\nleverage = 5\n[broker]\nslippage = 0\nfill_lots = "0.3"\n[instruments.XAUUSD]\nspread = 7\n')
    config = load(file)
    assert (config.limits.leverage, config.limits.daily_loss) == (Decimal(5), Config().limits.daily_loss)
    assert config.broker.fill_lots == Decimal("0.3")
    gold = config.apply_to(INSTRUMENTS["XAUUSD"])
    assert (gold.spread, gold.commission) == (7, INSTRUMENTS["XAUUSD"].commission)
    assert config.apply_to(INSTRUMENTS["XAGUSD"]) is INSTRUMENTS["XAGUSD"]


def test_money_per_lot_becomes_cash_units_per_step() -> None:
    config = parse({"instruments": {"XAUUSD": {"commission_per_lot": 3.5, "financing_short_per_lot": -4}}}, "here")
    gold = config.apply_to(INSTRUMENTS["XAUUSD"])
    assert (gold.commission, gold.financing_short) == (35_000, -40_000)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"colour": {}}, "here: colour"),
        ({"limits": {"leverag": 3}}, "limits.leverag = 3 is not accepted: there is no such key"),
        ({"limits": {"daily_loss": "much"}}, "limits.daily_loss = 'much'"),
        ({"signals": {"expiry": 0}}, "signals.expiry = 0"),
        ({"instruments": {"XAUUSD": {"tick": 1}}}, "instruments.XAUUSD.tick"),
    ],
)
def test_a_key_that_is_not_known_or_out_of_range_is_named(values: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words.replace(".", r"\.")):
        parse(values, "here")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read as TOML"):
        load(file)
    with pytest.raises(ConfigError, match="cannot be read as TOML"):
        load(tmp_path)
    with pytest.raises(ConfigError, match="does not exist"):
        load(tmp_path / "none.toml")


def test_the_usual_learner_is_not_told_so_that_runs_keep_their_names() -> None:
    usual = Config().model_dump(mode="json")["model"]
    assert "learner" not in usual
    other = parse({"model": {"learner": "catboost"}}, "here").model_dump(mode="json")["model"]
    assert other == usual | {"learner": "catboost"}


def test_a_learner_nobody_knows_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"model\.learner = 'xgboost' is not accepted: .*use one of lightgbm, catboost"):
        parse({"model": {"learner": "xgboost"}}, "here")


def test_what_the_simulated_broker_came_to_know_later_is_told_only_where_it_is_used() -> None:
    assert set(Config().model_dump()["broker"]) == {"slippage", "through", "fill_lots"}
    told = parse({"broker": {"queue": "trades", "latency_ms": 80, "venue": "okx"}}, "x").model_dump(mode="json")["broker"]
    assert {name: told[name] for name in ("queue", "latency_ms", "venue")} == {
        "queue": "trades",
        "latency_ms": 80,
        "venue": "okx",
    }


def test_the_simulated_broker_deals_as_its_section_says() -> None:
    section = parse({"broker": {"venue": "okx", "maker_ppm": 200, "min_commission": "1.5", "sizes": True}}, "x").broker
    terms = section.terms(7)
    assert (terms.fill_steps, terms.sizes, terms.latency) == (7, True, 0)
    assert (terms.venue.maker_ppm, terms.venue.taker_ppm, terms.venue.least) == (200, 1_000, 1_500_000)
    assert not terms.venue.shorts


def test_a_venue_without_a_price_list_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"venue = 'mtgox' is not accepted: .*binance"):
        parse({"broker": {"venue": "mtgox"}}, "x")


def test_limits_that_are_as_usual_are_not_told_so_that_runs_keep_their_names() -> None:
    usual = Config().model_dump(mode="json")["limits"]
    assert sorted(usual) == [
        "daily_loss",
        "drawdown",
        "duplicate_window_s",
        "leverage",
        "open_risk",
        "orders_per_minute",
        "position",
        "position_basis",
        "worst_day_hard",
        "worst_day_soft",
    ]
    other = parse({"limits": {"value_at_risk": 0.03, "soft": {"leverage": 2}}}, "here").model_dump(mode="json")["limits"]
    assert other == usual | {"value_at_risk": "0.03", "soft": {"leverage": "2"}}


def test_every_limit_can_be_set_soft_or_for_one_instrument_or_with_actions() -> None:
    text = """
[limits]
value_at_risk = 0.03
allowed = ["XAUUSD"]
only_warn = ["news", "rate"]
losing_streak = 3
day_zone = "Europe/Berlin"
day_minute = "00:00"
[limits.soft]
leverage = 2
value_at_risk = 0.01
[limits.actions]
leverage = ["warn", "close_worst"]
[limits.instruments.XAUUSD]
order_lots = 2
margin_rate = 0.05
soft = { position = 0.01 }
"""
    limits = parse(tomllib.loads(text), "here").limits.limits()
    assert (limits.day_zone, limits.day_minute, limits.losing_streak) == ("Europe/Berlin", 0, 3)
    assert limits.actions["leverage"] == ("warn", "close_worst")
    assert limits.actions["drawdown"] == ("halt", "cancel_entries")
    gold, silver = limits.of("XAUUSD"), limits.of("XAGUSD")
    assert (gold.order_lots, gold.margin_rate, gold.soft["position"]) == (Decimal(2), Decimal("0.05"), Decimal("0.01"))
    assert (silver.order_lots, silver.margin_rate, silver.soft.get("position")) == (None, None, None)
    assert gold.soft["value_at_risk"] == Decimal("0.01")


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"losing_streak": 0}, "losing_streak = 0 is out of range"),
        ({"instruments": {"XAUUSD": {"collar": 2}}}, "instruments.XAUUSD.collar = 2 is out of range"),
        ({"instruments": {"XAUUSD": {"leverage": 2}}}, "there is no such key"),
        ({"instruments": {"XAUUSD": {"position": 5}}}, "instruments.XAUUSD.position = 5 is a share of equity"),
        ({"actions": {"leverage": ["explode"]}}, "limits.actions.leverage.0 = 'explode'"),
        ({"only_warn": ["stop"]}, "limits.only_warn.0 = 'stop'"),
        ({"soft": {"stop": 1}}, "limits.soft.stop"),
        ({"news": {"file": "/none.csv"}}, "news calendar /none.csv does not exist"),
        ({"day_zone": "Mars/Olympus"}, "there is no such time zone"),
    ],
)
def test_limits_that_make_no_sense_are_refused_with_the_reason(limits: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse({"limits": limits}, "here")
    assert words in str(refused.value)
