"""Walking a tape: what comes due between two quotes, the end of the tape, speed by slices."""

from __future__ import annotations

import numpy as np
import pytest

from engine.brokers.sim.broker import SimBroker, SimTerms
from engine.core.clock import MINUTE, from_iso
from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.instrument import cash
from engine.domain.market import Bar, Bars, QuoteColumns
from engine.lane import Lane
from engine.market.tape import BarTape, Tape, TickTape
from engine.pipeline import Pipeline, Setup
from engine.player import Player
from engine.signals.desk import Mode
from tests.engine.rig import GOLD, M1, MONDAY, WIDE, MemoryJournal, Scripted, market

FRIDAY_EVENING = from_iso("2024-06-07T20:57")
"""Three minutes before the week ends and the trading day rolls."""


def started(tape: Tape) -> tuple[Player, Pipeline, MemoryJournal, list[Bar]]:
    journal = MemoryJournal()
    setup = Setup("paper", "USD", cash("100000"), Mode.AUTO, WIDE)
    line = Pipeline(setup, [Lane(GOLD, M1, Scripted())], journal, lambda sink: SimBroker({"XAUUSD": GOLD}, SimTerms(), sink))
    closed: list[Bar] = []
    line.on_bar.append(lambda _symbol, bar, _worth: closed.append(bar))
    player = Player(tape, line)
    line.begin(player.at)
    return player, line, journal, closed


def flat(at: list[int], spread: float = float("nan")) -> Bars:
    """Bars without range at these times."""
    prices = np.full(len(at), 2_000.0)
    return Bars(np.array(at, np.int64), prices, prices, prices, prices, np.ones(len(at)), np.full(len(at), spread))


def test_every_recorded_bar_is_seen_as_it_was_recorded() -> None:
    bars = market(500, 1)
    player, _, _, closed = started(BarTape(GOLD, M1, bars))
    player.play()
    assert [bar[:6] for bar in closed] == [bars.row(row)[:6] for row in range(500)]
    assert all(bar.spread > 0 for bar in closed)
    assert (player.quotes, player.bars, player.finished) == (2_000, 500, True)


@pytest.mark.parametrize("most", [1, 3, 7, 8_191])
def test_slices_of_any_size_play_the_same(most: int) -> None:
    bars = market(2_100, 2)
    player, line, _, closed = started(BarTape(GOLD, M1, bars))
    while not player.finished:
        player.play(most=most)
    assert len(closed) == line.bars_closed == 2_100
    assert line.step == 4 * 2_100 + 2_100 + line.bars_closed - len(closed) + rolls(bars)


def rolls(bars: Bars) -> int:
    """How often the trading day rolls at a moment when no bar closes."""
    moments = (bars.at + MINUTE).tolist()
    first, last = int(bars.at[0]), moments[-1]
    days = range(from_iso("2024-06-03T21:00"), last + 1, 86_400 * 10**9)
    return len([day for day in days if first < day <= last and day not in moments])


def test_play_until_stops_before_the_quote_of_that_moment() -> None:
    player, line, _, _ = started(BarTape(GOLD, M1, market(10, 3, holes=0)))
    player.play(until=MONDAY + 2 * MINUTE)
    assert player.at == MONDAY + 2 * MINUTE
    assert line.now == MONDAY + 2 * MINUTE - 1


def test_a_bar_before_a_weekend_closes_at_its_own_end_and_the_day_rolls_once() -> None:
    friday = [FRIDAY_EVENING + n * MINUTE for n in range(3)]
    sunday = [from_iso("2024-06-09T22:00") + n * MINUTE for n in range(2)]
    player, line, journal, _ = started(BarTape(GOLD, M1, flat(friday + sunday)))
    closings: list[int] = []
    line.on_bar.append(lambda _symbol, _bar, _worth: closings.append(line.now))
    player.play()
    assert closings == [at + MINUTE for at in friday + sunday]
    starts = [record.at for record in journal.kept if isinstance(record.fact, f.DayStarted)]
    assert starts == [from_iso("2024-06-07T21:00")]


