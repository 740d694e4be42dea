"""Values as the engine would hand them to the window."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.core.clock import HOUR, MINUTE, from_iso
from engine.domain.facts import SignalEmitted
from engine.domain.instrument import cash
from engine.domain.limits import LimitLine, Verdict
from engine.domain.market import Quote
from engine.domain.order import Order, OrderType, Role, Side, State
from engine.domain.views import AccountView, CardView, FillView, OrderView, PositionView, TradeView

NOW = from_iso("2026-11-20T07:03:12")
QUOTE = Quote("XAUUSD", NOW, 241_208, 241_231)
ACCOUNT = AccountView(
    "paper-1", "USD", cash(100_000), cash("100412.30"), cash(310), cash(132), cash("29.70"), cash("100199.50"), cash(100_650),
    0.0024, 0.0131, cash(480), cash(96_412),
)  # fmt: skip
LINE = LimitLine("position", 0.0, 0.012, 0.013, 0.05, hard=True, passed=True)
VERDICT = Verdict((LINE,), (), (), (), largest=163)
DENIED = Verdict(
    (LINE._replace(after_fill=0.061, after_stop=0.062, passed=False),),
    ("Position would be 6.1 % of equity against a cap of 5.0 %.",),
    ("position",),
    (),
    largest=163,
)


def position(**values: Any) -> PositionView:
    """A protected long of 0.40 lot gold."""
    made = PositionView(
        "XAUUSD", 40, 241_012.5, 241_208, cash(782), 0, cash("2.8"), NOW - HOUR, 240_600, 242_000, cash(1_648), 40
    )
    return replace(made, **values)


def order(number: int, **values: Any) -> OrderView:
    """A working buy limit of 0.20 lot."""
    made = Order(f"ng-{number}", "XAUUSD", Side.BUY, OrderType.LIMIT, 20, Role.ENTRY, limit=240_950, state=State.ACCEPTED)
    return OrderView(made._replace(**values), NOW - number * MINUTE, NOW)


def fill(number: int, **values: Any) -> FillView:
    made = FillView(NOW - number * MINUTE, "ng-1", f"x{number}", "XAUUSD", Side.BUY, Role.ENTRY, 20, 241_000, cash("0.7"), 0)
    return replace(made, **values)


def trade(number: int, result: int | str, costs: int | str = 0, **values: Any) -> TradeView:
    """A round trip whose gross is `result` dollars."""
    made = TradeView(number, "XAUUSD", Side.BUY, 20, NOW - HOUR, NOW - number * MINUTE, 241_000.0, 241_100.0, cash(str(result)),
                     cash(str(costs)), "s1", Role.TARGET)  # fmt: skip
    return replace(made, **values)


def signal(number: int = 1, side: str = "buy") -> SignalEmitted:
    sign = 1 if side == "buy" else -1
    return SignalEmitted(f"s{number}", "XAUUSD", side, NOW - 5 * MINUTE, 241_220, 241_220 - sign * 640, 241_220 + sign * 960,
                         NOW + 3 * MINUTE, 0.632, 0.56, 1.5, "lightgbm", "ab" * 32, "cd" * 32)  # fmt: skip


def card(number: int = 1, side: str = "buy", **values: Any) -> CardView:
    made = CardView(signal(number, side), NOW, NOW + 3 * MINUTE, 42, 0.1, (("rsi_14", 31.2, 0.31), ("spread", 0.2, -0.05)),
                    (LINE,), ())  # fmt: skip
    return replace(made, **values)
