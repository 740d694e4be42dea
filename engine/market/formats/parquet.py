"""Apache Parquet with a time column and prices; needs the optional library pyarrow, imported when a file is met."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from engine.core.errors import DataError, UserError
from engine.domain.market import Floats, Ints
from engine.market.formats.base import Format, Parsed
from engine.market.formats.epoch import UNITS, from_counts
from engine.market.formats.source import MAX_BYTES, Source
from engine.market.formats.table import READ, TIMES
from engine.market.formats.wanted import PRICES

_MAGIC = b"PAR1"
_MOST_DIGITS = 15


def detects(head: bytes, name: str) -> bool:
    return head.startswith(_MAGIC)


def library(module: str = "pyarrow.parquet") -> Any:
    """pyarrow, or UserError that names the extra which brings it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise UserError("Parquet needs the library pyarrow; install NiceGold Terminal with the extra 'parquet'") from error


def parse(source: Source) -> Parsed:
    """DataError when the file is damaged or lacks a time or a price. Lines are row numbers, from 1."""
    parquet, arrow = library(), library("pyarrow")
    try:
        file = parquet.ParquetFile(arrow.BufferReader(source.text))
        size = sum(file.metadata.row_group(number).total_byte_size for number in range(file.num_row_groups))
        if size > MAX_BYTES:
            raise DataError(f"{source.path.name}: unpacks to more than {MAX_BYTES:,} bytes; split the file")
        table = file.read()
    except (arrow.ArrowException, OSError) as error:
        raise DataError(f"{source.path.name}: is damaged ({str(error).splitlines()[0]}); fetch the file again") from error
    columns = _named(source, table)
    at, clock = _times(source, columns.pop("time"), arrow)
    found = {name: _floats(source, name, column) for name, column in columns.items()}
    if "bid" not in found:
        found.setdefault("volume", np.zeros(len(at)))
    digits = max(_digits(values) for name, values in found.items() if name not in ("volume", "spread"))
    line = np.arange(1, len(at) + 1, dtype=np.int64)
    dates_only = arrow.types.is_date(table.schema.field(_time_field(source, table)).type)
    return Parsed(line, at, found, (), digits, dates_only, clock=clock, unknown=frozenset({"spread"}))


def _time_field(source: Source, table: Any) -> int:
    mapping = source.wanted.mapping
    if mapping:
        return mapping.columns.index("time")
    return next((number for number, name in enumerate(table.column_names) if name.strip().lower() in TIMES), 0)


def _named(source: Source, table: Any) -> dict[str, Any]:
    mapping = source.wanted.mapping
    if mapping:
        names = dict(enumerate(mapping.columns[: table.num_columns]))
    else:
        lower = [name.strip().lower() for name in table.column_names]
        names = {number: "time" if name in TIMES else READ.get(name, "-") for number, name in enumerate(lower)}
    columns = {name: table.column(number) for number, name in names.items() if name not in ("-", "date")}
    missing = [name for name in ("time", *(() if "bid" in columns and "ask" in columns else PRICES)) if name not in columns]
    if missing:
        raise DataError(f"{source.path.name}: has no column {', '.join(missing)}; name the columns in order with --columns")
    return {name: column for name, column in columns.items() if name in ("time", "bid", "ask")} if "bid" in columns else columns


def _times(source: Source, column: Any, arrow: Any) -> tuple[Ints, str | None]:
    """The times in ns and their clock: UTC where the type says so, None where it says nothing."""
    kind = column.type
    if column.null_count:
        raise DataError(f"{source.path.name}: {column.null_count:,} rows have no time; write the file again without them")
    if arrow.types.is_timestamp(kind) or arrow.types.is_date(kind):
        nanos = column.cast(arrow.timestamp("ns", tz=getattr(kind, "tz", None))).cast(arrow.int64())
        return nanos.to_numpy(), "UTC" if getattr(kind, "tz", None) else None
    if arrow.types.is_integer(kind):
        at = column.cast(arrow.int64()).to_numpy()
        return (at if _counts_nanos(at) else from_counts(at.astype(np.float64))), "UTC"
    if arrow.types.is_floating(kind):
        return from_counts(column.to_numpy()), "UTC"
    raise DataError(f"{source.path.name}: the time column holds {kind}; write it as a timestamp or as numbers since 1970")


def _counts_nanos(at: Ints) -> bool:
    return len(at) > 0 and abs(int(at[0])) // UNITS["us"] > 10**14


def _floats(source: Source, name: str, column: Any) -> Floats:
    try:
        values: Floats = column.cast("float64").to_numpy()
    except (ValueError, NotImplementedError) as error:
        raise DataError(f"{source.path.name}: the column {name} holds {column.type}, not numbers; check --columns") from error
    return values


def _digits(values: Floats) -> int:
    """The most decimals that any of the values needs, as far as float64 tells."""
    known = values[np.isfinite(values)]
    for places in range(_MOST_DIGITS):
        if np.array_equal(np.round(known, places), known):
            return places
    return _MOST_DIGITS


FORMAT = Format("parquet", "Apache Parquet (extra 'parquet')", detects, parse, "time timestamp[ns, UTC], open double, ...")
