"""The moving-average cross in other engines. Imports nothing of the project, so that any interpreter can run it:

python tests/bench/replay_peers.py NAME BARS.npy

10/50 averages of closes, dealt at the next open, stop 0.5 % and target 1 % of the price, an opposite cross closes and turns.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

FAST, SLOW, STOP, TARGET, SIZE = 10, 50, 0.005, 0.01, 1
Figures = tuple[float, int]
"""(bars a second, trades)."""


def backtrader(table: np.ndarray, trades: bool) -> Figures:
    import backtrader as bt

    class Arrays(bt.feed.DataBase):
        def start(self) -> None:
            super().start()
            self.rows = iter(rows)

        def _load(self) -> bool:
            row = next(self.rows, None)
            if row is None:
                return False
            lines = self.lines
            lines.datetime[0], lines.open[0], lines.high[0], lines.low[0], lines.close[0], lines.volume[0] = row
            lines.openinterest[0] = 0
            return True

    class Cross(bt.Strategy):
        def __init__(self) -> None:
            self.cross = bt.ind.CrossOver(bt.ind.SMA(period=FAST), bt.ind.SMA(period=SLOW))
            self.bracket: list[Any] = []
            self.ended = 0

        def notify_trade(self, trade: Any) -> None:
            self.ended += trade.isclosed

        def next(self) -> None:
            way = int(self.cross[0])
            if not way or not trades:
                return
            for order in self.bracket:
                self.cancel(order)
            if self.position:
                self.close()
            price, enter = self.data.close[0], self.buy_bracket if way > 0 else self.sell_bracket
            stop, target = price * (1 - way * STOP), price * (1 + way * TARGET)
            self.bracket = enter(size=SIZE, exectype=bt.Order.Market, stopprice=stop, limitprice=target)

    epoch = bt.date2num(datetime(1970, 1, 1, tzinfo=UTC))
    rows = [(epoch + at / 86_400e9, *prices) for at, *prices in table.tolist()]
    engine = bt.Cerebro(stdstats=False)
    engine.adddata(Arrays(timeframe=bt.TimeFrame.Minutes))
    engine.addstrategy(Cross)
    engine.broker.setcash(100_000)
    begin = time.perf_counter()
    strategy = engine.run()[0]
    return len(table) / (time.perf_counter() - begin), strategy.ended


def nautilus_trader(table: np.ndarray, trades: bool) -> Figures:
    import pandas as pd
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.backtest.models import FillModel
    from nautilus_trader.config import BacktestEngineConfig, LoggingConfig
    from nautilus_trader.indicators import SimpleMovingAverage
    from nautilus_trader.model.currencies import USD
    from nautilus_trader.model.data import BarType
    from nautilus_trader.model.enums import AccountType, OmsType, OrderSide, OrderType
    from nautilus_trader.model.identifiers import Venue
    from nautilus_trader.model.objects import Money, Quantity
    from nautilus_trader.persistence.wranglers import BarDataWrangler
    from nautilus_trader.test_kit.providers import TestInstrumentProvider
    from nautilus_trader.trading.strategy import Strategy

    venue = Venue("SIM")
    instrument = TestInstrumentProvider.default_fx_ccy("XAU/USD", venue)
    kind = BarType.from_str(f"{instrument.id}-1-MINUTE-LAST-EXTERNAL")

    class Cross(Strategy):
        def on_start(self) -> None:
            self.fast, self.slow = SimpleMovingAverage(FAST), SimpleMovingAverage(SLOW)
            self.above: bool | None = None
            self.register_indicator_for_bars(kind, self.fast)
            self.register_indicator_for_bars(kind, self.slow)
            self.subscribe_bars(kind)

        def on_bar(self, bar: Any) -> None:
            if not self.slow.initialized:
                return
            above, before = self.fast.value > self.slow.value, self.above
            self.above = above
            if before is None or above == before or not trades:
                return
            self.cancel_all_orders(instrument.id)
            self.close_all_positions(instrument.id)
            price, way = float(bar.close), 1 if above else -1
            self.submit_order_list(
                self.order_factory.bracket(
                    instrument_id=instrument.id,
                    order_side=OrderSide.BUY if above else OrderSide.SELL,
                    quantity=Quantity.from_int(1000 * SIZE),
                    sl_trigger_price=instrument.make_price(price * (1 - way * STOP)),
                    tp_price=instrument.make_price(price * (1 + way * TARGET)),
                    tp_order_type=OrderType.LIMIT,
                )
            )

    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(venue, OmsType.NETTING, AccountType.MARGIN, [Money(1_000_000_000, USD)], fill_model=FillModel())
    engine.add_instrument(instrument)
    index = pd.to_datetime(table[:, 0].astype(np.int64), utc=True)
    frame = pd.DataFrame(table[:, 1:5], index=index, columns=["open", "high", "low", "close"])
    engine.add_data(BarDataWrangler(kind, instrument).process(frame))
    engine.add_strategy(Cross())
    begin = time.perf_counter()
    engine.run()
    seconds = time.perf_counter() - begin
    return len(table) / seconds, len(engine.trader.generate_positions_report())


def vnpy_ctastrategy(table: np.ndarray, trades: bool) -> Figures:
    from vnpy.trader.constant import Exchange, Interval
    from vnpy.trader.object import BarData
    from vnpy_ctastrategy import ArrayManager, CtaTemplate
    from vnpy_ctastrategy.backtesting import BacktestingEngine

    class Cross(CtaTemplate):
        def on_init(self) -> None:
            self.closes = ArrayManager()
            self.above: bool | None = None
            self.way = 0
            self.stop = self.target = 0.0

        def on_bar(self, bar: Any) -> None:
            self.closes.update_bar(bar)
            if not self.closes.inited:
                return
            above, before = self.closes.sma(FAST) > self.closes.sma(SLOW), self.above
            self.above = above
            if not trades:
                return
            if before is not None and above != before:
                self.cancel_all()
                self.turn(bar.close_price, 1 if above else -1)
            elif self.pos and not self.guarded:
                self.guard()

        def turn(self, price: float, way: int) -> None:
            if self.pos > 0:
                self.sell(price * 0.9, SIZE)
            elif self.pos < 0:
                self.cover(price * 1.1, SIZE)
            self.guarded = False
            self.stop, self.target = price * (1 - way * STOP), price * (1 + way * TARGET)
            self.buy(price * 1.1, SIZE) if way > 0 else self.short(price * 0.9, SIZE)

        def guard(self) -> None:
            """Stop and target rest at the engine's own book; whichever fills cancels the other."""
            self.guarded = True
            if self.pos > 0:
                self.sell(self.stop, SIZE, stop=True)
                self.sell(self.target, SIZE)
            else:
                self.cover(self.stop, SIZE, stop=True)
                self.cover(self.target, SIZE)

        def on_trade(self, trade: Any) -> None:
            if not self.pos:
                self.cancel_all()

    start = datetime(2022, 1, 3, tzinfo=UTC)
    minutes = (timedelta(microseconds=int(at) // 1000) for at in table[:, 0] - table[0, 0])
    bars = [
        BarData("bench", "XAUUSD", Exchange.OTC, start + minute, Interval.MINUTE, volume, 0, 0, *prices)
        for minute, (*prices, volume) in zip(minutes, table[:, 1:].tolist(), strict=True)
    ]
    engine = BacktestingEngine()
    engine.output = lambda _message: None
    engine.set_parameters("XAUUSD.OTC", Interval.MINUTE, start, 0.0, 0.02, 1, 0.01, 100_000, start + timedelta(days=3000))
    engine.add_strategy(Cross, {})
    engine.history_data = bars
    begin = time.perf_counter()
    engine.run_backtesting()
    engine.calculate_result()
    return len(table) / (time.perf_counter() - begin), len(engine.trades) // 2


PEERS: dict[str, Callable[[np.ndarray, bool], Figures]] = {
    "backtrader": backtrader,
    "nautilus_trader": nautilus_trader,
    "vnpy_ctastrategy": vnpy_ctastrategy,
}


def measure(name: str, table: np.ndarray) -> dict[str, Any]:
    """Bars a second without and with orders, or word that the library is not there."""
    if importlib.util.find_spec(name) is None:
        return {"status": "not installed"}
    quiet, _ = PEERS[name](table, False)
    orders, trades = PEERS[name](table, True)
    return {"bars": len(table), "quiet_bars_per_s": round(quiet), "orders_bars_per_s": round(orders), "trades": trades}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], np.load(Path(sys.argv[2])))))
