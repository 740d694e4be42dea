"""Instruments as data: what a file may say, and the one sentence for what it may not."""

from __future__ import annotations

import json
from decimal import Decimal
from importlib import resources
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.clock import from_iso
from engine.core.errors import UserError
from engine.domain.definition import Definition, faults, parse, parse_text, plain
from engine.domain.instrument import INSTRUMENTS, instrument_of
from engine.domain.shipped import instrument_from, shipped_definition, shipped_keys
from engine.domain.timetable import Period

GOLD = shipped_definition("XAUUSD")
NUMBERS = (
    *("price.tick", "size.contract", "size.step", "size.smallest", "size.largest"),
    *("costs.commission", "financing.long", "financing.short", "checks.collar"),
)


def with_value(path: str, value: Any) -> dict[str, Any]:
    """Gold's values with one of them replaced; None takes it away."""
    values: dict[str, Any] = json.loads(GOLD.canonical())
    *parts, name = path.split(".")
    place = values
    for part in parts:
        place = place.setdefault(part, {})
    place[name] = value
    if value is None:
        del place[name]
    return values


def test_the_default_gold_is_dealt_on_the_terms_it_always_was() -> None:
    gold = INSTRUMENTS["XAUUSD"]
    money = (gold.commission, gold.financing_long, gold.financing_short, gold.commission_ppm)
    assert (str(gold.tick_size), str(gold.lot_step), gold.contract_size, gold.currency) == ("0.01", "0.01", 100, "USD")
    assert (gold.spread, gold.min_order, gold.max_order, gold.stale_after_s, gold.triple_night) == (20, 1, 5_000, 120, 2)
    assert money == (35_000, 120_000, -40_000, 0)
    assert (gold.collar, gold.plausible, gold.kin) == (Decimal("0.05"), (200, 10_000), "XAGUSD")


@pytest.mark.parametrize("key", shipped_keys())
def test_every_shipped_file_is_named_by_what_it_defines_and_survives_its_canonical_form(key: str) -> None:
    definition = shipped_definition(key)
    assert definition.key == key
    again = parse(json.loads(definition.canonical()), key)
    assert (again, again.sha256) == (definition, definition.sha256)
    assert instrument_from(again) == instrument_of(key)


def test_the_hash_does_not_hear_how_a_number_is_written() -> None:
    text = (resources.files("resources.instruments") / "XAUUSD.toml").read_text("utf-8")
    assert parse_text(text.replace("tick = 0.01", "tick = 0.0100"), "here").sha256 == GOLD.sha256
    assert parse_text(text.replace("tick = 0.01", "tick = 0.05"), "here").sha256 != GOLD.sha256


