"""The limits in force: what the book was opened with, and what facts made of it. No limit loosens itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from engine.core.clock import MINUTE, Nanos
from engine.core.errors import StoreError, UserError
from engine.domain import facts as f
from engine.domain.instrument import Instrument
from engine.domain.intents import ChangeLimits
from engine.domain.limit_rules import RULES, parsed, read, rule_of, spelled
from engine.domain.limits import Limits
from engine.domain.market import Symbol

NEVER: Nanos = 1 << 62


class LimitsInForce:
    """Folds the facts about limits. `limits` is what holds now, `waiting` what was asked for and is not due yet."""

    def __init__(self, opening: Limits, instruments: Mapping[Symbol, Instrument]) -> None:
        self.limits = opening
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
        value, before = read(name, intent.value), self.limits.value(name, symbol)
        self._check(name, value)
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

    def compare(self, at: Nanos) -> Iterator[f.LimitFact]:
        """For a session that goes on over restarts: the facts by which what is configured comes into force.

        At first it is what the book opens with. What was changed in the configuration since it was last read is asked for like
        anything else: what tightens acts at once, what loosens waits. Each fact is to be applied before the next is taken.
        """
        before, now = self._read, f.LimitsRead("", _values(self._configured))
        if before is None:
            yield now
            return
        if before.values == now.values:
            return
        yield now
        old = {(name, symbol): text for name, symbol, text in before.values}
        new = {(name, symbol): text for name, symbol, text in now.values}
        for name, symbol in {**old, **new}:
            if symbol and symbol not in self._instruments:
                continue
            wanted = spelled(self._configured.value(name, symbol))
            if old.get((name, symbol)) != new.get((name, symbol)) and spelled(self.limits.value(name, symbol)) != wanted:
                yield self.answer(ChangeLimits(name, wanted, symbol, "the configuration was changed"), at)

    def take(self, at: Nanos) -> list[f.LimitsChanged]:
        """What comes into force by `at`, the earliest first."""
        due = sorted((request for request in self.waiting.values() if request.due <= at), key=lambda request: request.due)
        return [f.LimitsChanged(each.limit, each.symbol, each.value, self._now(each), each.reason) for each in due]

    def _now(self, request: f.LimitsRequested) -> str:
        return spelled(self.limits.value(request.limit, request.symbol))

    def apply(self, fact: f.Fact, at: Nanos) -> bool:
        """Takes a fact in; True when it changed the limits. StoreError for a limit that would loosen unasked or too early."""
        has_changed = self._take_in(fact, at)
        self.due = min((request.due for request in self.waiting.values()), default=NEVER)
        return has_changed

    def _take_in(self, fact: f.Fact, at: Nanos) -> bool:
        match fact:
            case f.LimitsRead():
                is_first, self._read = self._read is None, fact
                if is_first:
                    self.limits = _opened_with(self._configured, fact)
                return is_first
            case f.LimitsRequested():
                self.waiting[fact.limit, fact.symbol] = fact
            case f.LimitsWithdrawn():
                self.waiting.pop((fact.limit, fact.symbol), None)
            case f.LimitsChanged():
                value = parsed(fact.limit, fact.value)
                asked = self.waiting.pop((fact.limit, fact.symbol), None)
                if self._loosens(fact.limit, self.limits.value(fact.limit, fact.symbol), value):
                    self._check_asked(fact, asked, at)
                self.limits = self.limits.with_value(fact.limit, value, fact.symbol)
                return True
            case _:
                pass
        return False

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
    return limits


def _called(name: str, symbol: Symbol) -> str:
    return f"{name} of {symbol}" if symbol else name
