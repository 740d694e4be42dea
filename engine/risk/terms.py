"""What holds for one instrument: its caps as the gate goes through them, its hours, and the announcements that concern it."""

from __future__ import annotations

from typing import NamedTuple

from engine.domain.instrument import CASH_SCALE, Cash, Instrument, Steps
from engine.domain.limits import Limits
from engine.domain.market import Symbol
from engine.domain.news import NewsCalendar
from engine.risk.hours import Hours, QuietTimes
from engine.rules.limits import (
    CORRELATION,
    DAILY_LOSS,
    DRAWDOWN,
    LEVERAGE,
    LIMITS,
    MARGIN,
    OPEN_RISK,
    POSITION,
    SHORTFALL,
    VALUE_AT_RISK,
    WORST_DAY,
)


class Cap(NamedTuple):
    """One cap: its row in engine.rules.limits, whether it denies, its value, and what its line is called."""

    row: int
    hard: bool
    value: float
    name: str


class Terms(NamedTuple):
    """Limits as they hold for one instrument. Money in cash units, quantities in lot steps."""

    symbol: Symbol
    limits: Limits
    caps: tuple[Cap, ...]
    by_risk: bool
    margin_rate: float
    has_margin: bool
    has_funds: bool
    most_steps: Steps
    most_notional: Cash
    collar: float
    news: NewsCalendar
    allowed: frozenset[Symbol]
    quiet: QuietTimes
    hours: Hours


UNLIMITED = 1 << 62


def terms_of(instrument: Instrument, limits: Limits) -> Terms:
    """The terms of `instrument` under the account's `limits`."""
    own = limits.of(instrument.symbol)
    rates = (limits.margin_rate, *(each.get("margin_rate") for each in limits.instruments.values()))
    lots, notional = own.order_lots, own.order_notional
    news = own.news.about(named(instrument))
    return Terms(
        instrument.symbol,
        own,
        caps(own),
        own.position_basis == "risk",
        margin_rate(limits, instrument.symbol),
        any(rate is not None for rate in rates),
        lots is not None or notional is not None or own.account == "cash",
        UNLIMITED if lots is None else int(lots / instrument.lot_step),
        UNLIMITED if notional is None else int(notional * CASH_SCALE),
        float(instrument.collar if own.collar is None else min(own.collar, instrument.collar)),
        news,
        frozenset(own.allowed),
        QuietTimes(news),
        Hours(instrument.sessions),
    )


def named(instrument: Instrument) -> tuple[str, ...]:
    """What an announcement may call the instrument: its symbol, and the currencies in it."""
    symbol, currency = instrument.symbol, instrument.currency
    return symbol, currency, symbol.removesuffix(currency)


def margin_rate(limits: Limits, symbol: str) -> float:
    """Share of the notional that is held back; all of it where nothing is said."""
    rate = limits.of(symbol).margin_rate
    return 1.0 if rate is None else float(rate)


def caps(limits: Limits) -> tuple[Cap, ...]:
    """Every cap, a limit's soft one before its hard one."""
    found: list[Cap] = []
    for row, hard in (
        (POSITION, limits.position),
        (DAILY_LOSS, limits.daily_loss),
        (WORST_DAY, limits.worst_day_hard),
        (OPEN_RISK, limits.open_risk),
        (LEVERAGE, limits.leverage),
        (DRAWDOWN, limits.drawdown),
        (CORRELATION, limits.position),
        (MARGIN, limits.margin),
        (VALUE_AT_RISK, limits.value_at_risk),
        (SHORTFALL, limits.expected_shortfall),
    ):
        name = LIMITS[row]
        soft = limits.worst_day_soft if row == WORST_DAY else limits.soft.get(name)
        if soft is not None:
            found.append(Cap(row, False, float(soft), f"{name}_soft"))
        if hard is not None:
            found.append(Cap(row, True, float(hard), name))
    return tuple(found)
