"""A session on paper by an exchange's own order book: fills walk it, and limit orders keep their place in its queues."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine.brokers.exchange.feed import ExchangeFeed
from engine.core.clock import SystemClock
from engine.core.errors import BrokerError
from engine.domain import facts as f
from engine.domain.instrument import INSTRUMENTS
from engine.domain.intents import SubmitOrder
from engine.domain.market import Depth, Symbol, Trade
from engine.live.depths import SHOWN
from tests.brokers.exchange_adapter import address
from tests.live.rig import GOLD, Desk, Ticker, on_paper, played
from tests.peers.exchange import Exchange
from tests.peers.faults import Drop, Hold

PAXG = "PAXGUSDT"
_MS = 1_000_000


def at_exchange(
    scenario: Callable[[Exchange, Path, pytest.MonkeyPatch], Coroutine[Any, Any, None]],
) -> Callable[[Path, pytest.MonkeyPatch], None]:
    """A test with an exchange that quotes gold 3900.00 to 3900.10, an ounce at each of five prices a cent apart."""

    @pytest.mark.xdist_group("ccxt")
    def test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        importlib.import_module("ccxt.pro")  # takes seconds, which are nobody's fault

        async def play() -> None:
            async with asyncio.timeout(60), Exchange() as exchange:
                await exchange.quote(PAXG, "3900.00", "3900.10")
                await scenario(exchange, tmp_path, monkeypatch)

        asyncio.run(play())

    test.__name__ = scenario.__name__
    return test


@asynccontextmanager
async def by_the_book(exchange: Exchange, folder: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """A session on paper that follows the exchange's quotes, book and trades."""
    feed = _feed(exchange)
    async with on_paper(folder, patch, feed=feed, instrument=PAXG) as desk:  # type: ignore[arg-type]  # a feed that is no ticker
        await desk.until(lambda: exchange.hub.has("paxgusdt@trade") and exchange.hub.has("paxgusdt@bookTicker"))
        await desk.until(lambda: not any(desk.session.obstacles(PAXG)) and desk.session.depths.shown())
        yield desk
        assert desk.faults == []


def _feed(exchange: Exchange) -> ExchangeFeed:
    return ExchangeFeed(
        address(exchange), INSTRUMENTS, clock=SystemClock(), random=Random(1), poll_s=0.01, quiet_s=60, paced=False
    )


def fills(desk: Desk) -> list[tuple[int, int]]:
    """(price, quantity) of every fill so far."""
    return [(fact.price, fact.quantity) for fact in desk.facts if isinstance(fact, f.OrderFilled)]


