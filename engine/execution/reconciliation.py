"""Reconciliation: what the venue says against what is on record, and the reports that make them agree.

One function serves start-up, reconnect, crash recovery, a lost answer and the timer. It is pure: it reads, and returns what is to
be taken in by the same door as everything a broker says. Nothing is ever traded by it.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal

from engine.core.clock import SECOND, Nanos
from engine.domain import facts as f
from engine.domain.instrument import Cash, Instrument, Steps, cash, money
from engine.domain.market import Quote, Symbol
from engine.domain.order import TERMINAL, ClientOrderId, IllegalTransition, Order, OrderType, Role, State, TimeInForce, from_terms
from engine.domain.order import apply as after
from engine.execution.attribution import ANEW, EXTERNAL, Attribution, Attributor, FoundFill, FoundOrder, ToSteps
from engine.portfolio.ledger import Ledger
from engine.portfolio.register import OrderRegister, corrected
from engine.ports.broker import Report
from engine.ports.venue import VenueState
from engine.risk.guard import HALTED

ABSENCES = 3
"""Looks in a row at which an order, or the executions of a fill, must be missing before it is believed."""
LOOKS = 2
"""Looks in a row that must agree on what contradicts the record: the parts of an answer are not all of one moment."""
SETTLING = 300 * SECOND
"""How long after an execution the account's cash is not compared: venues tell it late."""
CENT: Cash = cash("0.01")
LARGE_CASH = 20
"""Cash that cannot be explained halts from one part in so many of the equity on."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """`reports` in the order they are to be applied; `absences` is to be given to the next look, which should be soon where
    there are any. `lines` are sentences for the owner's report. `opening` is the balance a new book begins with (cash units).
    """

    reports: tuple[Report, ...]
    reconciled: f.Reconciled
    lines: tuple[str, ...]
    absences: Mapping[str, int]
    opening: Cash

    @property
    def is_clean(self) -> bool:
        """Whether trading may begin."""
        return self.reconciled.is_clean

    @property
    def trouble(self) -> str:
        """Why it may not; "" where it may."""
        return "; ".join(self.reconciled.mismatches[:3])


def reconcile(
    state: VenueState,
    *,
    register: OrderRegister,
    ledger: Ledger,
    instruments: Mapping[Symbol, Instrument],
    steps: ToSteps,
    quotes: Mapping[Symbol, Quote],
    currency: str,
    at: Nanos,
    account: str = "",
    is_new_book: bool = False,
    absences: Mapping[str, int] | None = None,
    margined: Container[Symbol] = (),
    tolerance: Cash = CENT,
) -> Reconciliation:
    """Compares `state`, asked for at `at` with all live orders, with the books.

    `absences` is what the last look returned. Positions of `margined` symbols are not paid for in cash: futures. A new book takes
    over what there is, at once. The fact Reconciled comes last, and is left out where the last look said the same.
    """
    name = account if account in state.accounts or len(state.accounts) != 1 else state.accounts[0]
    found = Attributor(state, name, register, instruments, steps).read(currency)
    if name not in state.accounts:
        found.troubles.append(f"the venue has the accounts {', '.join(state.accounts) or 'none'}; name one of them, not {name!r}")
    look = _Look(found, register, ledger, instruments, quotes, at, absences or {}, is_new_book, margined)
    told = [it.total for it in state.cash if it.account == name and it.currency == currency]
    recent = any(at - it.at < SETTLING for it in state.executions if it.account == name)
    return look.take(cash(sum(told, Decimal(0))) if told else None, recent, tolerance, tuple(state.notes))


class _Look:
    """One comparison. `_orders` and `_held` are the books as they will be when the reports so far are applied."""

    def __init__(
        self,
        found: Attribution,
        register: OrderRegister,
        ledger: Ledger,
        instruments: Mapping[Symbol, Instrument],
        quotes: Mapping[Symbol, Quote],
        at: Nanos,
        before: Mapping[str, int],
        is_new_book: bool,
        margined: Container[Symbol],
    ) -> None:
        self._found = found
        self._register = register
        self._ledger = ledger
        self._instruments = instruments
        self._quotes = quotes
        self._at = at
        self._before = before
        self._is_new_book = is_new_book
        self._margined = margined
        self._orders: dict[ClientOrderId, Order] = {}
        self._held = {symbol: ledger.position(symbol) for symbol in instruments}
        self._basis: dict[Symbol, Cash] = {symbol: holding.basis for symbol, holding in ledger.open.items()}
        self._reports: list[Report] = []
        self._booked: set[str] = set()
        self._mismatches: list[str] = []
        self._lines: list[str] = []
        self._counts: dict[str, int] = {}
        self._fills = self._settled = self._adopted = 0
        self._moved = False
        self._untold: set[Symbol] = set()

    def take(self, told: Cash | None, is_recent: bool, tolerance: Cash, notes: tuple[str, ...]) -> Reconciliation:
        """The whole comparison, `told` being the account's cash."""
        for trouble in self._found.troubles:
            self._counts[trouble] = self._before.get(trouble, 0) + 1
            self._mismatches.append(trouble)
        self._own_fills()
        for found in self._found.orders.values():
            if found.name in self._register.orders:
                self._compare(found)
        self._absent()
        self._foreign_orders()
        for symbol in sorted(self._instruments):
            if symbol not in self._found.unread:
                self._position(symbol)
        if told is not None:
            self._cash(told, is_recent, tolerance)
        return self._conclude(told, notes)

    # --- fills --------------------------------------------------------------------------------------------------------

    def _own_fills(self) -> None:
        for fill in self._found.fills:
            if self._register.knows(fill.execution):
                self._retold(fill)
            elif not fill.is_foreign or self._revised(fill):
                self._book(fill)

    def _book(self, fill: FoundFill) -> None:
        """A fill that was missed, or the correction of one that was not."""
        order = self._order(fill.name)
        known = self._revised(fill)
        if known == fill.execution:
            return
        self._booked.add(fill.execution)
        self._fills += 1
        amount = f"{fill.side.value} {fill.quantity} lot steps at {fill.price} ticks"
        if known:
            self._correct(fill, known, self._ledger.commission(known))
            return
        if not fill.is_exact:
            self._mismatches.append(f"execution {fill.execution} of {fill.name} has a price between two ticks: booked {amount}")
        self._wake(order)
        said = f.OrderFilled(
            order.id, fill.execution, fill.symbol, fill.side.value, fill.price, fill.quantity, fill.commission or 0
        )
        late = f", though it was {order.state.value}" if order.state in TERMINAL else ""
        if self._say(said, f"A fill was missed: {fill.execution} of {order.id}, {amount}{late}."):
            self._held[fill.symbol] += fill.signed

    def _retold(self, fill: FoundFill) -> None:
        """An execution that is on record is told again: changed, or with what it cost."""
        known = self._register.booked[fill.execution]
        if known.execution != fill.execution:
            return  # it was corrected since
        if (known.price, known.quantity) != (fill.price, fill.quantity):
            self._correct(fill, fill.execution, self._ledger.commission(fill.execution))
        elif fill.commission is not None and (more := fill.commission - self._ledger.commission(fill.execution)):
            self._moved = True
            self._say(
                f.CommissionCharged(known.order, fill.execution, fill.symbol, more),
                f"Execution {fill.execution} cost {money(more):,.2f} that was not on record.",
            )

    def _revised(self, fill: FoundFill) -> str:
        """The execution that this one replaces, "" for none; itself where a newer word is on record."""
        base, number = revision(fill.execution)
        for name in self._register.fills_of(fill.name) if number else ():
            known = self._register.booked[name].execution
            known_base, known_number = revision(known)
            if known_base == base:
                return known if known_number < number else fill.execution
        return ""

    def _correct(self, fill: FoundFill, replaces: str, commission: Cash) -> None:
        before = self._register.booked[replaces]
        cost = commission if fill.commission is None else fill.commission
        side = fill.side.value
        fact = f.FillCorrected(before.order, fill.execution, replaces, fill.symbol, side, fill.price, fill.quantity, cost)
        line = (
            f"Execution {replaces} was corrected by the venue: {before.quantity} lot steps at {before.price} ticks are "
            f"{fill.quantity} at {fill.price}."
        )
        if self._say(fact, line):
            self._held[fill.symbol] += (fill.quantity - before.quantity) * fill.side.sign

    def _missing(self, found: FoundOrder, order: Order, short: Steps) -> None:
        """The venue counts more as filled than its executions tell; at last it is booked at the order's own price."""
        self._moved = True
        self._untold.add(order.symbol)
        what = f"{short} lot steps of order {order.id} are filled at the venue"
        if not self._doubt(f"fills of {order.id}", f"{what}, which does not tell the execution", ABSENCES):
            return
        price = order.limit or order.stop or self._mark(order.symbol, order.side.sign)
        if price is None:
            self._mismatches.append(f"{what}; without a price they cannot be booked, wait for a quote of {order.symbol}")
            return
        execution = f"{order.id}/told {found.filled}"
        self._wake(order)
        self._fills += 1
        self._mismatches.append(f"{what}; the execution is not told any more, so they are booked at {price} ticks")
        fill = f.OrderFilled(order.id, execution, order.symbol, order.side.value, price, short, 0)
        if self._say(fill, f"{what}; booked at {price} ticks."):
            self._held[order.symbol] += short * order.side.sign

    # --- orders on record ---------------------------------------------------------------------------------------------

    def _compare(self, found: FoundOrder) -> None:
        order = self._order(found.name)
        if order.state in TERMINAL and found.is_open and found.filled <= order.filled:
            self._revenant(found, order)
            return
        if order.role is Role.EXTERNAL and found.filled > order.filled:
            self._external_fills(found, found.filled - order.filled)
        order = self._order(found.name)
        if found.filled > order.filled:
            self._missing(found, order, found.filled - order.filled)
        elif order.is_live:
            self._works(found, order) if found.is_open else self._ended(found, order)

    def _external_fills(self, found: FoundOrder, short: Steps) -> None:
        """The newest executions that make up what it filled since: older ones were counted when it was adopted."""
        for fill in _newest(self._unbooked(found.symbol, found.name), short * found.side.sign):
            self._book(fill)

    def _works(self, found: FoundOrder, order: Order) -> None:
        self._wake(order)
        order = self._order(order.id)
        if order.state in (State.SENT, State.UNKNOWN):
            self._settled += 1
            said = f.OrderAccepted(order.id, found.broker_id)
            self._say(said, f"Order {order.id} was found working at the venue as {found.broker_id}.")
            order = self._order(order.id)
        self._terms(found, order)
        if order.state is State.PENDING_CANCEL and self._seen(f"cancel of {order.id}", ABSENCES):
            reason = "it still works at the venue"
            self._say(f.CancelRejected(order.id, reason), f"The cancel of order {order.id} did nothing: {reason}.")

    def _terms(self, found: FoundOrder, order: Order) -> None:
        limit = found.limit if order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT) else order.limit
        stop = found.stop if order.type in (OrderType.STOP, OrderType.STOP_LIMIT) else order.stop
        if order.type is OrderType.TRAILING and found.stop not in (None, order.stop) and order.is_live:
            self._say(f.OrderTrailed(order.id, found.stop or 0), f"Order {order.id} trailed to {found.stop} ticks.")
        is_same = (found.quantity, limit, stop) == (order.quantity, order.limit, order.stop)
        if order.state is State.PENDING_MODIFY:
            if is_same and self._seen(f"change of {order.id}", ABSENCES):
                reason = "the venue still has its old terms"
                self._say(f.ModifyRejected(order.id, reason), f"The change of order {order.id} did nothing: {reason}.")
            if is_same:
                return
        elif (
            is_same
            or not order.may("OrderModified")
            or not self._doubt(f"terms of {order.id}", f"order {order.id} has other terms at the venue", LOOKS)
        ):
            return
        self._settled += 1
        said = f.OrderModified(order.id, found.quantity, limit, stop)
        self._say(said, f"Order {order.id} has other terms at the venue: {_words(said)}.")

    def _ended(self, found: FoundOrder, order: Order) -> None:
        self._wake(order)
        self._settled += 1
        reason = f"found {found.status} at the venue"
        ends: dict[str, f.OrderFact] = {
            "rejected": f.OrderRejected(order.id, reason),
            "expired": f.OrderExpired(order.id),
        }
        end = ends.get(found.status, f.OrderCancelled(order.id, reason))
        if not self._order(order.id).may(type(end).__name__):
            end = f.OrderCancelled(order.id, reason)
        self._say(end, f"Order {order.id} was {reason}.")

    def _revenant(self, found: FoundOrder, order: Order) -> None:
        """It is over on record and works at the venue: shown as another's, so that it counts and can be cancelled."""
        what = f"order {order.id} is {order.state.value} on record and works at the venue as {found.broker_id}"
        if self._doubt(f"end of {order.id}", what, LOOKS):
            self._mismatches.append(what)
            name = f"{found.name}{ANEW}" if found.is_foreign else f"{EXTERNAL}{found.broker_id or order.id}"
            self._adopt(found, name, found.filled)
            self._halt(what)

    def _absent(self) -> None:
        """What is SENT is the adapter's to wait for; what is held here, or not on record yet, is not at the venue."""
        for order in self._register.all_live():
            order = self._order(order.id)
            if not order.is_live or order.id in self._found.orders or order.state in (State.INTENT, State.HELD, State.SENT):
                continue
            if not self._doubt(order.id, f"order {order.id} is not to be found at the venue", ABSENCES):
                continue
            self._settled += 1
            reason = f"not among open orders, ended orders and fills of the venue at {ABSENCES} looks"
            rejects = order.state is State.UNKNOWN and not order.filled
            end = f.OrderRejected(order.id, reason) if rejects else f.OrderCancelled(order.id, reason)
            self._say(end, f"Order {order.id} is taken for ended: {reason}.")

    # --- orders of others, positions, cash ----------------------------------------------------------------------------

    def _foreign_orders(self) -> None:
        """Adopted with what was filled of them before; executions that the position does not have yet are booked apart."""
        for found in self._found.orders.values():
            if not found.is_open or found.name in self._register.orders:
                continue
            explained = [fill for fill in self._explained(found.symbol) if fill.name == found.name]
            self._adopt(found, found.name, max(0, found.filled - sum(fill.quantity for fill in explained)))
            for fill in explained:
                self._book(fill)

    def _explained(self, symbol: Symbol) -> list[FoundFill]:
        """The newest foreign executions that together are what the venue's position has more than the books.

        Whole orders rather than a part of one where both would do: an order that nobody saw before is seldom new in part.
        """
        if self._is_new_book or symbol in self._found.unread:
            return []
        runs = list(_runs(self._unbooked(symbol), self._there(symbol) - self._held[symbol]))
        whole = (fills for older, fills in runs if not {it.name for it in older} & {it.name for it in fills})
        return next(whole, runs[0][1] if runs else [])

    def _unbooked(self, symbol: Symbol, name: ClientOrderId = "") -> list[FoundFill]:
        """Foreign executions that are not on record, oldest first."""
        return [
            fill
            for fill in self._found.fills
            if fill.is_foreign and fill.symbol == symbol and fill.name.startswith(name or EXTERNAL)
            if (not name or fill.name == name)
            if not self._register.knows(fill.execution) and fill.execution not in self._booked and not self._revised(fill)
        ]

    def _adopt(self, found: FoundOrder | FoundFill, name: ClientOrderId, filled: Steps, quantity: Steps = 0) -> None:
        self._adopted += 1
        is_order = isinstance(found, FoundOrder)
        limit, stop = (found.limit, found.stop) if isinstance(found, FoundOrder) else (None, None)
        terms = f.OrderAdopted(
            order=name,
            symbol=found.symbol,
            side=found.side.value,
            type=_type(found.type, limit, stop) if isinstance(found, FoundOrder) else OrderType.MARKET.value,
            quantity=quantity or found.quantity,
            role=Role.EXTERNAL.value,
            limit=limit,
            stop=stop,
            tif=found.tif if isinstance(found, FoundOrder) and found.tif in _TIFS else TimeInForce.GTC.value,
            expires=None,
            reduce_only=False,
            parent="",
            oco="",
            signal="",
            broker_id=found.broker_id,
            filled=filled,
        )
        where = "works at the venue" if is_order else "was filled at the venue"
        self._say(terms, f"Order {found.broker_id} {where} and was not placed here: adopted as {name}.")
        if not found.is_exact:
            self._mismatches.append(f"order {name} has a price between two ticks; it is shown at the nearest")
        if ours := self._found.twins.get(name):
            self._mismatches.append(f"order {ours} is at the venue twice, the second time as {found.broker_id}; both are shown")
            self._halt(f"order {ours} is at the venue twice, the second time as {found.broker_id}")

    def _there(self, symbol: Symbol) -> Steps:
        return self._found.positions.get(symbol, (0, None))[0]

    def _position(self, symbol: Symbol) -> None:
        gap = self._there(symbol) - self._held[symbol]
        if not gap:
            return
        what = f"{symbol}: {self._there(symbol)} lot steps at the venue, {self._held[symbol]} on record"
        if self._is_new_book:
            self._take_over(symbol, "the opening balance", f"{what}: taken over.")
            return
        self._moved = True
        if symbol in self._untold:
            return  # first the fill that the venue does not tell is settled
        if not self._doubt(f"{symbol} {gap:+d}", what, LOOKS):
            return
        if explained := self._explained(symbol):
            self._foreign_trades(explained)
            return
        if 0 < -gap <= self._found.in_kind.get(symbol, 0):
            self._kept_as_fees(symbol, what)
            return
        self._mismatches.append(what)
        self._take_over(symbol, what, f"{what}: the venue's position is taken over, and trading is halted.")
        self._halt(what)

    def _foreign_trades(self, fills: list[FoundFill]) -> None:
        for fill in fills:
            if fill.name not in self._orders and fill.name not in self._register.orders:
                new = sum(other.quantity for other in fills if other.name == fill.name)
                order = self._found.orders.get(fill.name)
                whole = max(new, order.filled) if order is not None else new
                self._adopt(fill, fill.name, whole - new, whole)
            self._book(fill)
        if kept := self._there(fills[0].symbol) - self._held[fills[0].symbol]:
            self._seen(f"{fills[0].symbol} {kept:+d}", LOOKS)  # what the venue kept of it is for the next look, soon

    def _kept_as_fees(self, symbol: Symbol, what: str) -> None:
        """Coins that a venue kept as fees; what they cost leaves the position with them, for the fees are booked."""
        held, left = self._ledger.open.get(symbol), self._there(symbol)
        if held is None or held.quantity != self._held[symbol]:
            return  # fills of this look come first
        basis = held.basis * left // held.quantity
        self._held[symbol], self._basis[symbol] = left, basis
        reason = "the venue took its fees out of what was bought"
        self._say(f.PositionAdopted(symbol, left, basis, reason), f"{what}: {reason}.")

    def _take_over(self, symbol: Symbol, reason: str, line: str) -> None:
        quantity, average = self._found.positions.get(symbol, (0, None))
        basis = self._worth(symbol, quantity, average)
        if basis is None:
            self._mismatches.append(f"{symbol}: the price of the venue's position is not known; wait for a quote")
            return
        self._adopted += 1
        self._held[symbol], self._basis[symbol] = quantity, basis
        self._say(f.PositionAdopted(symbol, quantity, basis, reason), line)

    def _worth(self, symbol: Symbol, quantity: Steps, average: Decimal | None) -> Cash | None:
        """What the position cost: at the average price, else at the price it could be closed at."""
        instrument = self._instruments[symbol]
        if quantity and average is not None and average.is_finite() and average > 0:
            return int((average / instrument.tick_size * quantity * instrument.tick_value).to_integral_value(ROUND_HALF_EVEN))
        price = self._mark(symbol, quantity) if quantity else 0
        return None if price is None else quantity * price * instrument.tick_value

    def _mark(self, symbol: Symbol, sign: int) -> int | None:
        quote = self._quotes.get(symbol)
        return None if quote is None else quote.bid if sign > 0 else quote.ask

    def _cash(self, told: Cash, is_recent: bool, tolerance: Cash) -> None:
        """Not while something else moved, or did a moment ago."""
        if self._is_new_book or self._moved or is_recent:
            return
        gap = told - (self._ledger.cash - self._paid())
        if abs(gap) <= tolerance:
            return
        line = f"Cash at the venue differs from the books by {money(gap):+,.2f}: taken over."
        self._say(f.CashAdopted(gap, "the venue's cash: deposits, interest, fees"), line)
        if abs(gap) * LARGE_CASH > abs(self._ledger.cash):
            self._mismatches.append(f"cash at the venue differs from the books by {money(gap):+,.2f}")
            self._halt(f"cash at the venue differs from the books by {money(gap):+,.2f}")

    def _paid(self) -> Cash:
        """What positions cost that were paid for in cash."""
        return sum(basis for symbol, basis in self._basis.items() if symbol not in self._margined)

    # --- what is said -------------------------------------------------------------------------------------------------

    def _order(self, name: ClientOrderId) -> Order:
        return self._orders.get(name) or self._register[name]

    def _wake(self, order: Order) -> None:
        """An order that is found was sent, whatever the record has of it."""
        if order.state is State.INTENT:
            self._say(f.OrderUnknown(order.id, "it was found at the venue, and not recorded as sent"))
        elif order.state is State.HELD:
            self._say(f.OrderSent(order.id))

    def _say(self, fact: f.OrderFact | f.VenueFact | f.TradingStateChanged, line: str = "") -> bool:
        """Adds a report; False, with a sentence, for what cannot happen to its order."""
        if isinstance(fact, f.OrderFact):
            try:
                self._orders[fact.order] = self._then(fact)
            except IllegalTransition as error:
                self._mismatches.append(f"the venue contradicts the record: {error}")
                return False
        self._moved = self._moved or isinstance(fact, f.OrderFilled | f.FillCorrected | f.PositionAdopted)
        self._reports.append(Report(fact))
        if line:
            self._lines.append(line)
        return True

    def _then(self, fact: f.OrderFact) -> Order:
        if isinstance(fact, f.OrderTerms):
            return after(from_terms(fact, self._at), fact)
        order = self._order(fact.order)
        if isinstance(fact, f.FillCorrected):
            return corrected(order, self._register.booked[fact.replaces], fact)
        return after(order, fact)

    def _halt(self, reason: str) -> None:
        self._say(f.TradingStateChanged(HALTED, "reconciliation", reason))

    def _seen(self, key: str, enough: int) -> bool:
        """Whether that has been so for enough looks in a row."""
        count = self._before.get(key, 0) + 1
        if count < enough:
            self._counts[key] = count
        return count >= enough

    def _doubt(self, key: str, sentence: str, enough: int) -> bool:
        """The same, and nothing may be opened meanwhile."""
        if self._seen(key, enough):
            return True
        self._mismatches.append(sentence)
        self._lines.append(f"{sentence[0].upper()}{sentence[1:]}: looked at again before it is believed.")
        return False

    def _conclude(self, told: Cash | None, notes: tuple[str, ...]) -> Reconciliation:
        live = [self._order(order.id) for order in self._register.all_live()]
        reconciled = f.Reconciled(
            asked=self._at,
            fills=self._fills,
            orders=self._settled,
            adopted=self._adopted,
            unknown=sum(order.state is State.UNKNOWN for order in live),
            is_clean=not self._mismatches,
            mismatches=tuple(self._mismatches),
        )
        is_news = bool(self._reports) or self._is_new_book or set(self._counts) != set(self._before)
        held = sum(quantity != 0 for quantity in self._held.values())
        compared = (
            f"Compared with the venue: {_many(len(self._found.orders), 'order')}, {_many(len(self._found.fills), 'execution')}, "
            f"{_many(held, 'position')} and cash; {'everything agrees' if reconciled.is_clean else 'not everything agrees'}."
        )
        return Reconciliation(
            (*self._reports, Report(reconciled)) if is_news else (),
            reconciled,
            (compared, *self._lines, *self._found.notes, *notes),
            self._counts,
            (told or 0) + self._paid(),
        )


