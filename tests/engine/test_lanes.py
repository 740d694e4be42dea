"""Several instruments in one session: lanes of their own, one account, one set of limits."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.brokers.sim.broker import SimBroker, SimTerms
from engine.core.clock import MINUTE, SECOND
from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.instrument import INSTRUMENTS, cash
from engine.domain.limits import Limits
from engine.domain.market import Bar, Quote
from engine.domain.order import Side
from engine.execution.trader import Sizing
from engine.lane import Lane
from engine.market.medley import Medley
from engine.market.tape import BarTape
from engine.picture import paint
from engine.pipeline import Pipeline, Setup
from engine.player import Player
from engine.signals.desk import Mode
from engine.signals.sma_cross import SmaCross
from tests.engine.rig import FREE_GOLD, GOLD, M1, MONDAY, WIDE, MemoryJournal, Scripted, market

SILVER = replace(INSTRUMENTS["XAGUSD"], commission=0, financing_long=0, financing_short=0)
PRICES = {"XAUUSD": 200_000, "XAGUSD": 25_000}
SPREAD = 20


class Pair:
    """Gold and silver on one account, quoted by hand."""

    def __init__(self, gold: Scripted | None = None, silver: Scripted | None = None, limits: Limits = WIDE) -> None:
        self.journal = MemoryJournal()
        lanes = [Lane(FREE_GOLD, M1, gold or Scripted()), Lane(SILVER, M1, silver or Scripted())]
        setup = Setup("paper", "USD", cash("100000"), Mode.AUTO, limits, Sizing(fixed=10), slippage=0)
        instruments = {"XAUUSD": FREE_GOLD, "XAGUSD": SILVER}
        self.line = Pipeline(setup, lanes, self.journal, lambda sink: SimBroker(instruments, SimTerms(slippage=0), sink))
        self.at = MONDAY
        self.line.begin(MONDAY)

    def quote(self, symbol: str, bid: int, after: int = SECOND) -> None:
        self.at += after
        while self.line.due <= self.at:
            self.line.on_time(self.line.due)
        self.line.on_quote(Quote(symbol, self.at, bid, bid + SPREAD, False))

    def warm(self, bars: int = 30) -> None:
        """Bars in both lanes until an ATR is known, prices back at PRICES."""
        for number in range(bars):
            for symbol, price in PRICES.items():
                self.quote(symbol, price + (100 if number % 2 else -100), MINUTE // 2)
        for symbol, price in PRICES.items():
            self.quote(symbol, price)

    def facts(self, kind: type) -> list[f.Fact]:
        return [record.fact for record in self.journal.kept if isinstance(record.fact, kind)]

    def buy(self, symbol: str, quantity: int, stop: int) -> list[f.Fact]:
        return [r.fact for r in self.line.on_intent(i.SubmitOrder(symbol, "buy", "market", quantity, stop_loss=stop))]


def test_a_book_of_two_begins_with_both_instruments_and_both_policies() -> None:
    kinds = [type(record.fact).__name__ for record in Pair().journal.kept]
    assert kinds == ["AccountOpened", *["InstrumentListed"] * 2, "ModeChanged", *["ModelChanged"] * 2]


def test_each_lane_builds_its_own_bars_and_knows_its_own_range() -> None:
    pair = Pair()
    closed: list[tuple[str, Bar]] = []
    pair.line.on_bar.append(lambda symbol, bar, _worth: closed.append((symbol, bar)))
    pair.warm()
    assert {round(bar.close) for symbol, bar in closed if symbol == "XAUUSD"} == {1_999, 2_001}
    assert {round(bar.close) for symbol, bar in closed if symbol == "XAGUSD"} == {25}
    assert pair.line.atr("XAUUSD") > 0
    assert pair.line.atr("XAGUSD") > 0
    assert pair.line.snapshot().atr.keys() == {"XAUUSD", "XAGUSD"}


def test_each_policy_trades_its_own_instrument() -> None:
    pair = Pair(gold=Scripted({29: Side.BUY}), silver=Scripted({29: Side.SELL}))
    pair.warm()
    for symbol, price in PRICES.items():
        pair.quote(symbol, price, 2 * MINUTE)
    for symbol, price in PRICES.items():
        pair.quote(symbol, price)
    # facts of that kind
    signals = [(fact.symbol, fact.side) for fact in pair.facts(f.SignalEmitted)]  # type: ignore[attr-defined]
    assert sorted(signals) == [("XAGUSD", "sell"), ("XAUUSD", "buy")]
    assert (pair.line.ledger.position("XAUUSD"), pair.line.ledger.position("XAGUSD")) == (10, -10)


class Knowing(Scripted):
    """Notes how many bars the other lane has closed when it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []
        self.other: Scripted | None = None

    def decide(self, row: Any, atr: float, quote: Quote) -> Any:
        assert self.other is not None
        self.seen.append(self.other._bars)
        return super().decide(row, atr, quote)


