"""A killed run goes on as if nothing had been: replayed facts make the live state, and what follows is the same."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.brokers.sim.broker import SimBroker, SimTerms
from engine.core.clock import HOUR
from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.instrument import cash
from engine.domain.limits import Limits
from engine.domain.market import Bars
from engine.domain.order import Role
from engine.execution.trader import Sizing
from engine.lane import Lane
from engine.market.tape import BarTape
from engine.picture import paint
from engine.pipeline import Pipeline, Setup
from engine.player import Player
from engine.signals.desk import Mode
from engine.signals.sma_cross import SmaCross
from tests.engine.rig import GOLD, M1, MONDAY, MemoryJournal, market

SEEDS = st.integers(0, 10_000)
AFTERNOON = MONDAY + 7 * HOUR
"""Two hours before the trading day rolls."""


def tight() -> Limits:
    from decimal import Decimal

    return replace(Limits(), daily_loss=Decimal("0.002"), drawdown=Decimal("0.006"))


class Run:
    """A replay of the moving-average cross over a tape, on the books of `journal`."""

    def __init__(self, bars: Bars, journal: MemoryJournal | None = None, *, mode: Mode = Mode.AUTO, fill_steps: int = 0) -> None:
        self.journal = journal or MemoryJournal()
        policy = SmaCross(GOLD, 3, 8, 0.001, 1.5)
        setup = Setup("paper", "USD", cash("100000"), mode, tight(), Sizing(fixed=100), expiry=3)
        terms = SimTerms(fill_steps=fill_steps)
        self.line = Pipeline(setup, [Lane(GOLD, M1, policy)], self.journal, lambda sink: SimBroker({"XAUUSD": GOLD}, terms, sink))
        self.player = Player(BarTape(GOLD, M1, bars), self.line)
        if self.journal.kept:
            self.player.recall(self.journal.records(), self.journal.cursor())
        else:
            self.line.begin(self.player.at)

    def meddle(self, rng: random.Random, every: int = 40) -> None:
        """Plays to the end, with the owner's hands in it now and then."""
        while not self.player.finished:
            self.player.play(most=rng.randrange(1, every))
            if not self.player.finished:
                self.line.on_intent(an_intent(self.line, rng))


def an_intent(line: Pipeline, rng: random.Random) -> i.Intent:
    """Something an owner might ask for now, sensible or not."""
    quote = line.book.last.get("XAUUSD")
    at = quote.bid if quote else 200_000
    orders = [order.id for order in line.register.all_live()] or ["none"]
    cards = list(line.desk.cards) or ["none"]
    side, other = rng.choice([("buy", 1), ("sell", -1)])
    far = rng.randrange(1, 150)
    resting = at - other * far
    choices: list[i.Intent] = [
        i.SubmitOrder("XAUUSD", side, "market", rng.randrange(1, 200), stop_loss=at - other * 200, take_profit=at + other * 150),
        i.SubmitOrder("XAUUSD", side, "limit", rng.randrange(1, 200), resting, stop_loss=resting - other * 100),
        i.SubmitOrder("XAUUSD", side, "stop", rng.randrange(1, 200), at + other * far, tif="DAY"),
        i.SubmitOrder(
            "XAUUSD", side, "limit", rng.randrange(1, 200), resting, tif="GTD", expires=line.now + rng.randrange(1, 200) * 10**9
        ),
        i.SubmitOrder("XAUUSD", side, "limit", rng.randrange(1, 200), resting, tif="IOC"),
        i.SubmitOrder("XAUUSD", side, "limit", rng.randrange(1, 200), at + other * far, reduce_only=True),
        i.CancelOrder(rng.choice(orders)),
        i.CancelAll(),
        i.ModifyOrder(rng.choice(orders), price=at + rng.randrange(-200, 200)),
        i.ModifyOrder(rng.choice(orders), quantity=rng.randrange(1, 250)),
        i.EditProtection("XAUUSD", stop_loss=at - rng.choice([-1, 1]) * far),
        i.EditProtection("XAUUSD", take_profit=at + rng.choice([-1, 1]) * far),
        i.EditProtection("XAUUSD", take_profit=0),
        i.ClosePosition("XAUUSD"),
        i.ClosePosition("XAUUSD", rng.randrange(1, 60)),
        i.ReversePosition("XAUUSD"),
        i.Flatten(),
        i.AcceptCard(rng.choice(cards), "yes"),
        i.VetoCard(rng.choice(cards), "no"),
        i.FlipCard(rng.choice(cards)),
        i.ResizeCard(rng.choice(cards), rng.randrange(1, 100)),
        i.SetMode(rng.choice(["AUTO", "CONFIRM", "MANUAL"])),
        i.Halt(flatten=rng.random() < 0.5),
        i.Resume(),
        i.Resume(),
    ]
    return rng.choice(choices)


