"""The limits in force: what the book was opened with, and what facts made of it. No limit loosens itself."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import Any

from engine.core.clock import MINUTE, Nanos
from engine.core.errors import StoreError, UserError
from engine.domain import facts as f
from engine.domain.instrument import Instrument
from engine.domain.intents import ChangeLimits
from engine.domain.limit_rules import RULES, parsed, read, rule_of, spelled
from engine.domain.limit_settings import SETTINGS, both, named, told, with_settings
from engine.domain.limits import Limits
from engine.domain.market import Symbol

NEVER: Nanos = 1 << 62
_CONFIGURED = "the configuration was changed"


class LimitsInForce:
    """Folds the facts about limits. `limits` is what holds now, `waiting` what was asked for and is not due yet.

    `chosen` are settings that the command line chose for this session alone, as (name, JSON): they replace what is in force
    until a session is begun without them, are on record, and change nothing of what is configured.
    """

    def __init__(
        self, opening: Limits, instruments: Mapping[Symbol, Instrument], chosen: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.limits = self._kept = opening
        self._chosen = chosen
        self.waiting: dict[tuple[str, Symbol], f.LimitsRequested] = {}
        self._configured = opening
        self._read: f.LimitsRead | None = None
        self.due: Nanos = NEVER
        """When the next request comes into force; NEVER where none waits."""
        self._instruments = instruments

    def answer(self, intent: ChangeLimits, at: Nanos) -> f.LimitFact:
        """The fact that the intent leads to. UserError says why it cannot be done."""
        name, symbol = intent.limit, intent.symbol
        if symbol and symbol not in self._instruments:
            raise UserError(f"{symbol} is not traded in this session")
        rule_of(name, symbol)
        self._check(name, read(name, intent.value))
        return self._answer(intent, at)

    def _answer(self, intent: ChangeLimits, at: Nanos) -> f.LimitFact:
        name, symbol = intent.limit, intent.symbol
        value, before = read(name, intent.value), self.limits.value(name, symbol)
        if value == before:
            if (name, symbol) in self.waiting:
                return f.LimitsWithdrawn(name, symbol, intent.reason or "withdrawn by the owner")
            raise UserError(f"{_called(name, symbol)} is {spelled(before)} already")
        if not self._loosens(name, before, value):
            return f.LimitsChanged(name, symbol, spelled(value), spelled(before), intent.reason or "tightened by the owner")
        if not intent.reason.strip():
            raise UserError(f"{_called(name, symbol)} would be loosened from {spelled(before)} to {spelled(value)}; say why")
        due = at + self.limits.loosen_after_min * MINUTE
        return f.LimitsRequested(name, symbol, spelled(value), spelled(before), intent.reason, due)

    def _loosens(self, name: str, before: Any, value: Any) -> bool:
        """Whether more would be let through. What has no margin rate is held back whole as soon as anything has one."""
        rates = (self.limits.margin_rate, *(own.get("margin_rate") for own in self.limits.instruments.values()))
        if name == "margin_rate" and before is None and any(rate is not None for rate in rates):
            return True
        return RULES[name].loosens(before, value)

    def _check(self, name: str, value: Any) -> None:
        """What a limit may not be beside the others."""
        if name == "position" and self.limits.position_basis == "risk" and value > 1:
            raise UserError("position is a share of equity, such as 0.05 for 5 %; above 1 only where it measures notional")

    def compare(self, at: Nanos) -> list[f.LimitFact]:
        """For a session that goes on over restarts: the facts by which what is configured comes into force.

        At first it is what the book opens with. What was changed in the configuration since it was last read is asked for like
        anything else: what tightens acts at once, what loosens waits, and so does every setting that has no tighter way. All are
        worked out before any is told, each as if those before it were applied.
        """
        before = self._read
        now = f.LimitsRead("", _values(self._configured), settings=told(self._configured), chosen=self._chosen)
        if before == now:
            return []
        facts: list[f.LimitFact] = [now]
        if before is None:
            return facts
        ahead = copy(self)
        ahead.waiting = dict(self.waiting)
        ahead.apply(now, at)
        for name in SETTINGS if before.settings else ():
            if dict(before.settings).get(name) != dict(now.settings)[name]:
                facts += ahead.tell(ahead.ask_setting(name, at), at)
        old = {(name, symbol): text for name, symbol, text in before.values}
        new = {(name, symbol): text for name, symbol, text in now.values}
        for name, symbol in {**old, **new}:
            is_traded = not symbol or symbol in self._instruments
            if is_traded and name in RULES and old.get((name, symbol)) != new.get((name, symbol)):
                facts += ahead.tell(ahead.ask_value(name, symbol, at), at)
        return facts

    def tell(self, fact: f.LimitFact | None, at: Nanos) -> list[f.LimitFact]:
        """Applies the fact, where there is one."""
        if fact is None:
            return []
        self.apply(fact, at)
        return [fact]

    def ask_value(self, name: str, symbol: Symbol, at: Nanos) -> f.LimitFact | None:
        """What the value that is configured now leads to; None where it is in force and nothing waits."""
        wanted = spelled(self._configured.value(name, symbol))
        if spelled(self.limits.value(name, symbol)) == wanted and (name, symbol) not in self.waiting:
            return None
        return self._answer(ChangeLimits(name, wanted, symbol, _CONFIGURED), at)

    def ask_setting(self, name: str, at: Nanos) -> f.LimitFact | None:
        """As `ask_value`, of a setting: it is in force when what loosens would be."""
        before, wanted = dict(told(self._kept))[name], dict(told(self._configured))[name]
        if before == wanted:
            return f.LimitsWithdrawn(name, "", _CONFIGURED) if (name, "") in self.waiting else None
        due = at + self.limits.loosen_after_min * MINUTE
        return f.LimitsRequested(name, "", named(wanted), named(before), _CONFIGURED, due)

    def take(self, at: Nanos) -> list[f.LimitsChanged]:
        """What comes into force by `at`, the earliest first."""
        due = sorted((request for request in self.waiting.values() if request.due <= at), key=lambda request: request.due)
        return [f.LimitsChanged(each.limit, each.symbol, each.value, self._now(each), each.reason) for each in due]

    def _now(self, request: f.LimitsRequested) -> str:
        if request.limit in SETTINGS:
            return named(dict(told(self._kept))[request.limit])
        return spelled(self.limits.value(request.limit, request.symbol))

    def apply(self, fact: f.Fact, at: Nanos) -> bool:
        """Takes a fact in; True when it changed the limits. StoreError for a limit that would loosen unasked or too early."""
        has_changed = self._take_in(fact, at)
        before, self.limits = self.limits, self._overlaid()
        has_changed = has_changed or self.limits != before
        self.due = min((request.due for request in self.waiting.values()), default=NEVER)
        return has_changed

    def _take_in(self, fact: f.Fact, at: Nanos) -> bool:
        match fact:
            case f.LimitsRead():
                before, self._read = self._read, fact
                if before is None:
                    self._kept = _opened_with(self._configured, fact)
                elif not before.settings:  # a book from before settings were on record
                    self._kept = with_settings(self._kept, dict(fact.settings))
                return before is None
            case f.LimitsRequested():
                self.waiting[fact.limit, fact.symbol] = fact
            case f.LimitsWithdrawn():
                self.waiting.pop((fact.limit, fact.symbol), None)
            case f.LimitsChanged() if fact.limit in SETTINGS:
                self._check_asked(fact, self.waiting.pop((fact.limit, ""), None), at)
                self._kept = with_settings(self._kept, {fact.limit: self._told_last(fact)})
                return True
            case f.LimitsChanged():
                value = parsed(fact.limit, fact.value)
                asked = self.waiting.pop((fact.limit, fact.symbol), None)
                if self._loosens(fact.limit, self.limits.value(fact.limit, fact.symbol), value):
                    self._check_asked(fact, asked, at)
                self._kept = self._kept.with_value(fact.limit, value, fact.symbol)
                return True
            case _:
                pass
        return False

    def _overlaid(self) -> Limits:
        """What is kept, with what was chosen for this session alone. News that wait are heeded beside those in force."""
        limits, read_last = self._kept, self._read
        if read_last is not None:
            if ("news", "") in self.waiting:
                waiting = with_settings(limits, {"news": dict(read_last.settings)["news"]}).news
                limits = replace(limits, news=both(limits.news, waiting))
            limits = with_settings(limits, dict(read_last.chosen))
        return limits

    def _told_last(self, fact: f.LimitsChanged) -> str:
        """The setting's text as it was read last: what is asked for is always that."""
        text = dict(self._read.settings).get(fact.limit, "") if self._read is not None else ""
        if named(text) != fact.value:
            raise StoreError(f"{fact.limit} would become {fact.value}, which no configuration said; audit the book")
        return text

    def _check_asked(self, fact: f.LimitsChanged, asked: f.LimitsRequested | None, at: Nanos) -> None:
        if asked is None or asked.value != fact.value or asked.due > at:
            what = f"{_called(fact.limit, fact.symbol)} would be loosened to {fact.value}"
            raise StoreError(f"{what} without a request that is due; audit the book")


def _values(limits: Limits) -> tuple[tuple[str, str, str], ...]:
    """Every limit that can be changed, and those of single instruments: (limit, symbol, text)."""
    own = [(name, symbol) for symbol, caps in sorted(limits.instruments.items()) for name in sorted(caps)]
    asked = [*((name, "") for name in RULES), *own]
    return tuple((name, symbol, spelled(limits.value(name, symbol))) for name, symbol in asked)


def _opened_with(configured: Limits, fact: f.LimitsRead) -> Limits:
    """What is configured now, with the values that the book was opened with."""
    limits = replace(configured, instruments={})
    for name, symbol, text in fact.values:
        if name in RULES:
            limits = limits.with_value(name, parsed(name, text), symbol)
    return with_settings(limits, dict(fact.settings))


def _called(name: str, symbol: Symbol) -> str:
    return f"{name} of {symbol}" if symbol else name