def test_several_brokers_list_gold_under_one_symbol() -> None:
    terms = {key: instrument_of(key) for key in ("XAUUSD@2digit", "XAUUSD@3digit", "XAUUSD@IB")}
    assert {each.symbol for each in terms.values()} == {"XAUUSD"}
    assert [str(each.tick_size) for each in terms.values()] == ["0.01", "0.001", "0.01"]
    assert [each.units(1) for each in terms.values()] == [1, 1, 1]
    assert "XAUUSD@ib" not in list(INSTRUMENTS)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("price.tick", "abc", "price.tick = 'abc' is not accepted: it is not a number"),
        ("price.tick", 0, "price.tick = 0 is not accepted: input should be greater than 0"),
        ("price.tick", None, "price.tick is not accepted: it is missing"),
        ("price.spread", 1.5, "price.spread = 1.5 is not accepted: it is not a whole number"),
        ("price.plausible", [10, 5], "price is not accepted: plausible names the lowest price first, then the highest"),
        ("price.ticks", 1, "price.ticks = 1 is not accepted: there is no such key; see main.py instruments show XAUUSD"),
        ("size.smallest", 0.015, "size is not accepted: smallest 0.015 is not a multiple of the step 0.01"),
        ("size.smallest", 90, "size is not accepted: smallest is larger than largest"),
        ("size.step", "0.00000001", "is worth less than a millionth of the currency; choose a coarser step"),
        (
            "sessions.zone",
            "Mars/Base",
            "sessions.zone = 'Mars/Base' is not accepted: there is no such time zone; use an IANA name",
        ),
        ("sessions.periods", ["18:00-17:00"], "a period is written as 'Sun 18:00 - Mon 17:00'"),
        ("sessions.periods", ["Mon 25:00 - Tue 17:00"], "a time of day is written as '17:00'"),
        ("sessions.periods", ["Mon 18:00 - Tue 19:00", "Tue 18:00 - Wed 17:00"], "'Tue 18:00 - Wed 17:00' opens before"),
        ("sessions.periods", [], "a market around the clock keeps no holidays"),
        ("holidays.closed", ["02-30"], "a date of every year is written as '12-25'"),
        ("holidays.early", [{"on": "sometimes", "at": "13:00"}], "short days are 'holiday', 'after'"),
        ("financing.triple", "Someday", "financing.triple = 'Someday' is not accepted: a weekday is one of Mon, Tue"),
        ("financing.long", "nan", "financing.long = 'nan' is not accepted: input should be a finite number"),
        ("checks.collar", 2, "checks.collar = 2 is not accepted: input should be less than or equal to 1"),
        ("kind", "future", "a future needs a roll"),
        ("roll", {"months": "GJMQZ"}, "a spot has no roll; leave it out"),
        ("symbol", "gold", "symbol = 'gold' is not accepted: string should match"),
    ],
)
def test_a_fault_is_one_sentence_with_its_path(path: str, value: Any, sentence: str) -> None:
    values = with_value(path, value)
    with pytest.raises(UserError, match=r"^XAUUSD: ") as refused:
        parse(values, "XAUUSD")
    assert sentence in str(refused.value)
    assert any(str(refused.value).endswith(said) for _, said in faults(values))


@pytest.mark.parametrize(
    "zone", ["localtime", "posixrules", "Factory", "right/UTC", "posix/UTC", "europe/athens", "zones", "", 3, [1]]
)
def test_a_zone_that_is_not_the_same_on_every_machine_is_refused(zone: Any) -> None:
    for path in ("sessions.zone", "financing.zone"):
        assert faults(with_value(path, zone)) == [(path, "there is no such time zone; use an IANA name such as America/New_York")]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Athens", "America/New_York", "Etc/GMT-2", "EST5EDT"])
def test_a_zone_of_the_list_is_taken(zone: str) -> None:
    assert parse(with_value("sessions.zone", zone), "XAUUSD").sessions.zone == zone


@pytest.mark.parametrize(
    ("changes", "path", "sentence"),
    [
        ({"size.step": "1e-300"}, "size.step", "decimal input should have no more than 12 decimal places"),
        ({"price.tick": "1e-400000000"}, "price.tick", "decimal input should have no more than 12 decimal places"),
        ({"checks.collar": "1e-400000000"}, "checks.collar", "decimal input should have no more than 15 decimal places"),
        (
            {"price.tick": "3e14", "price.plausible": ["3e14", "9e14"]},
            "",
            "a tick on one step of 0.01 lots comes to 300000000000000, which is more than the books can count",
        ),
        (
            {"size.step": "1e12", "size.smallest": "1e12", "size.largest": "1e12", "size.contract": "1e-9"},
            "",
            "a night on one step of 1000000000000 lots comes to 12000000000000",
        ),
        (
            {"size.largest": "1e15", "size.step": "1e-4"},
            "size",
            "largest 1000000000000000 is more steps of 0.0001 than can be counted",
        ),
        (
            {"price.plausible": ["1", "1e15"], "price.tick": "0.0001"},
            "price",
            "the highest plausible price is more ticks of",
        ),
    ],
)
def test_what_64_bits_cannot_count_is_a_sentence(changes: dict[str, Any], path: str, sentence: str) -> None:
    values = json.loads(GOLD.canonical())
    for place, value in changes.items():
        part, name = place.split(".")
        values[part][name] = value
    ((found, said),) = faults(values)
    assert found == path
    assert sentence in said


