"""What a book holds as tables for people: prices as quoted, sizes in lots, money in the account's currency, times in UTC."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any, Literal, NamedTuple

from engine.core.errors import StoreError
from engine.domain.instrument import money
from engine.storage.database import Database
from engine.storage.one_book import question

Unit = Literal["text", "whole", "time", "price", "lots", "cash", "average"]
"""What is stored: text, a number, ns UTC, ticks, lot steps, cash units; or a value in ticks and the lot steps it is of."""

DECIMALS = 12
"""Of an average price, which may have no end."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column and where its values come from; where `reads` is empty, from the stored column of its name."""

    name: str
    unit: Unit = "text"
    reads: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        return self.reads or (self.name,)


class Extract(NamedTuple):
    """A table of a book: its rows are those of `source` in the order of `key`."""

    source: str
    key: str
    columns: tuple[Column, ...]


class _Terms(NamedTuple):
    tick: Decimal
    lot_step: Decimal


EXTRACTS = {
    "facts": Extract(
        "facts", "seq", (Column("seq", "whole"), Column("step", "whole"), Column("at", "time"), Column("kind"), Column("fact"))
    ),
    "orders": Extract(
        "v_orders",
        "placed_at, order_id",
        (
            Column("order_id"),
            Column("symbol"),
            Column("side"),
            Column("type"),
            Column("lots", "lots", ("quantity",)),
            Column("role"),
            Column("limit_price", "price"),
            Column("stop_price", "price"),
            Column("tif"),
            Column("parent"),
            Column("oco"),
            Column("signal"),
            Column("state"),
            Column("filled_lots", "lots", ("filled",)),
            Column("average_price", "average", ("filled_value", "filled")),
            Column("placed_at", "time"),
            Column("changed_at", "time"),
            Column("reason"),
        ),
    ),
    "fills": Extract(
        "v_fills",
        "seq",
        (
            Column("seq", "whole"),
            Column("at", "time"),
            Column("execution"),
            Column("order_id"),
            Column("symbol"),
            Column("side"),
            Column("price", "price"),
            Column("lots", "lots", ("quantity",)),
            Column("commission", "cash"),
            Column("realised", "cash"),
            Column("trade", "whole"),
        ),
    ),
    "positions": Extract(
        "v_positions",
        "symbol",
        (
            Column("symbol"),
            Column("lots", "lots", ("quantity",)),
            Column("basis", "cash"),
            Column("realised", "cash"),
            Column("costs", "cash"),
        ),
    ),
}


def rows_of(database: Database, book_id: int, extract: Extract) -> Iterator[list[Any]]:
    """The rows of a book one by one: str, int (times too), Decimal or None. StoreError for an instrument never listed."""
    listed = _listed(database, book_id)
    names = [name for column in extract.columns for name in column.sources]
    symbol = names.index("symbol") if "symbol" in names else None
    for row in database.stream(*question(database, extract.source, names, book_id, extract.key)):
        terms = None if symbol is None else listed.get(row[symbol])
        values = iter(row)
        yield [_value(column, [next(values) for _ in column.sources], terms) for column in extract.columns]


def _listed(database: Database, book_id: int) -> dict[str, _Terms]:
    """The terms each instrument was listed with last."""
    lines = database.rows("SELECT fact FROM facts WHERE book_id = ? AND kind = 'InstrumentListed' ORDER BY seq", (book_id,))
    found = [json.loads(line) for (line,) in lines]
    return {each["symbol"]: _Terms(Decimal(each["tick_size"]), Decimal(each["lot_step"])) for each in found}


def _value(column: Column, stored: Sequence[Any], terms: _Terms | None) -> Any:
    value = stored[0]
    if value is None or column.unit in ("text", "whole", "time"):
        return value
    if column.unit == "cash":
        return money(value)
    if terms is None:
        raise StoreError(f"{column.name} cannot be told: its instrument was never listed; main.py audit books says more")
    with localcontext() as context:
        context.prec = 40
        if column.unit == "average":
            return round(value * terms.tick / stored[1], DECIMALS).normalize() if stored[1] else None
        return value * (terms.tick if column.unit == "price" else terms.lot_step)
