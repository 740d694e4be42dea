"""The configuration: what it takes, and how it says no."""

from __future__ import annotations

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