def test_a_tape_that_ends_at_the_roll_rolls_the_day_as_the_longer_tape_does() -> None:
    friday = [FRIDAY_EVENING + n * MINUTE for n in range(3)]
    sunday = [from_iso("2024-06-09T22:00")]
    short, _, cut, _ = started(BarTape(GOLD, M1, flat(friday)))
    whole, _, facts, _ = started(BarTape(GOLD, M1, flat(friday + sunday)))
    short.play()
    whole.play()
    assert any(isinstance(record.fact, f.DayStarted) for record in cut.kept)
    assert cut.lines == facts.lines[: len(cut.lines)]


def test_bars_without_range_and_without_a_spread_trade_at_the_instrument_s_spread() -> None:
    player, line, _, closed = started(BarTape(GOLD, M1, flat([MONDAY, MONDAY + MINUTE])))
    player.play()
    quote = line.book.last["XAUUSD"]
    assert (quote.bid, quote.ask) == (200_000, 200_000 + GOLD.spread)
    assert closed[0].spread == pytest.approx(0.2)


def test_an_empty_tape_is_over_at_once() -> None:
    player, line, _, _ = started(BarTape(GOLD, M1, Bars.empty()))
    player.play()
    assert (player.finished, line.bars_closed) == (True, 0)


def test_ticks_make_bars_of_their_own_and_a_crossed_quote_is_kept_out() -> None:
    at = np.array([MONDAY, MONDAY + 10, MONDAY + 20, MONDAY + MINUTE], np.int64)
    bid = np.array([2_000.0, 2_010.0, 2_001.0, 2_002.0])
    ask = np.array([2_000.2, 2_009.0, 2_001.2, 2_002.2])
    player, line, _, closed = started(TickTape(GOLD, QuoteColumns(at, bid, ask)))
    player.play()
    assert line.book.quarantined == {"XAUUSD": 1}
    assert closed[0] == Bar(MONDAY, 2_000.0, 2_001.0, 2_000.0, 2_001.0, 2.0, 0.2)
    assert line.bars_closed == 2


def test_a_quarantined_quote_counts_as_a_step_when_a_book_is_recalled() -> None:
    at = np.arange(MONDAY, MONDAY + 12 * 10**10, 10**10, dtype=np.int64)
    bid = np.where(np.arange(12) % 3 == 1, -1.0, 2_000.0)
    tape = TickTape(GOLD, QuoteColumns(at, bid, bid + 0.2))
    player, line, journal, _ = started(tape)
    player.play(most=7)
    line.on_intent(i.SetMode("MANUAL"))
    journal_after = journal.cut(len(journal.kept))
    again = Pipeline(
        line.setup, [Lane(GOLD, M1, Scripted())], journal_after, lambda sink: SimBroker({"XAUUSD": GOLD}, SimTerms(), sink)
    )
    resumed = Player(tape, again)
    resumed.recall(journal_after.records(), journal_after.cursor())
    assert (again.step, again.now, again.due, resumed.quotes) == (line.step, line.now, line.due, player.quotes)
    assert again.book.quarantined == line.book.quarantined


def test_a_filled_order_takes_its_expiry_out_of_what_is_due() -> None:
    """A stale moment would be a step of its own that a recalled book does not make."""
    player, line, _, _ = started(BarTape(GOLD, M1, market(3, 4, holes=0)))
    player.play(most=5)
    at = line.book.last["XAUUSD"].ask
    ticket = i.SubmitOrder("XAUUSD", "buy", "limit", 1, at + 500, stop_loss=at - 500, tif="GTD", expires=line.now + 50 * 10**9)
    line.on_intent(ticket)
    assert line.due == line.now + 50 * 10**9
    player.play(most=1)
    assert line.ledger.position("XAUUSD") == 1
    assert line.due == line.lead.bars.due
