"""Futures contracts: which one is in front on a day.

A contract is left before its first notice, when who is long may be handed metal: on COMEX the last business day of the month
before the contract's (rulebook chapter 113).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal, NamedTuple

from engine.core.errors import DataError, UserError

MONTHS = "FGHJKMNQUVXZ"
"""The letter of each month, January first."""

IsBusiness = Callable[[date], bool]


class Contract(NamedTuple):
    """A contract by its delivery month; sorted by time."""

    year: int
    month: int

    @classmethod
    def of(cls, code: str) -> Contract:
        """The contract that "Z25" names, or "202512", or its last day of trading "20251229"; UserError for another writing."""
        letter, digits = code[:1].upper(), code[1:]
        if letter and letter in MONTHS and len(digits) == 2 and digits.isdigit():
            return cls(2000 + int(digits), MONTHS.index(letter) + 1)
        if len(code) in (6, 8) and code.isdigit() and code[:2] == "20" and 1 <= int(code[4:6]) <= 12:
            return cls(int(code[:4]), int(code[4:6]))
        raise UserError(f"{code!r} is no contract; write the month's letter and two digits of the year, as in Z25, or 202512")

    @property
    def code(self) -> str:
        """As exchanges write it: Z25."""
        return f"{MONTHS[self.month - 1]}{self.year % 100:02d}"


@dataclass(frozen=True, slots=True)
class RollRule:
    """`months` are the letters of the contracts that are held. By "days" a contract is left `days` business days before its first
    notice; by "volume" or "open_interest" on the day after a later one had more of it, and by days at the latest."""

    months: str
    rule: Literal["days", "volume", "open_interest"] = "days"
    days: int = 3
    adjustment: Literal["none", "difference", "ratio"] = "difference"


def first_notice(contract: Contract, is_business: IsBusiness) -> date:
    """The last business day of the month before the contract's."""
    return _business_before(date(contract.year, contract.month, 1), 1, is_business)


def last_day(contract: Contract, rule: RollRule, is_business: IsBusiness) -> date:
    """The day from which the contract is in front no longer: `days` business days before its first notice."""
    return _business_before(first_notice(contract, is_business), rule.days, is_business)


def _business_before(day: date, count: int, is_business: IsBusiness) -> date:
    while count:
        day -= timedelta(days=1)
        count -= is_business(day)
    return day


def contracts_from(year: int, rule: RollRule) -> Iterator[Contract]:
    """The rule's contracts from the first of `year` on, without end."""
    while True:
        yield from (Contract(year, month) for month, letter in enumerate(MONTHS, 1) if letter in rule.months)
        year += 1


def front(day: date, rule: RollRule, is_business: IsBusiness) -> Contract:
    """The contract in front on `day` by the calendar alone."""
    return next(each for each in contracts_from(day.year, rule) if last_day(each, rule, is_business) > day)


def fronts(
    days: Sequence[date],
    rule: RollRule,
    is_business: IsBusiness,
    measure: Mapping[Contract, Mapping[date, float]] | None = None,
) -> dict[date, Contract]:
    """The contract in front on each of `days` (ascending).

    `measure` is the volume or open interest of each contract by day, for the rules that go by it: what was known when the day
    began decides, the figures of the day before. A contract once left is never gone back to. DataError where it is missing.
    """
    if rule.rule == "days":
        return {day: front(day, rule, is_business) for day in days}
    if not measure:
        raise DataError(f"contracts rolled by {rule.rule.replace('_', ' ')} need it by day; give it, or roll by days")
    found: dict[date, Contract] = {}
    held: Contract | None = None
    before: date | None = None
    for day in days:
        latest = front(day, rule, is_business)
        held = latest if held is None else max(held, latest)
        held = _overtaken(held, before, rule, measure) if before else held
        found[day] = held
        before = day
    return found


def _overtaken(held: Contract, day: date, rule: RollRule, measure: Mapping[Contract, Mapping[date, float]]) -> Contract:
    """The later contract with more of the measure on `day` than the one held has; of several the one with the most."""
    later = [each for each in measure if each > held and MONTHS[each.month - 1] in rule.months]
    best = max(later, key=lambda each: (measure[each].get(day, 0.0), -each.year, -each.month), default=held)
    return best if measure.get(best, {}).get(day, 0.0) > measure.get(held, {}).get(day, 0.0) else held


class Roll(NamedTuple):
    """The day from which `into` is in front in the place of `out`."""

    day: date
    out: Contract
    into: Contract


def rolls(by_day: Mapping[date, Contract]) -> list[Roll]:
    """Where the contract in front changes."""
    days = list(by_day)
    return [Roll(day, by_day[was], by_day[day]) for was, day in pairwise(days) if by_day[was] != by_day[day]]
