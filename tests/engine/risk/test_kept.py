"""What the gate keeps between two orders is what it would find anew, whatever happened in between."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import chain

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.clock import HOUR, MINUTE, SECOND
from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.limits import Limits
from engine.domain.market import Bar, Symbol
from engine.domain.news import Blackout, NewsCalendar
from engine.domain.order import OrderType, Side
from engine.risk.draft import Draft
from engine.risk.exposure import Snapshot, Stake
from engine.risk.gate import Gate
from engine.risk.hours import Hours, QuietTimes
from engine.risk.returns import Returns
from tests.engine.rig import FREE_GOLD, MONDAY, WIDE
from tests.engine.test_lanes import PRICES, Pair

EVERYTHING = replace(
    WIDE,
    value_at_risk=Decimal("0.2"),
    expected_shortfall=Decimal("0.3"),
    margin_rate=Decimal("0.05"),
    leverage=Decimal(20),
    order_lots=Decimal(30),
    order_notional=Decimal(10**9),
    orders_per_minute=6,
    var_bars=120,
    soft={"leverage": Decimal(5), "value_at_risk": Decimal("0.1")},
    news=NewsCalendar((Blackout(MONDAY + HOUR, MONDAY + HOUR, MONDAY + 2 * HOUR, "USD", "high", "news"),)),
)
TIGHTER = (("leverage", "8"), ("position", "0.02"), ("open_risk", "0.03"), ("correlation", "0.2"), ("value_at_risk", "0.02"))
SYMBOLS = st.sampled_from(tuple(PRICES))
QUOTES = st.tuples(
    st.just("quote"), SYMBOLS, st.integers(-400, 400), st.sampled_from((SECOND, 40 * SECOND, 9 * MINUTE, 3 * HOUR))
)
ORDERS = st.tuples(
    st.just("order"), SYMBOLS, st.sampled_from(("buy", "sell")), st.sampled_from(("market", "limit", "stop")), st.integers(1, 60)
)
REST = st.one_of(
    st.tuples(st.just("close"), SYMBOLS),
    st.tuples(st.just("cancel"), SYMBOLS),
    st.tuples(st.just("limit"), st.sampled_from(TIGHTER), st.sampled_from(("", *PRICES))),
)


class Watched:
    """Gold and silver with every limit on, and returns that nobody kept anything of."""

    def __init__(self, limits: Limits) -> None:
        self.pair = Pair(limits=limits)
        line = self.line = self.pair.line
        self.returns = Returns(tuple(line.lanes), line.lead.timeframe.span, limits)
        steps = np.random.default_rng(11).normal(0, 0.001, (150, 2))
        steps[:, 1] = 0.8 * steps[:, 0] + 0.4 * steps[:, 1]
        for number, row in enumerate(np.exp(np.cumsum(steps, axis=0)).tolist()):
            for symbol, close in zip(PRICES, row, strict=True):
                for each in (line.returns, self.returns, line.correlations):
                    each.push(symbol, MONDAY - HOUR * 24 + number * MINUTE, close)
        line.on_bar.append(self._closed)

    def _closed(self, symbol: Symbol, bar: Bar, _worth: int) -> None:
        self.returns.push(symbol, bar.at, bar.close)

    def act(self, action: tuple) -> None:
        line, (kind, *terms) = self.line, action
        if kind == "quote":
            symbol, away, after = terms
            self.pair.quote(symbol, PRICES[symbol] + away, after)
        elif kind == "order":
            symbol, side, type_, quantity = terms
            sign, price = (1 if side == "buy" else -1), PRICES[symbol]
            at = {"market": None, "limit": price - sign * 300, "stop": price + sign * 900}[type_]
            stop = (at or price) - sign * 600
            line.on_intent(i.SubmitOrder(symbol, side, type_, quantity, at, stop_loss=stop))
        elif kind == "close":
            line.on_intent(i.ClosePosition(terms[0]))
        elif kind == "cancel":
            for order in list(line.register.working(terms[0]))[:1]:
                line.on_intent(i.CancelOrder(order.id))
        else:
            (name, value), symbol = terms
            line.on_intent(i.ChangeLimits(name, value, "" if name == "correlation" else symbol, "tighter"))

    def stakes(self) -> dict[Symbol, Stake]:
        """Every stake worked out anew."""
        line = self.line
        live = (symbol for symbol, orders in line.register.live.items() if orders)
        return {s: line.stakes.of(s) for s in dict.fromkeys(chain(line.ledger.open, live)) if s in line.book.last}

    def anew(self) -> Snapshot:
        return replace(self.line.snapshot(), stakes=self.stakes(), known=None)

    def compare(self) -> None:
        line, kept, anew = self.line, self.line.snapshot(), self.anew()
        assert list(kept.stakes.items()) == list(anew.stakes.items())
        assert (kept.risk, kept.gross, kept.signed, kept.signs) == (anew.risk, anew.gross, anew.signed, anew.signs)
        assert kept.atr == {symbol: lane.atr for symbol, lane in line.lanes.items()}
        gate = Gate(line.instruments, line.in_force.limits, line.setup.slippage, self.returns)
        assert line.gate.now(kept) == gate.now(self.anew())
        for symbol in PRICES:
            for side in Side:
                for quantity in (3, 500):
                    draft = Draft(symbol, side, OrderType.MARKET, quantity, stop_loss=PRICES[symbol] - side.sign * 700)
                    gate = Gate(line.instruments, line.in_force.limits, line.setup.slippage, self.returns)
                    assert line.gate.check(draft, kept) == gate.check(draft, self.anew())
                    assert line.gate.check(draft, kept) == gate.check(draft, self.anew())


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(QUOTES, QUOTES, ORDERS, REST), min_size=3, max_size=14))
def test_what_is_kept_is_what_would_be_found_anew(actions: list[tuple]) -> None:
    watched = Watched(EVERYTHING)
    watched.compare()
    for symbol, price in PRICES.items():
        watched.pair.quote(symbol, price)
    for action in actions:
        watched.act(action)
        watched.compare()


def test_nothing_is_worked_out_twice_while_nothing_happens() -> None:
    watched = Watched(EVERYTHING)
    for symbol, price in PRICES.items():
        watched.pair.quote(symbol, price)
    watched.act(("order", "XAUUSD", "buy", "market", 5))
    watched.act(("quote", "XAUUSD", 10, SECOND))
    first, second = watched.line.snapshot(), watched.line.snapshot()
    assert first.stakes["XAUUSD"].quantity == 5
    assert first.stakes is second.stakes
    watched.act(("quote", "XAGUSD", 10, SECOND))
    assert watched.line.snapshot().stakes is first.stakes
    watched.act(("quote", "XAUUSD", 20, SECOND))
    moved = watched.line.snapshot()
    assert moved.stakes["XAUUSD"].mark == PRICES["XAUUSD"] + 20
    assert first.stakes["XAUUSD"].mark == PRICES["XAUUSD"] + 10


@given(st.lists(st.integers(0, 3 * 7 * 24 * 60), min_size=1, max_size=60))
def test_remembered_hours_are_those_of_the_timetable(minutes: list[int]) -> None:
    hours = Hours(FREE_GOLD.sessions)
    for minute in minutes:
        for at in (MONDAY + minute * MINUTE, MONDAY + minute * MINUTE - 1):
            assert hours.is_open(at) == FREE_GOLD.sessions.is_open(at)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=8))
def test_quiet_times_are_those_of_the_calendar(spans: list[tuple[int, int]]) -> None:
    calendar = NewsCalendar(tuple(Blackout(at, at, at + long, "USD", "high", "") for at, long in sorted(spans)))
    quiet = QuietTimes(calendar)
    for at in range(-1, 72):
        assert quiet.holds(at) == (calendar.at(at) is not None)


def test_a_bar_that_closes_moves_the_tails_of_a_book_that_stands_still() -> None:
    watched = Watched(EVERYTHING)
    for symbol, price in PRICES.items():
        watched.pair.quote(symbol, price)
    watched.act(("order", "XAUUSD", "buy", "market", 5))
    watched.act(("quote", "XAUUSD", 300, SECOND))
    watched.compare()
    line, draft = watched.line, Draft("XAUUSD", Side.BUY, OrderType.MARKET, 3, stop_loss=PRICES["XAUUSD"] - 700)
    before = line.gate.check(draft, line.snapshot())
    for returns in (line.returns, watched.returns):
        returns.push("XAUUSD", MONDAY, 1.2)
    after = line.gate.check(draft, line.snapshot())
    assert after == Gate(line.instruments, EVERYTHING, 0, watched.returns).check(draft, watched.anew())
    assert after != before


def test_a_position_without_a_stop_is_worth_another_risk_when_its_range_is_another() -> None:
    watched = Watched(EVERYTHING)
    for symbol, price in PRICES.items():
        watched.pair.quote(symbol, price)
    watched.line.emit(f.PositionAdopted("XAUUSD", 3, 3 * PRICES["XAUUSD"] * FREE_GOLD.tick_value, "opening"))
    watched.compare()
    before = watched.line.snapshot().stakes["XAUUSD"].risk
    for number in range(20):
        watched.act(("quote", "XAUUSD", 100 if number % 2 else -100, MINUTE))
        watched.compare()
    watched.act(("quote", "XAGUSD", 0, 9 * MINUTE))
    watched.compare()
    assert watched.line.snapshot().atr["XAUUSD"] > 0
    assert watched.line.snapshot().stakes["XAUUSD"].risk != before


def test_an_order_that_has_no_legs_is_seen_at_once() -> None:
    watched = Watched(EVERYTHING)
    for symbol, price in PRICES.items():
        watched.pair.quote(symbol, price)
    assert watched.line.snapshot().stakes == {}
    watched.line.emit(
        f.OrderAdopted(
            order="EXT-1",
            symbol="XAUUSD",
            side="buy",
            type="limit",
            quantity=5,
            role="external",
            limit=199_000,
            stop=None,
            tif="GTC",
            expires=None,
            reduce_only=False,
            parent="",
            oco="",
            signal="",
            broker_id="1",
            filled=0,
        )
    )
    assert watched.line.snapshot().stakes["XAUUSD"].pending_buys == 5
    watched.compare()


def test_of_a_pair_the_fill_of_one_takes_the_risk_of_the_other_away_at_once() -> None:
    watched = Watched(EVERYTHING)
    for symbol, price in PRICES.items():
        watched.pair.quote(symbol, price)
    low, high = PRICES["XAUUSD"] - 100, PRICES["XAUUSD"] + 900
    first = i.SubmitOrder("XAUUSD", "buy", "limit", 5, low, stop_loss=low - 700)
    second = i.SubmitOrder("XAUUSD", "buy", "stop", 5, high, stop_loss=high - 700)
    watched.line.on_intent(i.SubmitPair(first, second))
    assert watched.line.snapshot().stakes["XAUUSD"].pending_buys == 10
    watched.compare()
    watched.act(("quote", "XAUUSD", -300, SECOND))
    stake = watched.line.snapshot().stakes["XAUUSD"]
    assert (stake.quantity, stake.pending_buys) == (5, 0)
    watched.compare()
