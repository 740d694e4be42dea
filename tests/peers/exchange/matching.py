"""The matching engine: price before time, all in one step, so that no request sees half of another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from tests.peers.exchange.accounts import NOTHING, Hold, Wallet, floored
from tests.peers.exchange.book import Level, Resting, opposite
from tests.peers.exchange.filters import MAX_CONDITIONAL, MAX_ORDERS, Listing
from tests.peers.exchange.market import Market
from tests.peers.exchange.orders import BUY, CONDITIONAL, PRICED, SELL, Fill, Order, OrderList, Ticket
from tests.peers.exchange.refusals import filtered, refused
from tests.peers.exchange.register import Register
from tests.peers.exchange.tape import Print


class News(Protocol):
    """Who is told, in the order in which things happen."""

    def execution(self, order: Order, what: str, fill: Fill | None = None) -> None: ...

    def order_list(self, oco: OrderList) -> None: ...

    def traded(self, listing: Listing, it: Print) -> None: ...

    def book_changed(self, listing: Listing) -> None: ...

    def balances(self, assets: list[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class Fees:
    """Commission as a share of what is received."""

    maker: Decimal = Decimal("0.001")
    taker: Decimal = Decimal("0.001")


class Matching:
    """All markets of the exchange and one account."""

    def __init__(self, listings: Iterable[Listing], wallet: Wallet, fees: Fees, now_ms: Callable[[], int], news: News) -> None:
        self.markets: Mapping[str, Market] = {it.symbol: Market(it) for it in listings}
        self.wallet = wallet
        self.fees = fees
        self.register = Register()
        self._now_ms = now_ms
        self._news = news

    def place(self, ticket: Ticket) -> Order:
        """Takes an order or raises `Refused`; what it does at once, it has done on return."""
        market = self.markets[ticket.listing.symbol]
        self._check(market, ticket)
        quantity = ticket.quantity if ticket.quantity is not None else market.affordable(ticket)
        hold = self._hold(market, ticket, quantity)
        order = self.register.new(ticket, quantity, hold, self._now_ms())
        self._open(market, order)
        self._settle(market)
        return order

    def place_pair(self, tickets: tuple[Ticket, Ticket], client_id: str) -> OrderList:
        """An OCO: a limit order and a stop that share what is locked."""
        for ticket in tickets:
            self._check(self.markets[ticket.listing.symbol], ticket)
        first, second = tickets
        market, quantity = self.markets[first.listing.symbol], first.quantity or NOTHING
        hold = self._hold(market, max(first, second, key=lambda it: it.needs(quantity)), quantity)
        oco = self.register.new_list(client_id)
        oco.legs = [self.register.new(it, quantity, hold, self._now_ms(), oco) for it in tickets]
        self._news.order_list(oco)
        for leg in oco.legs:
            self._open(market, leg)
        self._settle(market)
        return oco

    def cancel(self, order: Order, cancel_id: str) -> None:
        """Ends an open order, and with it the other leg of its pair."""
        market = self.markets[order.listing.symbol]
        others = order.others
        for it in (order, *others):
            it.cancel_id = cancel_id
            self._end(market, it, "CANCELED")
        self._settle(market)

    def forget(self, order: Order) -> None:
        """The order never was: no report, no trace, what it locked is free."""
        market = self.markets[order.listing.symbol]
        market.book.withdraw(order)
        market.waiting = [it for it in market.waiting if it is not order]
        self.wallet.release(order.hold)
        self.register.drop(order)
        self.wallet.take_changed()
        self._news.book_changed(market.listing)

    def street(self, symbol: str, bids: list[Level], asks: list[Level]) -> None:
        """The street's book is now this one; where it crosses an order of ours it trades, at our price."""
        market = self.markets[symbol]
        wanted = {BUY: bids, SELL: asks}
        more = {side: market.book.withdraw_street(side, wanted[side]) for side in wanted}
        for side, levels in more.items():
            for price, quantity in sorted(levels, reverse=side == BUY):
                rest = self._match(market, side, quantity, price, None)
                if rest:
                    market.book.rest(side, price, Resting(rest))
        self._follow(market)
        self._settle(market)

    def hit(self, symbol: str, side: str, quantity: Decimal, limit: Decimal | None) -> Decimal:
        """Somebody else's taker; returns what found nobody."""
        market = self.markets[symbol]
        rest = self._match(market, side, quantity, limit, None)
        self._settle(market)
        return rest

    def trade_elsewhere(self, symbol: str, price: Decimal) -> None:
        """A trade that meets no order of the book, and is the last price all the same."""
        market = self.markets[symbol]
        self._print(market, price, market.listing.step, BUY)
        self._settle(market)

    def _check(self, market: Market, ticket: Ticket) -> None:
        """What depends on the other orders and on the market as it is now."""
        working = self.register.open(market.listing.symbol)
        if any(order.ticket.client_id == ticket.client_id for order in self.register.open()):
            raise refused("duplicate")
        if len(working) >= MAX_ORDERS:
            raise filtered("MAX_NUM_ORDERS")
        if ticket.kind in CONDITIONAL and len(market.waiting) >= MAX_CONDITIONAL:
            raise filtered("MAX_NUM_ALGO_ORDERS")
        if ticket.kind in CONDITIONAL and market.triggers(ticket, ticket.stop_price):
            raise refused("would_trigger")
        if ticket.kind == "LIMIT_MAKER" and next(market.book.against(ticket.side, ticket.price), None):
            raise refused("would_take")

    def _hold(self, market: Market, ticket: Ticket, quantity: Decimal) -> Hold:
        asset = ticket.listing.base if ticket.side == SELL else ticket.listing.quote
        needs = market.cost(quantity) if ticket.is_open_ended else ticket.needs(quantity)
        return self.wallet.hold(asset, needs)

    def _open(self, market: Market, order: Order) -> None:
        if order.ticket.kind in CONDITIONAL:
            order.is_working = False
            market.waiting.append(order)
            if market.tape.last is not None:
                order.trail(market.tape.last)
        self._news.execution(order, "NEW")
        if order.is_working:
            self._work(market, order)

    def _work(self, market: Market, order: Order) -> None:
        """Trades what can be traded, rests or ends the rest."""
        ticket = order.ticket
        limit = ticket.price if ticket.kind in PRICED else None
        if ticket.tif == "FOK" and sum(quantity for _, quantity in market.book.available(order.side, limit)) < order.quantity:
            self._end(market, order, "EXPIRED")
            return
        self._match(market, order.side, order.quantity, limit, order)
        if not order.is_open:
            return
        if limit is None or ticket.tif in {"IOC", "FOK"}:
            self._end(market, order, "EXPIRED")
        else:
            market.book.rest(order.side, limit, Resting(order.remaining, order))

    def _match(self, market: Market, side: str, quantity: Decimal, limit: Decimal | None, taker: Order | None) -> Decimal:
        """Trades against the book in priority; returns what is left of the quantity."""
        for price, resting in market.book.against(side, limit):
            if not quantity:
                break
            maker = resting.order
            if taker is not None and maker is not None:
                for order in (maker, *maker.others):
                    self._end(market, order, "EXPIRED_IN_MATCH")
                continue
            size = min(quantity, resting.quantity)
            quantity -= size
            market.book.reduce(opposite(side), price, resting, size)
            it = self._print(market, price, size, side)
            if maker is not None:
                self._fill(market, maker, it, maker=True)
            if taker is not None:
                self._fill(market, taker, it, maker=False)
        return quantity

    def _fill(self, market: Market, order: Order, it: Print, *, maker: bool) -> None:
        for other in order.others:
            self._end(market, other, "EXPIRED")
        listing, gross = market.listing, it.price * it.quantity
        rate = self.fees.maker if maker else self.fees.taker
        if order.side == BUY:
            asset, received = listing.base, it.quantity
            self.wallet.spend(order.hold, gross)
        else:
            asset, received = listing.quote, gross
            self.wallet.spend(order.hold, it.quantity)
        commission = floored(received * rate)
        self.wallet.receive(asset, received - commission)
        fill = Fill(it.trade_id, it.price, it.quantity, commission, asset, maker, it.at_ms)
        order.book(fill)
        if not order.is_open:
            self.wallet.release(order.hold)
        elif order.ticket.kind in PRICED:
            self.wallet.release(order.hold, down_to=order.ticket.needs(order.remaining))
        self._news.execution(order, "TRADE", fill)
        if not order.is_open and order.oco is not None:
            self._news.order_list(order.oco)

    def _end(self, market: Market, order: Order, status: str) -> None:
        """Takes an order off the market; what it locked is free, unless the other leg needs it."""
        market.book.withdraw(order)
        market.waiting = [it for it in market.waiting if it is not order]
        order.status, order.updated_ms = status, self._now_ms()
        if not order.others:
            self.wallet.release(order.hold)
        self._news.execution(order, "TRADE_PREVENTION" if status == "EXPIRED_IN_MATCH" else status)
        if order.oco is not None and order.oco.is_done:
            self._news.order_list(order.oco)

    def _follow(self, market: Market) -> None:
        """The last trade follows the quote: where the market moved past it, somebody traded one step there."""
        last, bid, ask = market.tape.last, market.book.best(BUY), market.book.best(SELL)
        if bid is not None and (last is None or last < bid) and ask is not None:
            price, side = ask, BUY
        elif ask is not None and last is not None and last > ask and bid is not None:
            price, side = bid, SELL
        else:
            return
        self._print(market, price, market.listing.step, side)

    def _print(self, market: Market, price: Decimal, size: Decimal, side: str) -> Print:
        it = Print(self.register.next_trade(), price, size, side, self._now_ms())
        market.tape.add(it)
        for order in market.waiting:
            order.trail(price)
        self._news.traded(market.listing, it)
        return it

    def _settle(self, market: Market) -> None:
        """Starts the orders the last price triggers, until none does, then tells of book and balances."""
        while (order := market.due()) is not None:
            self._trigger(market, order)
        self._news.book_changed(market.listing)
        if changed := self.wallet.take_changed():
            self._news.balances(changed)

    def _trigger(self, market: Market, order: Order) -> None:
        market.waiting.remove(order)
        for other in order.others:
            self._end(market, other, "EXPIRED")
        order.is_working, order.updated_ms = True, self._now_ms()
        self._news.execution(order, "NEW")
        if order.side == BUY and order.ticket.kind not in PRICED:
            self.wallet.release(order.hold)
            cost = market.cost(order.remaining)
            if cost > self.wallet.free[market.listing.quote]:
                self._end(market, order, "EXPIRED")
                return
            order.hold = self.wallet.hold(market.listing.quote, cost)
        self._work(market, order)
