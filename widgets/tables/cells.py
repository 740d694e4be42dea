"""Columns that several tables share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.core.clock import Nanos
from engine.domain.instrument import Cash, Instrument, Steps, instrument_of
from engine.domain.market import Ticks
from engine.domain.order import Side
from widgets import format as fmt
from widgets.style import sign_role
from widgets.tables.column import Column, Row


def of(row: Row) -> Instrument:
    """The instrument of a row that has a symbol."""
    return instrument_of(row.symbol)


def time_column(at: Callable[[Row], Nanos], name: str = "time", title: str = "Time") -> Column:
    """A time in the user's zone; ISO 8601 with offset in files."""
    return Column(
        name,
        title,
        at,
        lambda row, d: fmt.moment(at(row), d.zone),
        numeric=False,
        width=136,
        tint=lambda _row: "text1",
        why=lambda row, d: fmt.moment_with_zone(at(row), d.zone),
        export=lambda row, d: fmt.iso(at(row), d.zone),
    )


def price_column(name: str, title: str, ticks: Callable[[Row], float | Ticks | None], **options: Any) -> Column:
    """A price with the instrument's decimals, a dash where there is none."""
    return Column(name, title, ticks, lambda row, _d: fmt.price(ticks(row), of(row)), **{"width": 60, **options})


def money_column(name: str, title: str, amount: Callable[[Row], Cash], **options: Any) -> Column:
    """An amount of the account's currency without a sign."""
    return Column(name, title, amount, lambda row, _d: fmt.money(amount(row)), unit="{currency}", **{"width": 88, **options})


def result_column(name: str, title: str, amount: Callable[[Row], Cash], **options: Any) -> Column:
    """A profit or loss: always signed, coloured by its sign."""
    return Column(
        name,
        title,
        amount,
        lambda row, _d: fmt.signed_money(amount(row)),
        unit="{currency}",
        tint=lambda row: sign_role(amount(row)),
        **{"width": 88, **options},
    )


def lots_column(name: str, title: str, steps: Callable[[Row], Steps], **options: Any) -> Column:
    """A quantity in lots."""
    return Column(name, title, steps, lambda row, _d: fmt.lots(steps(row), of(row)), unit="lot", **{"width": 60, **options})


def side_column(side: Callable[[Row], Side]) -> Column:
    """BUY or SELL in the colours of the market."""
    return Column(
        "side",
        "Side",
        lambda row: side(row).value,
        lambda row, _d: side(row).value.upper(),
        numeric=False,
        width=46,
        tint=lambda row: "up" if side(row) is Side.BUY else "down",
    )