def state(run: Run) -> dict[str, Any]:
    """Everything a run knows, in comparable form."""
    line, broker, guard = run.line, run.line.broker, run.line.guard
    assert isinstance(broker, SimBroker)
    last = line.book.last.get("XAUUSD")
    return {
        "step": (line.step, line.now, line.due, line.bars_closed),
        "ledger": (line.ledger.cash, line.ledger.trades, {s: vars_of(h) for s, h in line.ledger.holdings.items()}),
        "orders": line.register.orders,
        "live": {symbol: list(orders) for symbol, orders in line.register.live.items()},
        "recent": list(line.register.recent),
        "desk": (line.desk.mode, line.desk.cards, line.desk.signals, line.desk.explanations),
        "guard": (guard.state, guard.cause, guard.peak, guard.day_start, guard.max_drawdown, guard.floor),
        "venue": {name: order._replace(placed=0, reason="") for name, order in broker._book.orders.items()},
        "venue_live": {symbol: list(orders) for symbol, orders in broker._book.live.items()},
        "venue_position": {symbol: held for symbol, held in broker._position.items() if held},
        "forming": line.lead.bars.peek(),
        "picture": paint(line) if last else None,
    }


def vars_of(holding: Any) -> tuple[int, ...]:
    return holding.quantity, holding.basis, holding.realised, holding.costs, holding.trade


@settings(max_examples=25)
@given(SEEDS, st.sampled_from([Mode.AUTO, Mode.CONFIRM]), st.sampled_from([0, 30]))
def test_replayed_facts_are_the_live_state_whatever_the_owner_did(seed: int, mode: Mode, fill_steps: int) -> None:
    bars, rng = market(240, seed, start=AFTERNOON), random.Random(seed)
    live = Run(bars, mode=mode, fill_steps=fill_steps)
    live.meddle(rng)
    again = Run(bars, live.journal.cut(len(live.journal.kept)), mode=mode, fill_steps=fill_steps)
    behind = live.line.step - again.line.step
    again.player.play()
    assert again.journal.lines == live.journal.lines
    assert behind >= 0
    assert state(again) == state(live)


@settings(max_examples=25)
@given(SEEDS, st.data())
def test_a_run_cut_anywhere_ends_with_the_facts_of_the_uninterrupted_one(seed: int, data: st.DataObject) -> None:
    bars = market(300, seed, start=AFTERNOON)
    whole = Run(bars)
    whole.player.play()
    seq = data.draw(st.integers(1, len(whole.journal.kept)), label="cut after fact")
    resumed = Run(bars, whole.journal.cut(seq))
    resumed.player.play()
    assert resumed.journal.lines == whole.journal.lines
    assert state(resumed) == state(whole)


