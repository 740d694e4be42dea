"""The orders of this session at the exchange: what is told of each, told on once and in an order that makes sense.

The same thing is heard several times, from an answer, a stream and a question, each in its own time: a fill counts by its
trade's id, an acknowledgement and an end once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from engine.brokers.exchange.fees import Fee, fees_of, in_cash
from engine.brokers.exchange.holdings import Holdings
from engine.core.errors import BrokerError
from engine.domain import facts as f
from engine.domain.instrument import Cash, Instrument, Steps
from engine.domain.market import Symbol
from engine.domain.order import ClientOrderId, Order
from engine.ports.broker import Report, ReportSink

Answer = Mapping[str, Any]
ENDS = {"canceled": "cancelled", "expired": "expired", "rejected": "rejected", "closed": "filled"}
"""The library's words for an order that is over, as ours."""
_REMEMBERED = 2000


@dataclass(slots=True, eq=False)
class Tracked:
    """An order of ours. `name` is its market in the library's words; `broker_id` "" until it is known, `former` those it had.
    It `is_asked` for once it is to be placed, `has_left` once it may be on its way, and `is_known` once the exchange has told of
    it.

    `filled` is what its trades add up to and `told` how many lot steps of that were reported; `part`, `value` and `owed` are
    quantity, price x quantity and commission of what is less than a lot step so far. While `changing`, what the exchange says
    of an end belongs to the change; `doubted` are new terms that it may have got without our knowing. `is_trimmed` says that
    less was sent than the engine asked for.
    """

    order: Order
    name: str
    their_id: str
    broker_id: str = ""
    former: set[str] = field(default_factory=set)
    is_asked: bool = False
    has_left: bool = False
    is_known: bool = False
    is_over: bool = False
    filled: Decimal = Decimal(0)
    told: Steps = 0
    part: Decimal = Decimal(0)
    value: Decimal = Decimal(0)
    owed: Cash = 0
    trades: set[str] = field(default_factory=set)
    changing: bool = False
    doubted: Order | None = None
    is_trimmed: bool = False

    @property
    def id(self) -> ClientOrderId:
        return self.order.id