@at_exchange
async def test_a_market_order_larger_than_the_best_level_fills_at_several_prices(
    exchange: Exchange, folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with by_the_book(exchange, folder, patch) as desk:
        asks = [(Decimal("3900.10"), Decimal("0.01")), (Decimal("3900.20"), Decimal("0.02")), (Decimal("3901.00"), Decimal(1))]
        await exchange.book(PAXG, [(Decimal("3900.00"), Decimal(1))], asks)
        await desk.until(lambda: desk.session.depths.books[PAXG].asks[:1] == ((390_010, 100),))
        await desk.until(lambda: desk.session.pipeline.book.last[PAXG].ask_size == 100)
        desk.do(SubmitOrder(PAXG, "buy", "market", 400, stop_loss=380_000))
        await desk.until(lambda: desk.session.pipeline.ledger.position(PAXG) == 400)
        assert fills(desk) == [(390_010, 100), (390_020, 200), (390_100, 100)]


@at_exchange
async def test_a_limit_order_behind_a_queue_fills_only_after_the_trades_ahead_of_it(
    exchange: Exchange, folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with by_the_book(exchange, folder, patch) as desk:
        desk.do(SubmitOrder(PAXG, "buy", "limit", 500, price=390_000, stop_loss=380_000))
        await desk.until(lambda: any(isinstance(fact, f.OrderAccepted) for fact in desk.facts))
        await sold(exchange, desk, "0.6")
        await desk.until(lambda: desk.session.pipeline.book.last[PAXG].bid_size == 4_000)
        await sold(exchange, desk, "0.4")
        await desk.until(lambda: desk.session.pipeline.book.last[PAXG].bid == 389_999)
        assert fills(desk) == []
        await sold(exchange, desk, "0.02")
        await desk.until(lambda: desk.session.pipeline.ledger.position(PAXG) == 200)
        await sold(exchange, desk, "0.5")
        await desk.until(lambda: desk.session.pipeline.ledger.position(PAXG) == 500)
        assert fills(desk) == [(390_000, 200), (390_000, 300)]


async def sold(exchange: Exchange, desk: Desk, quantity: str) -> None:
    """Somebody sells into the book, later than all that was asked here so far, and the session has heard of it."""
    told, asked, ahead = desk.session.depths.trades, desk.session.clock.now(), desk.feed._venue.wire.offset_ms or 0  # type: ignore[attr-defined]  # as above
    while (exchange.now_ms() - ahead) * _MS <= asked:
        await asyncio.sleep(0.001)
    await exchange.trade(PAXG, "SELL", quantity)
    await desk.until(lambda: desk.session.depths.trades > told)


@at_exchange
async def test_a_book_that_is_lost_is_not_walked_and_the_quotes_own_sizes_bound_what_fills(
    exchange: Exchange, folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with by_the_book(exchange, folder, patch) as desk:
        answer = exchange.faults.on("GET depth", Hold())
        exchange.faults.on("depthUpdate", Drop())
        await exchange.quote(PAXG, "3900.01", "3900.11", depth="0.02")
        await exchange.quote(PAXG, "3900.02", "3900.12", depth="0.03")
        await desk.until(lambda: desk.session.depths.books[PAXG].asks == ())
        await desk.until(lambda: desk.session.pipeline.book.last[PAXG][3:7] == (390_012, False, 300, 300))
        desk.do(SubmitOrder(PAXG, "buy", "market", 400, stop_loss=380_000))
        await desk.until(lambda: desk.session.pipeline.ledger.position(PAXG) == 300)
        assert desk.session.picture().books == ()
        answer.release()
        await desk.until(lambda: desk.session.pipeline.ledger.position(PAXG) == 400)
        assert fills(desk) == [(390_014, 300), (390_013, 100)]


# --- a feed by hand -----------------------------------------------------------------------------------------------------


class Deep(Ticker):
    """A ticker that shows depth too."""

    def __init__(self) -> None:
        super().__init__()
        self._depths: asyncio.Queue[Depth | Trade] = asyncio.Queue()

    async def depth(self, symbols: Sequence[Symbol]) -> AsyncIterator[Depth | Trade]:
        while True:
            yield await self._depths.get()

    def show(self, *asks: tuple[int, int]) -> None:
        """Puts up a book with these asks."""
        self._depths.put_nowait(Depth(GOLD, SystemClock().now(), ((400_000, 50),) if asks else (), asks))

    def trade(self, price: int, size: int) -> None:
        self._depths.put_nowait(Trade(GOLD, SystemClock().now(), price, size))


@played
async def test_a_bug_in_taking_a_book_in_halts_trading_and_not_the_session(folder: Path, patch: pytest.MonkeyPatch) -> None:
    feed = Deep()
    async with on_paper(folder, patch, feed=feed) as desk:
        await desk.ready()

        def broken(_book: Depth) -> None:
            raise ZeroDivisionError("a mistake")

        patch.setattr(desk.session.broker, "on_depth", broken)
        feed.show((400_030, 5))
        await desk.until(lambda: desk.session.pipeline.guard.state == "HALTED")
        assert [type(fault) for fault in desk.faults] == [ZeroDivisionError]


@played
async def test_a_book_whose_quotes_may_not_be_traded_on_fills_nothing_and_is_shown(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    feed = Deep()
    async with on_paper(folder, patch, feed=feed) as desk:
        await desk.ready()
        desk.do(SubmitOrder(GOLD, "buy", "limit", 2, price=399_990, stop_loss=398_000))
        await desk.until(lambda: any(isinstance(fact, f.OrderAccepted) for fact in desk.facts))
        feed.say(400_000, 400_030, is_tradeable=False)
        await desk.until(lambda: GOLD in desk.session.pipeline.only_shown)
        feed.show((400_030, 5))
        feed.trade(399_000, 50)
        await desk.until(lambda: desk.session.depths.trades)
        assert fills(desk) == []
        assert [book.asks for book in desk.session.picture().books] == [((400_030, 5),)]


@played
async def test_a_window_is_told_the_best_levels_only(folder: Path, patch: pytest.MonkeyPatch) -> None:
    feed = Deep()
    async with on_paper(folder, patch, feed=feed) as desk:
        await desk.ready()
        feed.show(*((400_030 + number, 5) for number in range(50)))
        await desk.until(lambda: desk.session.picture().books)
        [book] = desk.session.picture().books
        assert len(book.asks) == SHOWN
        feed.show()
        await desk.until(lambda: not desk.session.picture().books)


@played
async def test_a_flood_of_books_and_trades_leaves_orders_their_turn(folder: Path, patch: pytest.MonkeyPatch) -> None:
    class Flood(Ticker):
        async def depth(self, symbols: Sequence[Symbol]) -> AsyncIterator[Depth | Trade]:
            while True:  # as fast as they are taken, without ever waiting
                at = SystemClock().now()
                yield Depth(GOLD, at, ((400_000, 50),), ((400_030, 50),))
                yield Trade(GOLD, at, 400_030, 1)

    async with on_paper(folder, patch, feed=Flood()) as desk:
        await desk.ready()
        await desk.open_long()
        desk.feed.say(397_900, 397_930)
        await desk.until(lambda: desk.session.pipeline.ledger.position(GOLD) == 0)
        await desk.until(lambda: desk.session.depths.trades > 1_000)
        assert desk.faults == []


@at_exchange
async def test_a_known_book_opens_though_its_exchange_is_away_and_trades_when_it_is_back(
    exchange: Exchange, folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with by_the_book(exchange, folder, patch) as desk:
        before = len(desk.facts)
    await exchange.stop()
    async with on_paper(folder, patch, feed=_feed(exchange), instrument=PAXG) as desk:  # type: ignore[arg-type]  # as above
        assert len(desk.facts) >= before
        view = desk.session.picture()
        assert view.venue is not None
        assert "cannot be reached" in view.venue.feed_trouble
        asked = SubmitOrder(PAXG, "buy", "market", 100, stop_loss=380_000)
        assert any(isinstance(fact, f.IntentRefused | f.OrderDenied) for fact in desk.do(asked))
        await exchange.start()
        await desk.until(lambda: not any(desk.session.obstacles(PAXG)))
        desk.do(asked)
        await desk.until(lambda: desk.session.pipeline.ledger.position(PAXG) == 100)
        assert desk.faults == []


@at_exchange
async def test_a_new_book_is_not_opened_while_its_exchange_is_away(
    exchange: Exchange, folder: Path, patch: pytest.MonkeyPatch
) -> None:
    await exchange.stop()
    with pytest.raises(BrokerError, match="cannot be reached"):
        async with on_paper(folder, patch, feed=_feed(exchange), instrument=PAXG):  # type: ignore[arg-type]  # as above
            pass
