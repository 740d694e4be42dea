"""What is on the chart in plain values."""

from __future__ import annotations

from typing import Any

from engine.core.clock import to_iso
from widgets.chart.marks import FillMark, Mark, PriceLine
from widgets.chart.model import ChartModel


def chart_state(model: ChartModel, legend: list[str]) -> dict[str, Any]:
    """`legend` is what was last painted of it. Times are ISO in UTC, prices as the axis shows them."""
    series, scale = model.series, model.price_pane.scale
    start, stop = model.view.range()
    times = [to_iso(int(series.at[start])), to_iso(int(series.at[stop - 1]))] if stop > start else []
    return {
        "symbol": model.symbol,
        "timeframe": model.timeframe.name,
        "zone": model.zone,
        "bars": series.count,
        "visible": {"bars": stop - start, "times": times, "prices": [round(scale.low, 8), round(scale.high, 8)]},
        "last_bar": _last_bar(model),
        "marks": [_mark(mark) for mark in model.marks],
        "lines": [_line(model, line) for line in model.lines.values()],
        "indicators": list(model.studies),
        "panes": [pane.name for pane in model.panes],
        "legend": list(legend),
        "badges": [text for text, _ in model.badges],
        "empty_text": "" if series.count else model.empty_text,
    }


def _last_bar(model: ChartModel) -> dict[str, Any] | None:
    if not model.series.count:
        return None
    bar = model.series.row(model.series.count - 1)
    prices = {name: model.text(getattr(bar, name)) for name in ("open", "high", "low", "close")}
    return {"at": to_iso(bar.at), **prices, "volume": bar.volume}


def _mark(mark: Mark) -> dict[str, str]:
    if isinstance(mark, FillMark):
        text = f"fill {mark.side.value}"
    else:
        text = f"signal {mark.side.value} {mark.probability:.2f} {mark.outcome}"
    return {"id": mark.id, "at": to_iso(mark.at), "text": text}


def _line(model: ChartModel, line: PriceLine) -> dict[str, str]:
    price = model.text(model.price(line.price))
    return {"id": line.id, "kind": line.kind, "price": price, "text": line.label, "detail": line.detail}
