"""The chart: bars of any longer timeframe, and on it all that has a price."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Reversible
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from app.bars import BarLog
from app.panels.base import Surroundings, View
from app.picture import Picture
from app.trust import doubts
from app.venue_desk import market_badge
from engine.core.errors import UserError
from engine.domain.instrument import Instrument, instrument_of, money
from engine.domain.intents import EditProtection, ModifyOrder, SubmitOrder
from engine.domain.limits import LimitPrice
from engine.domain.market import Bars, Symbol, Timeframe
from engine.domain.order import Order, OrderType, Role, Side
from engine.domain.views import PositionView
from engine.host import Odds, Opening
from engine.request import Request
from widgets import format as fmt
from widgets.chart import ChartWidget, FillMark, PriceLine, Rollup, SignalMark
from widgets.chart.marks import Mark

Row = TypeVar("Row")

RECENT_MARKS = 400
"""Marks kept on the chart: the newest signals and fills."""

RECENT_ODDS = 3_000
"""Bars whose probabilities are kept for the pane below the chart."""

_AWAY = "As the price moves away from the stop, the loss at the stop grows"
_LIMITS = {
    "position": ("warn", "position cap", f"{_AWAY}; here it reaches the cap of one position. A stop moved along keeps it away."),
    "daily_loss": ("trip", "day limit", "Here the loss of the trading day reaches its limit: entries are cancelled, only "
                   "reducing orders pass until the next day."),
    "open_risk": ("warn", "open risk", f"{_AWAY}; here the losses at all stops together reach their cap."),
    "leverage": ("warn", "leverage cap", "Here what is held, at its price, reaches the allowed multiple of equity."),
    "drawdown": ("trip", "drawdown", "Here equity has fallen from its peak by the limit: trading is halted."),
}  # fmt: skip


class ChartPanel(View):
    """The instrument that is looked at, on the chart."""

    widget: ChartWidget

    def __init__(self, around: Surroundings) -> None:
        self._bridge, self._display = around.bridge, around.display
        self._instrument: Instrument = instrument_of(around.focus.symbol)
        self._base = around.bridge.request.timeframe
        self._frame = self._base.name
        self._logs: dict[Symbol, BarLog] = {}
        self._picture: Picture | None = None
        self._rollup: Rollup | None = None
        self._newest = 0
        self._positions: tuple[PositionView, ...] = ()
        self._working: tuple[Order, ...] = ()
        self._seen = (-1, -1)
        self._odds: dict[Symbol, deque[Odds]] = {symbol: deque(maxlen=RECENT_ODDS) for symbol in around.focus.symbols}
        self.widget = chart = ChartWidget(around.theme)
        chart.set_instrument(self._instrument)
        chart.set_timeframe(self._frame)
        chart.set_zone(around.display.zone)
        chart.set_badges(badges(around.bridge.request))
        chart.set_empty_text("Bars appear here as soon as the session is open.")
        chart.set_money(self._worth)
        chart.timeframe_chosen.connect(self.choose_timeframe)
        chart.order_moved.connect(lambda order, price: around.bridge.submit(ModifyOrder(order, price=price)))
        chart.protection_moved.connect(self._protect)
        chart.order_requested.connect(self._order)
        chart.mark_clicked.connect(lambda _mark: around.act("show_signals"))
        around.focus.changed.connect(self._look_at)
        self._fill_ticket = around.act
        self.requested: SubmitOrder | None = None
        """The order a click on the chart asked for, for the ticket to take over."""

    def foresee(self, before: Bars) -> None:
        """Shows the history while the session is still being opened."""
        self._logs[self._instrument.symbol] = BarLog(before)
        self._redraw()

    def open(self, opening: Opening) -> None:
        shown = self._bars
        for symbol, before in opening.before.items():
            if symbol not in self._logs or self._logs[symbol].all() is not before:
                self._logs[symbol] = BarLog(before)
        if self._bars is not shown:
            self._redraw()

    @property
    def _bars(self) -> BarLog | None:
        """The bars of what is shown."""
        return self._logs.get(self._instrument.symbol)

    def _look_at(self, symbol: Symbol) -> None:
        """Shows another instrument."""
        self._instrument = instrument_of(symbol)
        self.widget.set_instrument(self._instrument)
        self._redraw()
        self._seen = (-1, -1)
        self._draw_odds()
        if self._picture is not None:
            self._stand(self._picture)

    def choose_timeframe(self, name: str) -> None:
        """Shows bars of `name`; shorter ones than the session's cannot be made."""
        if Timeframe.of(name).span < self._base.span:
            self.widget.set_timeframe(self._frame)
            self._bridge.refused.emit(None, f"the session's bars are {self._base.name}; {name} cannot be made from them")
            return
        self._frame = name
        self.widget.set_timeframe(name)
        self._redraw()

    def _redraw(self) -> None:
        if self._bars is None:
            return
        bars = self._bars.all()
        if self._frame == self._base.name:
            self._rollup = None
        else:
            bars, self._rollup = Rollup.start(bars, self._frame)
        self.widget.set_bars(bars)
        self._newest = int(bars.at[-1]) if len(bars) else 0

    def show(self, picture: Picture) -> None:
        self._picture = picture
        for symbol, log in self._logs.items():
            log.extend(picture.frame.bars.get(symbol, ()))
            log.forming = picture.frame.forming.get(symbol)
        for symbol, odds in picture.frame.odds.items():
            self._odds[symbol].extend(odds)
        self._grow(picture)
        if self._instrument.symbol in picture.frame.odds:
            self._draw_odds()
        self._stand(picture)

    def _stand(self, picture: Picture) -> None:
        """What stands on the bars: marks, orders, the position, the limits."""
        self._mark(picture)
        view, symbol, instrument = picture.view, self._instrument.symbol, self._instrument
        self._positions, self._working = view.positions, view.working
        lines = [line for order in view.working if order.symbol == symbol and (line := _order_line(order, instrument))]
        for position in view.positions:
            if position.symbol == symbol:
                lines += _position_lines(position, instrument, picture)
        lines += [_limit_line(limit, picture) for limit in view.limit_prices if limit.symbol == symbol]
        self.widget.set_lines(lines)
        self.widget.set_now(view.at)
        self.widget.set_doubt(doubts(view).get(symbol, ""))

    def _grow(self, picture: Picture) -> None:
        symbol = self._instrument.symbol
        fresh, forming = picture.frame.bars.get(symbol, []), picture.frame.forming.get(symbol)
        if symbol not in self._logs:
            return
        if len(fresh) > 64:
            self._redraw()
            return
        for bar in [*fresh, *([forming] if forming is not None else [])]:
            grown = self._rollup.push(bar)[0] if self._rollup is not None else bar
            if grown.at > self._newest:
                self._newest = grown.at
                self.widget.append_bar(grown)
            elif grown.at == self._newest:
                self.widget.update_last(grown)

    def _draw_odds(self) -> None:
        """The model's probabilities of the bars played in this window, on the session's own timeframe."""
        columns = list(zip(*self._odds[self._instrument.symbol], strict=True)) or [(), (), ()]
        self.widget.set_probabilities(np.array(columns[0], np.int64), np.array(columns[1]), np.array(columns[2]))

    def _mark(self, picture: Picture) -> None:
        signals, fills, symbol = picture.chronicle.signals, picture.chronicle.fills, self._instrument.symbol
        seen = (len(signals), len(fills))
        if seen == self._seen and not picture.frame.records:
            return
        self._seen = seen
        marks: list[Mark] = [
            SignalMark(
                view.signal.bar,
                Side(view.signal.side),
                view.signal.probability,
                view.signal.reference,
                view.outcome,
                view.signal.signal,
                f"{view.signal.signal} {view.outcome} {view.reason}".strip(),
            )
            for view in _newest(signals.values(), symbol, lambda view: view.signal.symbol)
        ]
        for fill in _newest(fills, symbol, lambda fill: fill.symbol):
            text = f"{fill.side.value} {fmt.lots(fill.quantity, self._instrument)} at {fmt.price(fill.price, self._instrument)}"
            marks.append(FillMark(fill.at, fill.side, fill.price, fill.execution, text))
        self.widget.set_marks(marks)

    # --- what is asked for on the chart -------------------------------------------------------------------------------

    def _protect(self, symbol: str, stop: int | None, target: int | None) -> None:
        self._bridge.submit(EditProtection(symbol, stop, target))

    def _order(self, side: Side, kind: OrderType, price: int) -> None:
        """A click on the chart fills the ticket; sending stays a click of its own."""
        step = max(self._instrument.min_order, 1)
        self.requested = SubmitOrder(self._instrument.symbol, side.value, kind.value, step, price)
        self._fill_ticket("fill_ticket")

    def _worth(self, line: PriceLine, price: int) -> str:
        """What the position would bring at `price`."""
        position = next((p for p in self._positions if p.symbol == (line.symbol or p.symbol)), None)
        if position is None:
            return ""
        value = self._instrument.tick_value
        worth = round((price - position.average) * position.quantity * value)
        return f"{fmt.signed(money(worth), 2)} {self._display.currency}"

    def state(self) -> dict[str, Any]:
        try:
            return self.widget.state()
        except UserError as error:
            return {"error": str(error)}


