"""The stakes of a whole book, kept: what nothing touched since is not worked out again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set

from engine.domain.instrument import Instrument, Steps
from engine.domain.market import Quote, Symbol, Ticks
from engine.domain.order import ClientOrderId, Order, OrderType, Role, Side, State
from engine.portfolio.ledger import Ledger
from engine.portfolio.register import OrderRegister
from engine.risk.exposure import Exposure, Stake, entry_price, exposure_of, mark, signed_of

UNPROTECTED_PER_MILLE = 20
"""Loss assumed for a unit without stop where no ATR is known: thousandths of its price."""
_OPENING = (Role.ENTRY, Role.EXTERNAL)
_NOTHING = exposure_of({})


class Stakes:
    """Works out the stake of each instrument from the ledger, the live orders and the last quotes.

    `all` keeps what it found, and looks again at what a fact touched, a quote moved or another ATR concerns.
    """

    def __init__(
        self,
        instruments: Mapping[Symbol, Instrument],
        ledger: Ledger,
        register: OrderRegister,
        quotes: Mapping[Symbol, Quote],
        atr: Callable[[Symbol], Ticks],
        slippage: Ticks,
    ) -> None:
        self._instruments = instruments
        self._ledger = ledger
        self._register = register
        self._quotes = quotes
        self._atr = atr
        self._slippage = slippage
        self._symbols: tuple[Symbol, ...] = ()
        self._seen: dict[Symbol, Quote | None] = {}
        self._atrs: Mapping[Symbol, Ticks] = {}
        self._last = _NOTHING

    def all(self, atrs: Mapping[Symbol, Ticks]) -> Exposure:
        """Stakes of every instrument with a position or a live entry; `atrs` are those of all instruments, as they are now."""
        ledger, register = self._ledger, self._register
        if ledger.touched or register.touched or atrs != self._atrs:
            self._last = self._anew(ledger.touched | register.touched, atrs)
            ledger.touched.clear()
            register.touched.clear()
            return self._last
        quotes, seen = self._quotes, self._seen
        moved = [symbol for symbol in self._symbols if quotes.get(symbol) is not seen[symbol]]
        if moved:
            self._last = self._moved(moved)
        return self._last

    def _anew(self, touched: Set[Symbol], atrs: Mapping[Symbol, Ticks]) -> Exposure:
        """Which instruments there are, and the stakes of those `touched` by a fact, with another quote or another ATR."""
        quotes, seen, before, last = self._quotes, self._seen, self._atrs, self._last.stakes
        symbols = tuple(dict.fromkeys([*self._ledger.open, *(s for s, orders in self._register.live.items() if orders)]))
        now, stakes = {symbol: quotes.get(symbol) for symbol in symbols}, dict[Symbol, Stake]()
        for symbol, quote in now.items():
            if quote is None:
                continue
            is_same = symbol not in touched and seen.get(symbol) is quote and before.get(symbol) == atrs.get(symbol)
            stakes[symbol] = last[symbol] if is_same and symbol in last else self.of(symbol)
        self._symbols, self._seen, self._atrs = symbols, now, atrs
        return exposure_of(stakes)

    def _moved(self, symbols: Sequence[Symbol]) -> Exposure:
        """Other quotes of these: what is held and what may be stay as they are, and so do the directions."""
        last, risk, gross, signed, signs = self._last
        stakes, signed = {**last}, {**signed}
        for symbol in symbols:
            before = stakes.get(symbol)
            if before is None:  # its first quote, after its first fact
                return self._anew(set(symbols), self._atrs)
            stake = stakes[symbol] = self.of(symbol)
            risk += stake.risk + stake.pending_risk - before.risk - before.pending_risk
            gross += stake.notional + stake.pending_notional - before.notional - before.pending_notional
            if symbol in signs:
                signed[symbol] = signed_of(stake)
        self._seen.update((symbol, self._quotes[symbol]) for symbol in symbols)
        return Exposure(stakes, risk, gross, signed, signs)

    def of(self, symbol: Symbol, without: ClientOrderId = "") -> Stake:
        """The stake in `symbol`, which must have a quote; as if the order `without` did not wait."""
        instrument, quote = self._instruments[symbol], self._quotes[symbol]
        quantity = self._kept(symbol)
        at = mark(quantity, quote)
        sign = 1 if quantity > 0 else -1
        value, left, risk = instrument.tick_value, abs(quantity), 0
        pending_notional = pending_risk = buys = sells = 0
        unknown = False
        for order in self._register.live.get(symbol, {}).values():
            if order.stop is not None and order.side.sign == -sign and left and order.is_stop:
                covered = min(left, self._register.armed(order))
                risk += max(0, (at - order.stop) * sign + self._slippage) * covered * value
                left -= covered
            if order.role in _OPENING and order.id != without and (leaves := _opening(order, quantity)):
                price = entry_price(order, quote)
                pending_notional += price * leaves * value
                pending_risk += self._entry_distance(order, price) * leaves * value
                buys, sells = (buys + leaves, sells) if order.side is Side.BUY else (buys, sells + leaves)
            unknown = unknown or order.state is State.UNKNOWN
        risk += self.default_distance(symbol, at) * left * value
        notional = abs(quantity) * at * value
        covered = abs(quantity) - left
        return Stake(quantity, at, notional, risk, covered, pending_notional, pending_risk, buys, sells, unknown)

    def _kept(self, symbol: Symbol) -> Steps:
        """The position less what market orders on their way are closing of it."""
        quantity = self._ledger.position(symbol)
        for order in self._register.live.get(symbol, {}).values():
            if order.role is Role.CLOSE and order.type is OrderType.MARKET and order.side.sign * quantity < 0:
                quantity += order.side.sign * min(order.leaves, abs(quantity))
        return quantity

    def default_distance(self, symbol: Symbol, price: Ticks) -> Ticks:
        """How far a unit without a stop is taken to lose: three ATR, or 2 % of the price before any ATR is known."""
        return 3 * self._atr(symbol) or price * UNPROTECTED_PER_MILLE // 1000

    def _entry_distance(self, order: Order, price: Ticks) -> Ticks:
        for name in self._register.children.get(order.id, ()):
            leg = self._register[name]
            if leg.role is Role.STOP and leg.stop is not None and leg.is_live:
                return max(0, (price - leg.stop) * order.side.sign + self._slippage)
        return self.default_distance(order.symbol, price)


def _opening(order: Order, quantity: Steps) -> Steps:
    """What of the order would open something: an entry all of it, another's order what is more than it closes."""
    if order.role is Role.EXTERNAL and order.side.sign * quantity < 0:
        return max(0, order.leaves - abs(quantity))
    return order.leaves
