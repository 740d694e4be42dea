"""Apache Parquet: time as timestamp[ns, UTC], the rest double; the same bars give the same bytes."""

from __future__ import annotations

from engine.domain.market import BAR_COLUMNS
from engine.market.exporting.base import Exporter, Order
from engine.market.formats import parquet


def render(order: Order) -> bytes:
    """UserError naming the extra where pyarrow is missing."""
    arrow, tables = parquet.library("pyarrow"), parquet.library()
    times = arrow.array(order.bars.at, arrow.int64()).cast(arrow.timestamp("ns", tz="UTC"))
    columns = {"time": times, **{name: arrow.array(getattr(order.bars, name)) for name in BAR_COLUMNS[1:]}}
    about = {"symbol": order.instrument.symbol, "timeframe": order.timeframe.name}
    sink = arrow.BufferOutputStream()
    tables.write_table(arrow.table(columns).replace_schema_metadata(about), sink, compression="zstd", version="2.6")
    return bytes(sink.getvalue())


EXPORTER = Exporter("parquet", "Apache Parquet (extra 'parquet')", ".parquet", parquet.FORMAT, render)
