"""What holds at the loopback exchange whatever is traded there: money, locks, books."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.peers.exchange.desk import Desk
from tests.peers.exchange.filters import PAXGUSDT
from tests.peers.exchange.gate import Gate
from tests.peers.exchange.matching import Fees
from tests.peers.exchange.orders import BUY, CONDITIONAL, SELL
from tests.peers.exchange.refusals import Refused
from tests.peers.exchange.tickets import pair, ticket

SYMBOL = PAXGUSDT.symbol
START = {"PAXG": Decimal(5), "USDT": Decimal(20_000)}
PRICES = st.integers(min_value=3896, max_value=3904)
SIZES = st.integers(min_value=1, max_value=20).map(lambda tenths: Decimal(tenths) / 10)
SIDES = st.sampled_from([BUY, SELL])
KINDS = st.sampled_from(["MARKET", "LIMIT", "LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"])


class Audience:
    """Keeps a copy of the book from the stream, as a client would."""

    def __init__(self) -> None:
        self.book: dict[str, dict[str, str]] = {"b": {}, "a": {}}
        self.last: int | None = None
        self.gaps = 0

    def has(self, name: str) -> bool:
        return True

    def tell(self, name: str, kind: str, event: dict[str, Any]) -> None:
        if name == "paxgusdt@depth":
            self.gaps += self.last is not None and event["U"] != self.last + 1
            self.last = event["u"]
            for side in "ba":
                self.book[side].update(event[side])
                self.book[side] = {price: size for price, size in self.book[side].items() if Decimal(size)}

    def tell_user(self, event: dict[str, Any]) -> None:
        pass


class Trading(RuleBasedStateMachine):
    """Anything in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.audience = Audience()
        self.desk = Desk(Gate("key", "secret"), START, Fees(), lambda: 1_795_000_000_000, self.audience)
        self.matching = self.desk.matching
        self.market = self.matching.markets[SYMBOL]

    @rule(bid=PRICES, spread=st.integers(1, 3), size=SIZES)
    def quote(self, bid: int, spread: int, size: Decimal) -> None:
        bids = [(Decimal(bid - step), size) for step in range(3)]
        self.matching.street(SYMBOL, bids, [(Decimal(bid + spread + step), size) for step in range(3)])

    @rule(side=SIDES, size=SIZES)
    def hit(self, side: str, size: Decimal) -> None:
        self.matching.hit(SYMBOL, side, size, None)

    @rule(side=SIDES, kind=KINDS, size=SIZES, price=PRICES, stop=PRICES, tif=st.sampled_from(["GTC", "GTC", "GTC", "IOC", "FOK"]))
    def place(self, side: str, kind: str, size: Decimal, price: int, stop: int, tif: str) -> None:
        terms = {"symbol": SYMBOL, "side": side, "type": kind, "quantity": str(size)}
        terms |= {"stopPrice": str(stop)} if kind in CONDITIONAL else {}
        terms |= {"price": str(price)} if kind.startswith("LIMIT") or kind.endswith("LIMIT") else {}
        terms |= {"timeInForce": tif} if kind.endswith("LIMIT") else {}
        self._unless_refused(lambda: self.matching.place(ticket(self.market, terms)))

    @rule(side=SIDES, size=SIZES, above=PRICES, below=PRICES)
    def place_pair(self, side: str, size: Decimal, above: int, below: int) -> None:
        limit, stop = (above, below) if side == SELL else (below, above)
        terms = {"side": side, "quantity": str(size), "price": str(limit), "stopPrice": str(stop), "stopLimitPrice": str(stop)}
        self._unless_refused(lambda: self.matching.place_pair(pair(self.market, terms), "pair"))

    @precondition(lambda self: self.matching.register.open())
    @rule(which=st.integers(0, 100))
    def cancel(self, which: int) -> None:
        orders = self.matching.register.open()
        self.matching.cancel(orders[which % len(orders)], "cancel")

    def _unless_refused(self, act: Any) -> None:
        before = dict(self.matching.wallet.free), len(self.matching.register.orders)
        try:
            act()
        except Refused:
            assert (dict(self.matching.wallet.free), len(self.matching.register.orders)) == before

    @invariant()
    def money_is_conserved(self) -> None:
        totals = dict(START)
        for order in self.matching.register.orders:
            for fill in order.fills:
                signed = fill.quantity if order.side == BUY else -fill.quantity
                totals["PAXG"] += signed
                totals["USDT"] -= signed * fill.price
                totals[fill.commission_asset] -= fill.commission
        assert {asset: self.matching.wallet.total(asset) for asset in START} == totals

    @invariant()
    def what_is_locked_is_what_open_orders_need(self) -> None:
        holds = {id(order.hold): order.hold for order in self.matching.register.open()}
        locked = dict.fromkeys(START, Decimal(0))
        for hold in holds.values():
            locked[hold.asset] += hold.amount
        assert {asset: self.matching.wallet.locked[asset] for asset in START} == locked
        assert all(self.matching.wallet.free[asset] >= 0 for asset in START)
        for order in self.matching.register.open():
            if not order.others and order.oco is None:
                assert order.hold.amount == order.ticket.needs(order.remaining)

    @invariant()
    def the_book_never_crosses(self) -> None:
        bid, ask = self.market.book.best(BUY), self.market.book.best(SELL)
        assert bid is None or ask is None or bid < ask

    @invariant()
    def every_order_rests_waits_or_is_done(self) -> None:
        for order in self.matching.register.open():
            ladder = dict(self.market.book.ladder(order.side))
            rests = order.is_working and ladder.get(order.ticket.price or Decimal(0), Decimal(0)) >= order.remaining
            assert rests != (order in self.market.waiting)

    @invariant()
    def a_pair_is_whole_or_one_leg_of_it_trades(self) -> None:
        for oco in self.matching.register.lists:
            working = [leg for leg in oco.legs if leg.is_open]
            if len(working) == 1:
                assert working[0].is_working
            else:
                assert not any(leg.executed for leg in working)

    @invariant()
    def a_client_keeps_the_same_book(self) -> None:
        for side, name in ((BUY, "b"), (SELL, "a")):
            shown = {Decimal(price): Decimal(size) for price, size in self.audience.book[name].items()}
            assert shown == dict(self.market.book.ladder(side))
        assert self.audience.gaps == 0


TestWhateverIsTradedTheBooksAgree = pytest.mark.timeout(240)(Trading.TestCase)
TestWhateverIsTradedTheBooksAgree.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)