_TIFS = frozenset(tif.value for tif in TimeInForce)


def revision(execution: str) -> tuple[str, int]:
    """What an execution and its corrections have in common, and which correction it is: ids that end in .01, .02 are one."""
    base, _, number = execution.rpartition(".")
    return (base, int(number)) if base and number.isdigit() else (execution, 0)


def _newest(fills: list[FoundFill], wanted: Steps) -> list[FoundFill]:
    """The shortest run of the newest fills that adds up to `wanted`; else none."""
    return next((run for _, run in _runs(fills, wanted)), [])


def _runs(fills: list[FoundFill], wanted: Steps) -> Iterator[tuple[list[FoundFill], list[FoundFill]]]:
    """Runs of the newest fills that add up to `wanted`, or to it once the venue has kept its fees, the shortest first; each after
    those that are older."""
    total, kept = 0, Decimal(0)
    for place in range(len(fills) - 1, -1, -1) if wanted else ():
        total, kept = total + fills[place].signed, kept + fills[place].kept
        if 0 <= total - wanted <= kept.to_integral_value(ROUND_CEILING):
            yield fills[:place], fills[place:]


def _type(word: str, limit: int | None, stop: int | None) -> str:
    if word in (OrderType.TRAILING.value, "trailing_stop"):
        return OrderType.TRAILING.value
    if limit is not None:
        return OrderType.STOP_LIMIT.value if stop is not None else OrderType.LIMIT.value
    return OrderType.MARKET.value if stop is None else OrderType.STOP.value


def _words(fact: f.OrderModified) -> str:
    prices = [f"{name} {ticks} ticks" for name, ticks in (("limit", fact.limit), ("stop", fact.stop)) if ticks is not None]
    return ", ".join([f"{fact.quantity} lot steps", *prices])


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