def test_bars_that_end_together_are_all_taken_before_anything_is_decided() -> None:
    gold, silver = Knowing(), Knowing()
    gold.other, silver.other = silver, gold
    pair = Pair(gold=gold, silver=silver)
    for _ in range(4):
        pair.quote("XAUUSD", PRICES["XAUUSD"], MINUTE - SECOND)
        pair.quote("XAGUSD", PRICES["XAGUSD"], SECOND // 2)
        pair.at += SECOND // 2
    assert gold.seen == silver.seen == [0, 1, 2]


def test_limits_count_what_is_held_in_both() -> None:
    pair = Pair(limits=replace(WIDE, leverage=Decimal("3")))
    pair.warm()
    pair.buy("XAUUSD", 100, PRICES["XAUUSD"] - 1_000)
    pair.quote("XAUUSD", PRICES["XAUUSD"])
    alone = Pair(limits=replace(WIDE, leverage=Decimal("3")))
    alone.warm()
    notional = SILVER.tick_value * (PRICES["XAGUSD"] + SPREAD)
    quantity = cash("150000") // notional
    stop = PRICES["XAGUSD"] - 1_000
    assert not any(isinstance(fact, f.OrderDenied) for fact in alone.buy("XAGUSD", quantity, stop))
    denied = [fact for fact in pair.buy("XAGUSD", quantity, stop) if isinstance(fact, f.OrderDenied)]
    assert [fact.limits for fact in denied] == [("leverage",)]


def test_a_stop_is_not_widened_past_the_cap_that_two_which_move_together_share() -> None:
    pair = Pair(limits=replace(WIDE, position=Decimal("0.02")))
    pair.warm()
    gold, silver = PRICES["XAUUSD"], PRICES["XAGUSD"]
    pair.buy("XAUUSD", 50, gold - 2_000)
    pair.quote("XAUUSD", gold)
    pair.buy("XAGUSD", 10, silver - 1_000)
    pair.quote("XAGUSD", silver)
    assert pair.line.snapshot().correlation is not None
    assert pair.line.gate.largest_cluster(pair.line.snapshot()).measured == cash("1500")
    (gauge,) = [gauge for gauge in paint(pair.line).gauges if gauge.name == "correlation"]
    assert gauge.value == pytest.approx(1_500 / 100_000, rel=1e-3)
    assert gauge.sentence.endswith("XAUUSD; how XAGUSD correlates is not known yet")
    refused = [r.fact for r in pair.line.on_intent(i.EditProtection("XAGUSD", stop_loss=silver - 2_500))][-1]
    assert isinstance(refused, f.IntentRefused)
    assert "correlation: with what moves along" in refused.reason
    accepted = [r.fact for r in pair.line.on_intent(i.EditProtection("XAGUSD", stop_loss=silver - 1_900))][-1]
    assert not isinstance(accepted, f.IntentRefused)


@pytest.mark.parametrize("falling", ["XAUUSD", "XAGUSD"])
def test_a_loss_in_one_trips_the_day_that_both_share(falling: str) -> None:
    pair = Pair(limits=replace(WIDE, daily_loss=Decimal("0.02")))
    pair.warm()
    for symbol, price in PRICES.items():
        pair.buy(symbol, 50, price - 20_000)
        pair.quote(symbol, price)
    before = pair.line.equity()
    instrument = {"XAUUSD": FREE_GOLD, "XAGUSD": SILVER}[falling]
    fall = -(-cash("2100") // (50 * instrument.tick_value))
    assert pair.line.guard.state == "ACTIVE"
    pair.quote(falling, PRICES[falling] - fall)
    assert pair.line.equity() <= before - cash("2000")
    assert pair.line.guard.state == "REDUCING"


def test_a_second_market_that_never_trades_changes_nothing_in_the_first() -> None:
    def orders(both: bool) -> list[f.Fact]:
        journal = MemoryJournal()
        lanes = [Lane(GOLD, M1, SmaCross(GOLD, 3, 8, 0.001, 1.5))]
        tapes = [BarTape(GOLD, M1, market(600, 4))]
        if both:
            lanes.append(Lane(SILVER, M1, Scripted()))
            tapes.append(BarTape(SILVER, M1, market(600, 5)))
        setup = Setup("paper", "USD", cash("100000"), Mode.AUTO, WIDE, Sizing(fixed=10))
        known = {lane.symbol: lane.instrument for lane in lanes}
        line = Pipeline(setup, lanes, journal, lambda sink: SimBroker(known, SimTerms(), sink))
        player = Player(Medley(tapes), line)
        line.begin(player.at)
        player.play()
        assert player.finished
        kept = [record.fact for record in journal.kept if not isinstance(record.fact, (f.InstrumentListed, f.ModelChanged))]
        return [fact for fact in kept if not isinstance(fact, f.DayStarted)]

    alone = orders(both=False)
    assert len(alone) > 100
    assert orders(both=True) == alone


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_killed_run_of_two_goes_on_to_the_same_facts(share: float) -> None:
    def run(journal: MemoryJournal) -> tuple[Player, Pipeline]:
        lanes = [Lane(GOLD, M1, SmaCross(GOLD, 3, 8, 0.001, 1.5)), Lane(SILVER, M1, SmaCross(SILVER, 4, 9, 0.001, 1.5))]
        tapes = [BarTape(GOLD, M1, market(400, 6)), BarTape(SILVER, M1, market(400, 7))]
        setup = Setup("paper", "USD", cash("100000"), Mode.AUTO, WIDE, Sizing(fixed=10))
        known = {"XAUUSD": GOLD, "XAGUSD": SILVER}
        line = Pipeline(setup, lanes, journal, lambda sink: SimBroker(known, SimTerms(), sink))
        player = Player(Medley(tapes), line)
        if journal.kept:
            player.recall(journal.records(), journal.cursor())
        else:
            line.begin(player.at)
        return player, line

    whole = MemoryJournal()
    run(whole)[0].play()
    assert {fact.symbol for record in whole.kept if isinstance(fact := record.fact, f.PositionChanged)} == {"XAUUSD", "XAGUSD"}
    left = whole.cut(int(len(whole.kept) * share))
    run(left)[0].play()
    assert left.lines == whole.lines
