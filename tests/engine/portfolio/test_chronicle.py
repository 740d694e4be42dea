"""What happened, as lists for people."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.brokers.sim.broker import SimTerms
from engine.domain import intents as i
from engine.domain.instrument import INSTRUMENTS
from engine.domain.order import Role, Side
from engine.portfolio.chronicle import Chronicle
from engine.signals.desk import Mode
from tests.engine.rig import Rig, Scripted

BID = 200_000


def told(rig: Rig) -> Chronicle:
    chronicle = Chronicle()
    for record in rig.journal.kept:
        chronicle.take(record)
    return chronicle


def test_a_reversal_ends_one_trade_and_begins_the_next() -> None:
    rig = Rig()
    rig.warm()
    rig.buy(10, stop_loss=BID - 5_000)
    rig.quote(BID)
    rig.sell(25, stop_loss=BID + 5_000)
    rig.quote(BID + 1_020)
    rig.do(i.ClosePosition("XAUUSD"))
    rig.quote(BID)
    first, second = told(rig).trades
    assert (first.side, first.quantity, first.entry, first.exit) == (Side.BUY, 10, BID + 20, BID + 1_020)
    assert (second.side, second.quantity, second.entry, second.exit) == (Side.SELL, 15, BID + 1_020, BID + 20)
    assert (first.realised, second.realised) == (10 * 1_000 * 10_000, 15 * 1_000 * 10_000)
    assert second.exit_role is Role.CLOSE


def test_the_fate_of_every_signal_is_told() -> None:
    rig = Rig(Scripted({30: Side.BUY, 32: Side.SELL, 34: Side.BUY}), mode=Mode.CONFIRM, cooldown=0)
    rig.warm(33)
    rig.do(i.VetoCard("S000002", "no"))
    rig.do(i.SetMode("MANUAL"))
    rig.close_bar()
    rig.quote(BID)
    rig.close_bar()
    fates = {name: (view.outcome, view.reason) for name, view in told(rig).signals.items()}
    assert fates == {
        "S000001": ("expired", "a newer signal points the other way"),
        "S000002": ("vetoed", "no"),
        "S000003": ("dropped", "the mode is MANUAL"),
    }


def test_a_denied_order_is_listed_with_its_reason() -> None:
    rig = Rig()
    rig.warm()
    rig.buy(999_999)
    (view,) = told(rig).orders.values()
    assert view.order.state.value == "DENIED"
    assert "largest order" in view.reason


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from([0, 3]))
def test_trades_and_fills_add_up_to_the_ledger(seed: int, fill_steps: int) -> None:
    rng = random.Random(seed)
    rig = Rig(instrument=INSTRUMENTS["XAUUSD"], terms=SimTerms(fill_steps=fill_steps))
    rig.warm(20)
    at = BID
    for _ in range(40):
        side, sign = rng.choice([("buy", 1), ("sell", -1)])
        if rng.random() < 0.4:
            rig.do(i.SubmitOrder("XAUUSD", side, "market", rng.randrange(1, 9), stop_loss=at - sign * 300))
        at += rng.randrange(-150, 151)
        rig.quote(at)
    rig.do(i.Flatten())
    while rig.held:
        rig.quote(at)
    chronicle, ledger = told(rig), rig.line.ledger
    assert rig.held == 0
    assert sum(trade.realised for trade in chronicle.trades) == ledger.realised
    assert sum(trade.costs for trade in chronicle.trades) == ledger.costs
    assert [trade.number for trade in chronicle.trades] == list(range(1, ledger.trades + 1))
    assert sum(fill.commission for fill in chronicle.fills) == ledger.costs
    assert len(chronicle.fills) == rig.line.register.fills
    assert {name: view.order for name, view in chronicle.orders.items()} == rig.line.register.orders
