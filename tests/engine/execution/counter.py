"""A venue as a counter clerk would keep it, by hand: its orders, executions, position and cash, and a line that trades there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from engine.core.clock import HOUR, SECOND, Nanos
from engine.core.errors import BrokerError
from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.instrument import Steps, cash, money
from engine.domain.market import Quote, Symbol, Ticks
from engine.domain.order import ClientOrderId, Order, Role, State
from engine.execution.reconciliation import Reconciliation, reconcile
from engine.lane import Lane
from engine.pipeline import Pipeline, Setup
from engine.ports.broker import Report
from engine.ports.venue import VenueCash, VenueExecution, VenueOrder, VenuePosition, VenueState
from engine.signals.desk import Mode
from tests.engine.rig import FREE_GOLD, M1, MONDAY, WIDE, MemoryJournal, Scripted

OUNCES = FREE_GOLD.lot_step * FREE_GOLD.contract_size
"""A lot step in the venue's unit."""
OPENING = Decimal(100_000)
ACCOUNT = "DU1"
BID = 200_000


class Wire:
    """A broker that answers nothing by itself; what it was asked is written down."""

    def __init__(self) -> None:
        self.submitted: list[Order] = []
        self.cancelled: list[ClientOrderId] = []
        self.modified: list[tuple[ClientOrderId, Steps, Ticks | None, Ticks | None]] = []

    def submit(self, order: Order, *others: Order) -> None:
        self.submitted += [order, *others]

    def cancel(self, order: ClientOrderId) -> None:
        self.cancelled.append(order)

    def modify(self, order: ClientOrderId, quantity: Steps, limit: Ticks | None, stop: Ticks | None) -> None:
        self.modified.append((order, quantity, limit, stop))

    def on_market(self, quote: Quote) -> None: ...
    def on_time(self, at: Nanos) -> None: ...
    def on_roll(self) -> None: ...
    def on_night(self, weekday: int, symbols: Sequence[Symbol]) -> None: ...
    def mark(self, quote: Quote) -> None: ...
    def apply(self, fact: f.Fact) -> None: ...


@dataclass
class Counter:
    """The venue's own books. Prices in ticks and quantities in lot steps inside, in its own units as it tells them."""

    at: Nanos = MONDAY
    cash: Decimal = OPENING
    held: Steps = 0
    open: dict[str, VenueOrder] = field(default_factory=dict)
    ended: dict[str, VenueOrder] = field(default_factory=dict)
    executions: list[VenueExecution] = field(default_factory=list)
    average: Decimal | None = None

    def rest(self, client_id: str, side: str, quantity: Steps, limit: Ticks | None = None, stop: Ticks | None = None) -> str:
        """An order begins to work; the venue's id for it."""
        broker_id = f"P{len(self.open) + len(self.ended) + 1}"
        kind = "limit" if limit is not None else "stop" if stop is not None else "market"
        self.open[broker_id] = VenueOrder(
            ACCOUNT, "XAUUSD", "XAUUSD", client_id, broker_id, side, kind,
            quantity * OUNCES, Decimal(0), price_of(limit), price_of(stop), "open",
        )  # fmt: skip
        return broker_id

    def fill(self, broker_id: str, quantity: Steps, price: Ticks, commission: str | None = "0") -> VenueExecution:
        """Fills a part of a working order, or of one that was thought to be over."""
        book = self.open if broker_id in self.open else self.ended
        order = book[broker_id]
        self.at += SECOND
        done = VenueExecution(
            ACCOUNT, "XAUUSD", "XAUUSD", f"X{len(self.executions) + 1}.01", order.client_order_id, broker_id, order.side,
            quantity * OUNCES, FREE_GOLD.price(price), self.at, None if commission is None else Decimal(commission), "USD",
        )  # fmt: skip
        self.executions.append(done)
        self._move(order.side, quantity, price, Decimal(commission or 0))
        book[broker_id] = order = replace(order, filled=order.filled + quantity * OUNCES)
        if order.filled >= order.quantity and broker_id in self.open:
            self.end(broker_id, "filled")
        return done

    def correct(self, place: int, quantity: Steps, price: Ticks) -> VenueExecution:
        """Says otherwise of an execution: its last number counts up."""
        old = self.executions[place]
        before = steps("XAUUSD", old.quantity)
        self._move(old.side, -before, FREE_GOLD.ticks(old.price), Decimal(0))
        base, _, number = old.execution_id.rpartition(".")
        new = replace(old, execution_id=f"{base}.{int(number) + 1:02d}", quantity=quantity * OUNCES, price=FREE_GOLD.price(price))
        self.executions[place] = new
        self._move(old.side, quantity, price, Decimal(0))
        book = self.open if old.broker_order_id in self.open else self.ended
        order = book[old.broker_order_id]
        book[old.broker_order_id] = replace(order, filled=order.filled + (quantity - before) * OUNCES)
        return new

    def end(self, broker_id: str, status: str) -> None:
        self.ended[broker_id] = replace(self.open.pop(broker_id), status=status)

    def change(self, broker_id: str, **terms: Decimal) -> None:
        self.open[broker_id] = replace(self.open[broker_id], **terms)  # type: ignore[arg-type]  # terms of a VenueOrder

    def id_of(self, client_id: str) -> str:
        """The venue's id of the last order with this client id."""
        return [it.broker_order_id for it in (*self.ended.values(), *self.open.values()) if it.client_order_id == client_id][-1]

    def state(self) -> VenueState:
        positions = (VenuePosition(ACCOUNT, "XAUUSD", "XAUUSD", self.held * OUNCES, self.average),) if self.held else ()
        return VenueState(
            "a counter",
            False,
            (ACCOUNT,),
            (VenueCash(ACCOUNT, "USD", self.cash, self.cash),),
            positions,
            tuple(self.open.values()),
            tuple(self.executions),
            (),
            tuple(self.ended.values()),
        )

    def _move(self, side: str, quantity: Steps, price: Ticks, commission: Decimal) -> None:
        signed = quantity if side == "buy" else -quantity
        self.held += signed
        self.cash -= signed * OUNCES * FREE_GOLD.price(price) + commission


