"""The instruments the program is shipped with: one file each, read when it is asked for."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from engine.domain.holidays import EarlyClose, Holidays
from engine.domain.instrument import Character, Instrument, cash
from engine.domain.market import BarSide
from engine.domain.sessions import Sessions

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from engine.domain.definition import Closed, Definition

_FIRST = ("XAUUSD", "XAGUSD", "GC", "MGC", "EURUSD", "US500", "PAXGUSDT", "BTCUSDT")
"""The order in which they are offered; others follow by name."""


def _folder() -> Traversable:
    return resources.files("resources.instruments")


@lru_cache(maxsize=1)
def shipped_keys() -> tuple[str, ...]:
    """Every shipped definition: symbols in the order they are offered, each followed by its profiles."""
    names = {entry.name.removesuffix(".toml") for entry in _folder().iterdir() if entry.name.endswith(".toml")}
    place = {symbol: number for number, symbol in enumerate(_FIRST)}
    return tuple(sorted(names, key=lambda name: (place.get(name.partition("@")[0], len(_FIRST)), name)))


def shipped_symbols() -> tuple[str, ...]:
    """The shipped symbols without their profiles."""
    return tuple(key for key in shipped_keys() if "@" not in key)


def shipped_definition(key: str) -> Definition:
    """The shipped definition; KeyError when there is none of that name."""
    from engine.domain.definition import parse_text

    if key not in shipped_keys():
        raise KeyError(key)
    return parse_text((_folder() / f"{key}.toml").read_text("utf-8"), key)


def shipped_instrument(key: str) -> Instrument:
    """The instrument as shipped; KeyError when there is none of that name."""
    return instrument_from(shipped_definition(key))


def instrument_from(definition: Definition) -> Instrument:
    """The instrument a definition describes."""
    size, price, financing, checks = definition.size, definition.price, definition.financing, definition.checks
    moves = definition.simulated
    return Instrument(
        symbol=definition.symbol,
        name=definition.name,
        tick_size=price.tick,
        lot_step=size.step,
        contract_size=size.contract,
        unit=size.unit,
        currency=size.currency,
        sessions=sessions_from(definition),
        spread=price.spread,
        commission=cash(definition.costs.commission * size.step),
        financing_long=cash(-financing.long * size.step),
        financing_short=cash(-financing.short * size.step),
        max_order=int(size.largest / size.step),
        min_order=int(size.smallest / size.step),
        commission_ppm=definition.costs.commission_ppm,
        collar=checks.collar,
        stale_after_s=checks.stale_after,
        bar_side=BarSide(price.side),
        triple_night=financing.triple,
        night_zone=financing.zone,
        night_minute=financing.roll,
        plausible=(float(price.plausible[0]), float(price.plausible[1])),
        kin=definition.kin,
        character=Character(moves.level, moves.volatility, moves.volume) if moves else None,
        profile=definition.profile,
        definition=definition.sha256,
        kind=definition.kind,
    )


def sessions_from(definition: Definition) -> Sessions:
    """The timetable a definition describes."""
    hours = definition.sessions
    return Sessions(hours.zone, tuple(period.weekly for period in hours.periods), _holidays(definition.holidays))


def _holidays(part: Closed) -> Holidays | None:
    if not (part.calendar or part.half_days or part.closed or part.early):
        return None
    bounds = {"since", "until"}
    early = tuple(
        EarlyClose(rule.on, rule.at, **{name: day for name in sorted(bounds) if (day := getattr(rule, name)) is not None})
        for rule in part.early
    )
    return Holidays(part.calendar, part.half_days, part.closed, early)