class Tracker:
    """`pending_fee` is told of fees in a third coin: the order, the execution and the fee."""

    def __init__(
        self,
        instruments: Mapping[Symbol, Instrument],
        sink: ReportSink,
        holdings: Holdings,
        pending_fee: Callable[[Tracked, str, Fee], None],
        their_id: Callable[[ClientOrderId], str],
    ) -> None:
        self._instruments = instruments
        self._sink = sink
        self._holdings = holdings
        self._pending_fee = pending_fee
        self._their_id = their_id
        self._orders: OrderedDict[ClientOrderId, Tracked] = OrderedDict()
        self._by_their_id: dict[str, Tracked] = {}
        self._by_broker_id: dict[tuple[str, str], Tracked] = {}
        self._strays: OrderedDict[tuple[str, str], Answer] = OrderedDict()

    def follow(self, order: Order, name: str) -> Tracked:
        """From now on what is told of this order is told on; the newest terms of one that is followed already."""
        known = self._orders.get(order.id)
        if known is not None:
            known.order = order
            if not known.name and name:
                known.name = name
                if known.broker_id:
                    self._by_broker_id[name, known.broker_id] = known
            return known
        it = self._orders[order.id] = Tracked(order, name, self._their_id(order.id))
        self._by_their_id[it.their_id] = it
        self._forget_the_oldest()
        return it

    def get(self, order: ClientOrderId) -> Tracked | None:
        return self._orders.get(order)

    def our_id(self, their_id: str) -> str:
        """Our id of an order by the one the exchange has of us; as it is where it is not one of ours."""
        known = self._by_their_id.get(their_id)
        return known.id if known else their_id

    def working(self) -> Iterator[Tracked]:
        """Those that are at the exchange and not over, as far as is known."""
        return (it for it in list(self._orders.values()) if it.is_known and not it.is_over)

    def of(self, answer: Answer) -> Tracked | None:
        """Whose order it is; None for one that is not followed."""
        known = self._by_broker_id.get((answer.get("symbol") or "", str(answer.get("id") or "")))
        return known or self._by_their_id.get(answer.get("clientOrderId") or "")

    def acknowledge(self, it: Tracked, broker_id: str, *, aloud: bool = True) -> None:
        """The exchange has the order under this id. Without `aloud` somebody else reports it."""
        if not broker_id or it.changing or broker_id in it.former:
            return
        first, it.is_known = not it.is_known, True
        if not it.broker_id:
            self.name(it, broker_id)
        if first and aloud and not it.is_over:
            self.report(f.OrderAccepted(it.id, broker_id))
            if it.is_trimmed:
                self.report(f.OrderModified(it.id, it.order.quantity, it.order.limit, it.order.stop))
        self._take_strays(it, broker_id)

    def renew(self, it: Tracked, wanted: Order, broker_id: str) -> None:
        """It works under new terms, and maybe under a new id."""
        if broker_id != it.broker_id:
            self.name(it, broker_id)
        it.order, it.doubted = wanted, None
        self.report(f.OrderModified(it.id, wanted.quantity, wanted.limit, wanted.stop))

    def name(self, it: Tracked, broker_id: str) -> None:
        """The order goes by this id at the exchange from now on."""
        if it.broker_id:
            it.former.add(it.broker_id)
        it.broker_id = broker_id
        self._by_broker_id[it.name, broker_id] = it
        if it.is_known:
            self._take_strays(it, broker_id)

    def trade(self, trade: Answer, it: Tracked | None = None) -> None:
        """A fill; of an order that is not known yet it waits for its acknowledgement."""
        known = it or self._by_broker_id.get((trade.get("symbol") or "", str(trade.get("order") or "")))
        identity = str(trade.get("id") or "")
        if known is None:
            if identity:
                self._strays[trade.get("symbol") or "", identity] = trade
            while len(self._strays) > _REMEMBERED:
                self._strays.popitem(last=False)
        elif identity and identity not in known.trades:
            self._fill(known, identity, trade)

    def is_short_of(self, it: Tracked, answer: Answer) -> bool:
        """Whether the exchange says that more of the order was filled than its trades so far add up to."""
        told = _number(answer.get("filled"))
        return told is not None and str(answer.get("id")) == it.broker_id and told > it.filled

    def end(self, it: Tracked, status: str, reason: str) -> None:
        """It is over: reported once; that it is filled its fills have said."""
        if it.is_over or it.changing or status not in ENDS or (it.doubted is not None and status == "canceled"):
            return
        it.is_over = True
        match status:
            case "canceled":
                self.report(f.OrderCancelled(it.id, reason))
            case "expired":
                self.report(f.OrderExpired(it.id))
            case "rejected":
                self.report(f.OrderRejected(it.id, reason))

    def report(self, fact: f.OrderFact) -> None:
        self._sink(Report(fact))

    def _take_strays(self, it: Tracked, broker_id: str) -> None:
        """Fills that came before it was known whose they are."""
        for key in [key for key, trade in self._strays.items() if key[0] == it.name and trade.get("order") == broker_id]:
            self.trade(self._strays.pop(key), it)

    def _fill(self, it: Tracked, identity: str, trade: Answer) -> None:
        """Books the trade. What is less than a lot step waits for the trades that make one, at their common price."""
        instrument = self._instruments[it.order.symbol]
        amount, price = _number(trade.get("amount")), _number(trade.get("price"))
        if amount is None or price is None or amount <= 0 or price <= 0:
            raise BrokerError(
                f"a trade of order {it.id} was told with amount {amount} and price {price}; nothing was taken from it"
            )
        it.trades.add(identity)
        execution, fees = execution_id(it.name, identity), fees_of(trade)
        base, _, quote = it.name.partition("/")
        worth = [in_cash(fee, base, quote, price) for fee in fees]
        it.filled, it.part, it.value = it.filled + amount, it.part + amount, it.value + amount * price
        it.owed += sum(each for each in worth if each is not None)
        steps, ticks = int(it.part / instrument.lot_step), instrument.ticks(it.value / it.part)
        if steps:
            average, whole = it.value / it.part, instrument.lot_step * steps
            side, commission = it.order.side.value, it.owed
            it.told, it.part, it.value, it.owed = it.told + steps, it.part - whole, it.value - average * whole, 0
            self.report(f.OrderFilled(it.id, execution, it.order.symbol, side, ticks, steps, commission))
        if it.told >= it.order.quantity:
            it.is_over = True
        kept = sum((fee.amount for fee in fees if fee.coin == base), Decimal(0))
        sign = it.order.side.sign
        self._holdings.trade(it.order.symbol, execution, sign * amount, kept, sign * steps, ticks)
        for fee, each in zip(fees, worth, strict=True):
            if each is None:
                self._pending_fee(it, execution, fee)

    def _forget_the_oldest(self) -> None:
        """Of those that are over only the last are remembered, for fills that come late."""
        while len(self._orders) > _REMEMBERED:
            oldest = next((it for it in self._orders.values() if it.is_over), None)
            if oldest is None:
                return
            del self._orders[oldest.id]
            self._by_their_id.pop(oldest.their_id, None)
            for broker_id in (oldest.broker_id, *oldest.former):
                self._by_broker_id.pop((oldest.name, broker_id), None)


def execution_id(name: str, trade: str) -> str:
    """An execution's id that no other market has: exchanges count the trades of each market from one."""
    return f"{name.partition(':')[0].replace('/', '')}-{trade}"


def _number(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