def _newest(views: Reversible[Row], symbol: Symbol, symbol_of: Callable[[Row], Symbol]) -> list[Row]:
    """The newest RECENT_MARKS of an instrument's, oldest first."""
    return list(islice((view for view in reversed(views) if symbol_of(view) == symbol), RECENT_MARKS))[::-1]


def badges(request: Request) -> tuple[tuple[str, str], ...]:
    """What the chart says about where its prices come from; of a live session the account bar says whose money it is."""
    if request.feed:
        return ((market_badge(request), "up"),)
    return ((market_badge(request), "warn"), ("PAPER", "paper"))


def _order_line(order: Order, instrument: Instrument) -> PriceLine | None:
    price = order.limit if order.limit is not None else order.stop
    if order.role is not Role.ENTRY or price is None:
        return None
    label = f"{order.side.value.upper()} {order.type.value} {fmt.lots(order.leaves, instrument)}"
    return PriceLine(order.id, "order", price, label, movable=True, side=order.side)


def _position_lines(position: PositionView, instrument: Instrument, picture: Picture) -> list[PriceLine]:
    symbol = position.symbol
    side = Side.of(position.quantity)
    word = "LONG" if side is Side.BUY else "SHORT"
    gain = f"{fmt.signed(money(position.unrealised), 2)} {picture.display.currency}"
    tone = "up" if position.unrealised > 0 else "down" if position.unrealised < 0 else ""
    label = f"{word} {fmt.lots(abs(position.quantity), instrument)}"
    lines = [PriceLine(f"{symbol}-entry", "entry", round(position.average), label, gain, tone, side=side)]
    for kind, price in (("stop", position.stop), ("target", position.target)):
        if price is not None:
            worth = round((price - position.average) * position.quantity * instrument.tick_value)
            detail = f"{fmt.signed(money(worth), 2)} {picture.display.currency}"
            tone = "up" if worth > 0 else "down"
            lines.append(PriceLine(f"{symbol}-{kind}", kind, price, kind, detail, tone, True, side, symbol))
    return lines


def _limit_line(limit: LimitPrice, picture: Picture) -> PriceLine:
    kind, label, why = _LIMITS[limit.name]
    detail = f"{fmt.signed(money(limit.loss), 0)} {picture.display.currency}"
    return PriceLine(f"limit-{limit.name}", kind, limit.price, label, detail, tooltip=f"{why}\nAll else staying as it is.")