class Line:
    """A pipeline of gold whose broker is a wire that may break, and the counter at its other end."""

    def __init__(self, *, is_new: bool = True, policy: object = None, **setup: object) -> None:
        self.counter = Counter()
        self.wire = Wire()
        self.journal = MemoryJournal()
        whole = Setup(ACCOUNT, "USD", cash(OPENING), Mode.AUTO, WIDE, **setup)  # type: ignore[arg-type]  # terms of a Setup
        self.line = Pipeline(whole, [Lane(FREE_GOLD, M1, Scripted())], self.journal, lambda sink: self.wire)
        self.absences: Mapping[str, int] = {}
        if is_new:
            self.line.begin(MONDAY)
            self.quote(200_000)

    def quote(self, bid: Ticks) -> None:
        self.counter.at += SECOND
        self.line.on_quote(Quote("XAUUSD", self.counter.at, bid, bid + 20))

    def say(self, fact: f.OrderFact | f.VenueFact) -> None:
        self.line.on_report(Report(fact))

    def look(self, **terms: object) -> Reconciliation:
        """Compares, and applies what comes of it."""
        found = self.compare(**terms)
        for report in found.reports:
            self.line.on_report(report)
        self.absences = found.absences
        return found

    def compare(self, state: VenueState | None = None, **terms: object) -> Reconciliation:
        self.counter.at += HOUR
        return reconcile(
            state or self.counter.state(),
            register=self.line.register,
            ledger=self.line.ledger,
            instruments=self.line.instruments,
            steps=steps,
            quotes=self.line.book.last,
            currency="USD",
            at=self.counter.at,
            account=ACCOUNT,
            absences=self.absences,
            **terms,  # type: ignore[arg-type]  # terms of reconcile
        )

    def looks(self, times: int) -> Reconciliation:
        for _ in range(times - 1):
            self.look()
        return self.look()

    def facts(self, kind: type[f.Fact]) -> list[f.Fact]:
        return [record.fact for record in self.journal.kept if isinstance(record.fact, kind)]

    @property
    def held(self) -> Steps:
        return self.line.ledger.position("XAUUSD")

    @property
    def worth(self) -> Decimal:
        """Cash as the venue counts it: positions are paid for."""
        ledger = self.line.ledger
        return money(ledger.cash - sum(holding.basis for holding in ledger.open.values()))


def placed(line: Line, side: str = "buy", quantity: int = 10, price: int = BID - 100) -> str:
    """A limit order that left, with its stop; its client id, "" where the gate denied it."""
    sign = 1 if side == "buy" else -1
    line.line.on_intent(i.SubmitOrder("XAUUSD", side, "limit", quantity, price, stop_loss=price - sign * 500))
    return next((order.id for order in reversed(line.wire.submitted) if order.role is Role.ENTRY), "")


def unanswered(line: Line) -> None:
    """The adapter gives up waiting."""
    for order in line.line.register.all_live():
        if order.state is State.SENT:
            line.say(f.OrderUnknown(order.id, "no answer in time"))


def arrive_all(line: Line) -> None:
    """Whatever left is acknowledged."""
    waiting, line.wire.submitted = line.wire.submitted, []
    for number, order in enumerate(waiting):
        line.say(f.OrderAccepted(order.id, f"B{len(line.line.register.orders)}/{number}"))


def steps(symbol: Symbol, quantity: Decimal) -> Steps:
    count = quantity / OUNCES
    if count != int(count):
        raise BrokerError(f"{quantity} is not a whole number of lot steps of {symbol}")
    return int(count)


def price_of(ticks: Ticks | None) -> Decimal | None:
    return None if ticks is None else FREE_GOLD.price(ticks)