@given(st.dictionaries(st.sampled_from(NUMBERS), st.tuples(st.integers(0, 10**30), st.integers(-320, 20)), min_size=1))
def test_no_number_is_too_large_or_too_small_for_a_sentence(changes: dict[str, tuple[int, int]]) -> None:
    values = json.loads(GOLD.canonical())
    for place, (digits, exponent) in changes.items():
        part, name = place.split(".")
        values[part][name] = f"{digits}e{exponent}"
    if not faults(values):
        terms = instrument_from(parse(values, "XAUUSD"))
        counted = (terms.tick_value, terms.max_order, terms.commission, terms.financing_long, terms.financing_short)
        assert max(map(abs, counted)) < 2**62


def test_every_fault_is_found_at_once_for_a_form() -> None:
    values = with_value("price.tick", "x") | {"name": ""}
    assert {path for path, _ in faults(values)} == {"price.tick", "name"}
    assert faults(json.loads(GOLD.canonical())) == []


@pytest.mark.parametrize(
    "holidays", [{"calendar": "CMES"}, {"half_days": "XNYS"}, {"closed": ["12-25"]}, {"early": [{"on": "12-24", "at": "13:00"}]}]
)
def test_a_holiday_is_not_kept_in_a_period_longer_than_a_day(holidays: dict[str, Any]) -> None:
    week = with_value("sessions.periods", ["Sun 18:00 - Fri 17:00"]) | {"holidays": holidays}
    ((_, said),) = faults(week)
    assert said.startswith(
        "'Sun 18:00 - Fri 17:00' is longer than a day, so that holidays could not shut a day of it; name a period"
    )
    assert faults(week | {"holidays": {}}) == []


def test_days_that_follow_on_each_other_keep_their_holidays() -> None:
    days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri"]
    periods = [f"{one} 17:00 - {other} 17:00" for one, other in pairwise(days)]
    hours = instrument_from(parse(with_value("sessions.periods", periods), "XAUUSD")).sessions
    assert not hours.is_open(from_iso("2024-12-25T12:00"))
    assert [hours.is_open(from_iso(f"2024-03-{day}T12:00")) for day in (25, 26, 27, 28, 29)] == [True, True, True, True, False]


def test_contracts_follow_in_the_order_of_the_year() -> None:
    values = json.loads(shipped_definition("GC").canonical())
    values["roll"]["months"] = "ZG"
    assert "months are named once each, in the order of the year" in faults(values)[0][1]


def test_a_text_that_is_no_toml_is_refused() -> None:
    with pytest.raises(UserError, match="here cannot be read as TOML"):
        parse_text("symbol = ", "here")


def test_an_instrument_in_force_is_what_its_symbol_means_until_it_is_forgotten() -> None:
    coarse = parse(with_value("price.tick", "0.05"), "XAUUSD")
    try:
        INSTRUMENTS.adopt(instrument_from(coarse))
        assert instrument_of("XAUUSD").tick_size == Decimal("0.05")
    finally:
        INSTRUMENTS.release("XAUUSD")
    assert instrument_of("XAUUSD").tick_size == Decimal("0.01")


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9))
def test_numbers_are_written_plainly_and_read_back(value: Decimal) -> None:
    assert Decimal(plain(value)) == value
    assert "E" not in plain(value)


@given(st.integers(0, 6), st.integers(0, 1439), st.integers(1, 7 * 1440 - 1))
def test_a_period_reads_back_as_it_is_written(day: int, minute: int, length: int) -> None:
    opens = day * 1440 + minute
    period = Period(opens - 7 * 1440 if day == 6 else opens, (opens - 7 * 1440 if day == 6 else opens) + length)
    assert Period.of(str(period)) == period
    assert period.weekly[:2] == (day, minute)


def test_the_terms_of_a_definition_are_those_of_its_instrument() -> None:
    definition: Definition = shipped_definition("XAUUSD@3digit")
    terms = instrument_from(definition)
    assert (terms.commission, terms.financing_long, terms.financing_short) == (35_000, 420_000, -180_000)
    assert terms.definition == definition.sha256
