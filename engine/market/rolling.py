"""When one future's contracts follow each other: which is in front, when it is left, and which comes next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from engine.core.clock import Nanos, to_datetime
from engine.domain.instrument import Instrument
from engine.domain.shipped import shipped_definition, shipped_keys
from engine.market.continuous import session_start
from engine.market.contracts import Contract, IsBusiness, RollRule, contracts_from, first_notice, front, fronts, last_day, rolls

Measure = Mapping[Contract, Mapping[date, float]]
"""What was dealt in each contract by day."""
MEASURED_DAYS = 10
"""Days before the one at hand that a rule by volume is worked out over: it never goes back to a contract that was left."""


@dataclass(frozen=True, slots=True)
class Rolling:
    """The contracts of `instrument` by `rule`."""

    instrument: Instrument
    rule: RollRule
    is_business: IsBusiness

    def trading_day(self, at: Nanos) -> date:
        """The day that the session at `at`, or the next one, ends on: an evening belongs to the day after."""
        sessions = self.instrument.sessions
        return to_datetime(sessions.next_close(at), sessions.zone).date()

    def in_front(self, at: Nanos, measure: Measure | None = None) -> Contract:
        """The contract in front at `at`: by what is traded where that is known for the days before, else by the calendar."""
        day = self.trading_day(at)
        if self.rule.rule == "days" or not measure:
            return front(day, self.rule, self.is_business)
        days = self._business_days(day - timedelta(days=MEASURED_DAYS), day)
        return fronts(days, self.rule, self.is_business, measure)[days[-1]]

    def follower(self, contract: Contract) -> Contract:
        """The one that is held after `contract`."""
        return next(each for each in contracts_from(contract.year, self.rule) if each > contract)

    def left_on(self, contract: Contract) -> date:
        """The first day on which nothing new is opened in it: its window before the first notice has begun."""
        return last_day(contract, self.rule, self.is_business)

    def notice(self, contract: Contract) -> date:
        """From this day on who holds it may be handed metal."""
        return first_notice(contract, self.is_business)

    def days_left(self, contract: Contract, at: Nanos) -> int:
        """Business days from the one at hand until the contract is left; 0 and less within its window."""
        today, left = self.trading_day(at), self.left_on(contract)
        between = len(self._business_days(min(today, left) + timedelta(days=1), max(today, left)))
        return between if today < left else -between

    def begins(self, dealt: Contract, since: Nanos, until: Nanos, measure: Measure | None = None) -> list[tuple[Nanos, Contract]]:
        """From when on which contract makes up the series that ends in `dealt`, for `engine.market.continuous.join`.

        One that is dealt in before it is in front counts from the session at hand, one that was left goes on.
        """
        days = self._business_days(self.trading_day(since), self.trading_day(until - 1))
        if not days:
            return [(since, dealt)]
        rule = self.rule if measure else RollRule(self.rule.months, "days", self.rule.days, self.rule.adjustment)
        by_day = {day: min(each, dealt) for day, each in fronts(days, rule, self.is_business, measure).items()}
        by_day[days[-1]] = dealt
        found = [(since, by_day[days[0]])]
        for roll in rolls(by_day):
            at = session_start(self.instrument.sessions, roll.day)
            if at <= since:
                found = [(since, roll.into)]
            else:
                found.append((at, roll.into))
        return found

    def session_before(self, at: Nanos) -> Nanos:
        """When the session before the one at `at` opened: bars since then are shared by contracts that are joined at `at`."""
        day = self.trading_day(at) - timedelta(days=1)
        while not self.is_business(day):
            day -= timedelta(days=1)
        return session_start(self.instrument.sessions, day)

    def _business_days(self, first: date, last: date) -> list[date]:
        days = (first + timedelta(days=number) for number in range((last - first).days + 1))
        return [day for day in days if self.is_business(day)]


def rolling_of(instrument: Instrument, days: int | None = None) -> Rolling | None:
    """The instrument's own rule, with other `days` where they are given; None for what is no future."""
    known = instrument.symbol in shipped_keys()
    roll, holidays = shipped_definition(instrument.symbol).roll if known else None, instrument.sessions.holidays
    if roll is None or holidays is None:
        return None
    rule = RollRule(**roll.model_dump())
    if days is not None:
        rule = RollRule(rule.months, rule.rule, days, rule.adjustment)
    return Rolling(instrument, rule, holidays.is_business)
