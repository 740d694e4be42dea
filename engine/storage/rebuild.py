"""State rebuilt from facts alone, with arithmetic of its own: what the audit holds the views and the ledger against."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction

from engine.core.clock import Nanos
from engine.domain import facts as f
from engine.domain.facts import Record
from engine.domain.instrument import Cash, Steps
from engine.domain.market import Symbol, Ticks
from engine.domain.order import IllegalTransition, Order, Side, State, apply, from_terms


@dataclass(slots=True)
class Standing:
    """What is held of a symbol: signed quantity, its signed cost, and what it brought and cost so far."""

    quantity: Steps = 0
    basis: Cash = 0
    realised: Cash = 0
    costs: Cash = 0


@dataclass(frozen=True, slots=True)
class Execution:
    """A fill as it was last told, and the gross profit it booked: `realised` with this word, `whole` since the first one."""

    at: Nanos
    order: str
    side: str
    price: Ticks
    quantity: Steps
    commission: Cash
    realised: Cash
    whole: Cash


@dataclass(slots=True)
class Rebuilt:
    """Orders by the state table, positions by average cost; what contradicts itself is kept as a sentence."""

    account: f.AccountOpened | None = None
    orders: dict[str, Order] = field(default_factory=dict)
    changed: dict[str, Nanos] = field(default_factory=dict)
    fills: dict[tuple[Symbol, str], Execution] = field(default_factory=dict)
    positions: dict[Symbol, Standing] = field(default_factory=dict)
    adopted: Cash = 0
    intended: int = 0
    denied: int = 0
    contradictions: list[str] = field(default_factory=list)
    _tick_values: dict[Symbol, Cash] = field(default_factory=dict)
    _unbooked: dict[tuple[Symbol, str], tuple[Steps, Cash, Cash]] = field(default_factory=dict)

    def take(self, record: Record) -> None:
        """Applies the next fact."""
        fact = record.fact
        if isinstance(fact, f.OrderFact):
            self._order(record, fact)
        match fact:
            case f.AccountOpened():
                self.account = fact
            case f.InstrumentListed():
                self._tick_values[fact.symbol] = fact.tick_value
            case f.OrderFilled():
                self._fill(record, fact)
            case f.PositionChanged():
                self._position(record, fact)
            case f.FinancingCharged():
                self._standing(fact.symbol).costs += fact.amount
            case f.FillCorrected():
                self._correct(record, fact)
            case f.CommissionCharged():
                self._charge(record, fact)
            case f.PositionAdopted():
                standing = self._standing(fact.symbol)
                standing.quantity, standing.basis = fact.quantity, fact.basis
            case f.CashAdopted():
                self.adopted += fact.amount

    def finish(self) -> None:
        """Says which fills never reached a position."""
        for _, execution in self._unbooked:
            self.contradictions.append(f"execution {execution} was never booked to a position")

    def _order(self, record: Record, fact: f.OrderFact) -> None:
        if isinstance(fact, f.OrderTerms):
            self.intended += isinstance(fact, f.OrderIntended)
            self.denied += isinstance(fact, f.OrderDenied)
            self.orders.setdefault(fact.order, from_terms(fact, record.at))
        try:
            self.orders[fact.order] = apply(self.orders[fact.order], fact)
        except (KeyError, IllegalTransition) as error:
            what = f"order {fact.order} is not known" if isinstance(error, KeyError) else str(error)
            self.contradictions.append(f"fact {record.seq}: {what}")
        if isinstance(fact, f.FillCorrected) and (known := self.fills.get((fact.symbol, fact.replaces))):
            self._recount(fact, known)
        self.changed[fact.order] = record.at

    def _recount(self, fact: f.FillCorrected, known: Execution) -> None:
        """What the order has filled, its fill told anew."""
        order = self.orders[fact.order]
        filled = order.filled - known.quantity + fact.quantity
        value = order.filled_value - known.price * known.quantity + fact.price * fact.quantity
        state = State.FILLED if order.is_live and filled >= order.quantity else order.state
        self.orders[fact.order] = order._replace(filled=filled, filled_value=value, state=state)

    def _fill(self, record: Record, fact: f.OrderFilled) -> None:
        key = (fact.symbol, fact.execution)
        if key in self.fills:
            self.contradictions.append(f"fact {record.seq}: execution {fact.execution} is booked twice")
        standing = self._standing(fact.symbol)
        standing.costs += fact.commission
        realised = _book(standing, fact, self._tick_values.get(fact.symbol, 0))
        if fact.symbol not in self._tick_values:
            self.contradictions.append(f"fact {record.seq}: {fact.symbol} was filled before it was listed")
        self.fills[key] = Execution(
            record.at, fact.order, fact.side, fact.price, fact.quantity, fact.commission, realised, realised
        )
        self._unbooked[key] = (standing.quantity, standing.basis, realised)

    def _correct(self, record: Record, fact: f.FillCorrected) -> None:
        """Takes the fill out of the position, with the profit it booked, and puts it in again as it is told now."""
        old = self.fills.pop((fact.symbol, fact.replaces), None)
        if old is None:
            self.contradictions.append(
                f"fact {record.seq}: execution {fact.replaces} was never booked, so it cannot be corrected"
            )
            return
        standing, tick_value = self._standing(fact.symbol), self._tick_values.get(fact.symbol, 0)
        standing.costs += fact.commission - old.commission
        signed = old.quantity * Side(old.side).sign
        before = standing.realised
        standing.quantity -= signed
        standing.basis -= old.price * signed * tick_value + old.whole
        standing.realised -= old.whole
        _book(standing, fact, tick_value)
        if standing.quantity == 0:
            standing.realised, standing.basis = standing.realised - standing.basis, 0
        change = standing.realised - before
        self.fills[fact.symbol, fact.execution] = replace(
            old,
            at=record.at,
            price=fact.price,
            quantity=fact.quantity,
            commission=fact.commission,
            realised=change + (old.realised if fact.execution == fact.replaces else 0),
            whole=old.whole + change,
        )
        self._unbooked[fact.symbol, fact.execution] = (standing.quantity, standing.basis, change)

    def _charge(self, record: Record, fact: f.CommissionCharged) -> None:
        known = self.fills.get((fact.symbol, fact.execution))
        if known is None:
            self.contradictions.append(f"fact {record.seq}: execution {fact.execution} was never booked and cannot cost more")
            return
        self._standing(fact.symbol).costs += fact.amount
        self.fills[fact.symbol, fact.execution] = replace(known, commission=known.commission + fact.amount)

    def _position(self, record: Record, fact: f.PositionChanged) -> None:
        expected = self._unbooked.pop((fact.symbol, fact.execution), None)
        booked = (fact.quantity, fact.basis, fact.realised)
        if expected is None:
            self.contradictions.append(f"fact {record.seq}: no fill stands behind execution {fact.execution}")
        elif booked != expected:
            self.contradictions.append(
                f"fact {record.seq}: {fact.symbol} after {fact.execution} has (quantity, basis, realised) {booked}, "
                f"the fills make it {expected}"
            )

    def _standing(self, symbol: Symbol) -> Standing:
        return self.positions.setdefault(symbol, Standing())


def _book(standing: Standing, fill: f.OrderFilled | f.FillCorrected, tick_value: Cash) -> Cash:
    """Moves the standing by a fill at average cost; the gross profit it booked."""
    signed = fill.quantity * Side(fill.side).sign
    value = fill.price * signed * tick_value
    held = standing.quantity
    standing.quantity += signed
    if held * signed >= 0:
        standing.basis += value
        return 0
    closing = min(abs(signed), abs(held))
    gone = round(Fraction(standing.basis * closing, abs(held)))  # half to even, as the ledger rounds
    proceeds = round(Fraction(value * closing, abs(signed)))
    standing.basis += value - proceeds - gone
    standing.realised -= proceeds + gone
    return -(proceeds + gone)