@settings(max_examples=25)
@given(SEEDS, st.data(), st.sampled_from([Mode.AUTO, Mode.CONFIRM]), st.sampled_from([0, 30]))
def test_intents_are_given_again_at_their_steps(seed: int, data: st.DataObject, mode: Mode, fill_steps: int) -> None:
    """A crash after any step: what the owner asked before is replayed, what he would ask after is asked again."""
    bars, rng = market(200, seed, start=AFTERNOON), random.Random(seed)
    live = Run(bars, mode=mode, fill_steps=fill_steps)
    live.meddle(rng)
    seq = data.draw(st.integers(1, len(live.journal.kept)), label="cut after fact")
    left = live.journal.cut(seq)
    later = [record for record in live.journal.kept[len(left.kept) :] if isinstance(record.fact, f.IntentReceived)]
    resumed = Run(bars, left, mode=mode, fill_steps=fill_steps)
    for record in later:
        assert isinstance(record.fact, f.IntentReceived)
        play_to(resumed, record.step - 1)
        resumed.line.on_intent(i.decode(record.fact.intent))
    resumed.player.play()
    assert resumed.journal.lines == live.journal.lines
    assert state(resumed) == state(live)


def play_to(run: Run, step: int) -> None:
    """Plays on until the pipeline made exactly this many steps."""
    while run.line.step < step:
        run.player.play(most=1)
    assert run.line.step == step


@settings(max_examples=20)
@given(SEEDS, st.data())
def test_a_file_cut_short_gives_the_beginning_of_the_same_facts(seed: int, data: st.DataObject) -> None:
    bars = market(300, seed, start=AFTERNOON)
    whole = Run(bars)
    whole.player.play()
    rows = data.draw(st.integers(1, 300), label="bars")
    short = Run(bars[:rows])
    short.player.play()
    assert short.journal.lines == whole.journal.lines[: len(short.journal.lines)]
    if rows == 300:
        assert short.journal.lines == whole.journal.lines


def test_the_market_of_these_tests_trades() -> None:
    """The tests above would hold on an empty run too, so this one says they were not."""
    run = Run(market(300, 1, start=AFTERNOON))
    run.player.play()
    kinds = {type(record.fact).__name__ for record in run.journal.kept}
    assert {"SignalEmitted", "OrderFilled", "OrderCancelled", "PositionChanged", "TradingStateChanged", "DayStarted"} <= kinds
    busy = Run(market(240, 3, start=AFTERNOON), mode=Mode.CONFIRM, fill_steps=30)
    busy.meddle(random.Random(3))
    kinds = {type(record.fact).__name__ for record in busy.journal.kept}
    assert {"CardOpened", "CardDecided", "OrderDenied", "IntentRefused", "OrderModified"} <= kinds


def test_a_run_that_was_killed_between_the_last_quote_and_the_close_of_its_bar_closes_it() -> None:
    bars = market(60, 5)
    whole = Run(bars)
    whole.player.play()
    killed = Run(bars)
    killed.player.play(most=239)
    killed.player._run(1 << 62, 1)
    killed.line.on_intent(i.SetMode("CONFIRM"))
    resumed = Run(bars, killed.journal.cut(len(killed.journal.kept)))
    assert not resumed.player.finished
    resumed.player.play()
    assert resumed.line.bars_closed == whole.line.bars_closed == 60
    assert resumed.player.finished


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_an_order_placed_at_a_close_is_filled_at_the_next_open_at_the_earliest(side: str) -> None:
    run = Run(market(400, 11))
    run.player.play()
    placed = {
        r.fact.order: r for r in run.journal.kept if isinstance(r.fact, f.OrderIntended) and r.fact.role == Role.ENTRY.value
    }
    filled = [r for r in run.journal.kept if isinstance(r.fact, f.OrderFilled) and r.fact.side == side]
    bars = market(400, 11)
    opens = dict(zip(bars.at.tolist(), np.rint(bars.open / 0.01).astype(int).tolist(), strict=True))
    entries = [r for r in filled if isinstance(r.fact, f.OrderFilled) and r.fact.order in placed]
    assert entries
    for record in entries:
        assert isinstance(record.fact, f.OrderFilled)
        assert record.at >= placed[record.fact.order].at
        assert record.step > placed[record.fact.order].step
        assert record.at in opens
