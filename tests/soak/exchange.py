"""An exchange that misbehaves."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path
from random import Random

from engine.profile import VenueSection
from tests.catalogue.rig import PAXG, Desk, session_at
from tests.peers.exchange import CutAt, Exchange, crossed, garbage, refused, saying, stale, too_heavy
from tests.peers.exchange.record import Request
from tests.peers.exchange.refusals import Refused
from tests.peers.faults import Action, Answer, Cut, Delay, Drop, Duplicate, Mute, Reorder, Rule
from tests.soak.stage import settle
from tests.soak.tws import TERMS

QUESTIONS = ("GET order", "GET openOrders", "GET myTrades", "GET account")
REQUESTS = ("POST order", "DELETE order", "POST order/cancelReplace", *QUESTIONS)
ASKED: tuple[Action, ...] = (
    Drop(),
    Delay(0.3),
    Mute(),
    Cut(acted=True),
    Cut(acted=False),
    Answer(503, "Busy"),
    saying(refused("bus")),
    saying(too_heavy(6000, 1)),
    saying(refused("ahead")),
)
ANSWERED: tuple[Action | CutAt, ...] = (
    Drop(),
    Delay(0.3),
    Cut(),
    CutAt(5),
    CutAt(200),
    garbage(),
    Answer(502, "Bad Gateway"),
    saying(refused("backend")),
)
EVENTS: tuple[Action, ...] = (Drop(), Duplicate(), Reorder(), Delay(0.2))
STEP = Decimal("0.0001")


class Spot:
    """`exchange` is entered already, with a history and a quote."""

    lots = (20, 2_000)

    def __init__(self, exchange: Exchange, chance: Random) -> None:
        self.exchange = exchange
        self.chance = chance
        self._spy: Rule | None = None
        self._is_away = False
        self._passes_at = 0.0
        self._bid = 400_000

    def session(self, folder: Path) -> AbstractAsyncContextManager[Desk]:
        venue = VenueSection(url=self.exchange.rest_url, ws_url=self.exchange.socket_url, timeout=2.0)
        limits = {"orders_per_minute": 10_000, "daily_loss": 1, "drawdown": 1, "worst_day_hard": 1, "position": 1, "open_risk": 1}
        return session_at(folder, "binance", {"binance": venue}, PAXG, limits=limits, **TERMS)

    def watch(self, desk: Desk) -> Rule:
        if self._spy is not None:
            self._spy.lift()
        self._spy = self.exchange.faults.on("POST order", Drop(), times=None, where=lambda it: _saw(desk, it))
        self.exchange.faults.rules.insert(0, self.exchange.faults.rules.pop())
        return self._spy

    async def move(self) -> None:
        if self._is_away and asyncio.get_running_loop().time() >= self._passes_at:
            self._pass()
        self._bid = min(max(self._bid + self.chance.randint(-30, 30), 395_000), 405_000)
        bid, ask = Decimal(self._bid) / 100, Decimal(self._bid + self.chance.randint(5, 30)) / 100
        await self.exchange.quote(PAXG, bid, ask, depth=self.chance.choice(("0.05", "0.5", "5")))
        await self.exchange.last(PAXG, bid)

    async def mischief(self) -> str:
        doings = [self._request] * 6 + [self._answer] * 6 + [self._event] * 5 + [self._price]
        doings += [self._bytes, self._freeze, self._stall, self._sockets, self._restart, self._by_hand, self._by_hand]
        doings += [self._clock, self._cancelled, self._deposit]
        return await self.chance.choice(doings)()

    async def _request(self) -> str:
        kind, action = self.chance.choice(REQUESTS), self.chance.choice(ASKED)
        self.exchange.faults.on(kind, action, after=self.chance.randint(0, 1))
        return f"{kind} {type(action).__name__}"

    async def _answer(self) -> str:
        kind, action = f"answer {self.chance.choice(REQUESTS)}", self.chance.choice(ANSWERED)
        # the pairs above are of one kind each
        self.exchange.faults.on(kind, action, after=self.chance.randint(0, 1))  # type: ignore[arg-type]
        return f"{kind} {type(action).__name__}"

    async def _event(self) -> str:
        kind = self.chance.choice(("executionReport", "executionReport", "outboundAccountPosition", "depthUpdate"))
        action = self.chance.choice(EVENTS)
        self.exchange.faults.on(kind, action)
        return f"{kind} {type(action).__name__}"

    async def _price(self) -> str:
        action, word = self.chance.choice(((crossed(), "crossed"), (stale(), "stale")))
        self.exchange.faults.on("bookTicker", action, times=3)
        return f"{word} prices"

    async def _bytes(self) -> str:
        self.exchange.faults.cut_sent = self.chance.randint(1, 4_000)
        return "cut sent"

    async def _freeze(self) -> str:
        self.exchange.faults.freeze(new=self.chance.random() < 0.3)
        return self._away("freeze")

    async def _stall(self) -> str:
        self.exchange.stall()
        return self._away("streams stand still")

    async def _clock(self) -> str:
        self.exchange.clock_offset_ms = self.chance.choice((-300_000, 300_000))
        return self._away(f"clock {self.exchange.clock_offset_ms // 1000:+d} s")

    def _away(self, word: str) -> str:
        self._is_away, self._passes_at = True, asyncio.get_running_loop().time() + self.chance.uniform(0.1, 5.0)
        return word

    def _pass(self) -> None:
        """What was out of reach is back."""
        self._is_away = False
        self.exchange.faults.thaw()
        self.exchange.clock_offset_ms = 0
        self.exchange.resume()

    async def _sockets(self) -> str:
        if self.chance.random() < 0.5:
            self.exchange.drop_sockets()
            return "sockets cut"
        self.exchange.close_sockets()
        return "sockets closed"

    async def _restart(self) -> str:
        is_lower = self.chance.random() < 0.4
        await self.exchange.restart(lower_ids=is_lower)
        return "restart with lower ids" if is_lower else "restart"

    async def _by_hand(self) -> str:
        side, terms = self.chance.choice(("BUY", "SELL")), {}
        if self.chance.random() < 0.5:
            terms["price"] = str(Decimal(self._bid + (-1 if side == "BUY" else 1) * self.chance.randint(50, 300)) / 100)
            terms["timeInForce"] = "GTC"
        kind = "LIMIT" if terms else "MARKET"
        try:
            self.exchange.place(PAXG, side, kind, "0.01", **terms)
        except Refused:
            return "refused order by hand"
        return f"{kind.lower()} order by hand"

    async def _cancelled(self) -> str:
        """Somebody cancels one of ours at the venue."""
        live = [it for it in self.exchange.orders[-50:] if it.is_open]
        if not live:
            return "nothing to cancel by hand"
        self.exchange.cancel(self.chance.choice(live))
        return "cancel by hand"

    async def _deposit(self) -> str:
        if self.chance.random() < 0.2:
            self.exchange.deposit("PAXG", self.chance.choice(("0.02", "-0.02")))
            return "gold moved"
        self.exchange.deposit("USDT", self.chance.choice((100, -100)))
        return "money moved"

    async def calm(self) -> None:
        settle(self.exchange.faults, lambda rule: rule is self._spy)
        self._pass()

    def position(self) -> int:
        return int(self.exchange.wallet.total("PAXG") / STEP)

    def twins(self) -> list[str]:
        opened = Counter(order.ticket.client_id for order in self.exchange.orders if order.is_open)
        return [f"{name} is open at the exchange {count} times" for name, count in opened.items() if count > 1]


def _saw(desk: Desk, request: Request) -> bool:
    """Notes an order on its way in, and lets it pass."""
    desk.wire.saw(request.parameters["newClientOrderId"], desk.db)
    return False
