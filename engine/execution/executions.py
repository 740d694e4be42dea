"""Executions that the venue tells: missed ones are booked once, corrections replace, those of others explain a position."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal

from engine.domain import facts as f
from engine.domain.instrument import Cash, Steps, money
from engine.domain.market import Symbol
from engine.domain.order import TERMINAL, ClientOrderId, Order
from engine.execution.attribution import EXTERNAL, FoundFill, FoundOrder
from engine.execution.look import ABSENCES, Look


class Executions:
    """Books them. `untold` are the symbols of which the venue counts more as filled than its executions tell."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._booked: set[str] = set()
        self.untold: set[Symbol] = set()

    def own_fills(self) -> None:
        """What was missed of our own orders, and what is told anew."""
        for fill in self._look.found.fills:
            if self._look.register.knows(fill.execution):
                self._retold(fill)
            elif not fill.is_foreign or self._revised(fill):
                self.book(fill)

    def book(self, fill: FoundFill) -> None:
        """A fill that was missed, or the correction of one that was not."""
        order = self._look.order(fill.name)
        known = self._revised(fill)
        if known == fill.execution:
            return
        self._booked.add(fill.execution)
        self._look.fills += 1
        amount = f"{fill.side.value} {fill.quantity} lot steps at {fill.price} ticks"
        if known:
            self._correct(fill, known, self._look.ledger.commission(known))
            return
        if not fill.is_exact:
            self._look.mismatches.append(
                f"execution {fill.execution} of {fill.name} has a price between two ticks: booked {amount}"
            )
        self._look.wake(order)
        said = f.OrderFilled(
            order.id, fill.execution, fill.symbol, fill.side.value, fill.price, fill.quantity, fill.commission or 0
        )
        late = f", though it was {order.state.value}" if order.state in TERMINAL else ""
        if self._look.say(said, f"A fill was missed: {fill.execution} of {order.id}, {amount}{late}."):
            self._look.held[fill.symbol] += fill.signed

    def _retold(self, fill: FoundFill) -> None:
        """An execution that is on record is told again: changed, or with what it cost."""
        known = self._look.register.booked[fill.execution]
        if known.execution != fill.execution:
            return  # it was corrected since
        if (known.price, known.quantity) != (fill.price, fill.quantity):
            self._correct(fill, fill.execution, self._look.ledger.commission(fill.execution))
        elif fill.commission is not None and (more := fill.commission - self._look.ledger.commission(fill.execution)):
            self._look.moved = True
            self._look.say(
                f.CommissionCharged(known.order, fill.execution, fill.symbol, more),
                f"Execution {fill.execution} cost {money(more):,.2f} that was not on record.",
            )

    def _revised(self, fill: FoundFill) -> str:
        """The execution that this one replaces, "" for none; itself where a newer word is on record."""
        base, number = revision(fill.execution)
        for name in self._look.register.fills_of(fill.name) if number else ():
            known = self._look.register.booked[name].execution
            known_base, known_number = revision(known)
            if known_base == base:
                return known if known_number < number else fill.execution
        return ""

    def _correct(self, fill: FoundFill, replaces: str, commission: Cash) -> None:
        before = self._look.register.booked[replaces]
        cost = commission if fill.commission is None else fill.commission
        side = fill.side.value
        fact = f.FillCorrected(before.order, fill.execution, replaces, fill.symbol, side, fill.price, fill.quantity, cost)
        line = (
            f"Execution {replaces} was corrected by the venue: {before.quantity} lot steps at {before.price} ticks are "
            f"{fill.quantity} at {fill.price}."
        )
        if self._look.say(fact, line):
            self._look.held[fill.symbol] += (fill.quantity - before.quantity) * fill.side.sign

    def missing(self, found: FoundOrder, order: Order, short: Steps) -> None:
        """The venue counts more as filled than its executions tell; at last it is booked at the order's own price."""
        self._look.moved = True
        self.untold.add(order.symbol)
        what = f"{short} lot steps of order {order.id} are filled at the venue"
        if not self._look.doubt(f"fills of {order.id}", f"{what}, which does not tell the execution", ABSENCES):
            return
        price = order.limit or order.stop or self._look.mark(order.symbol, order.side.sign)
        if price is None:
            self._look.mismatches.append(f"{what}; without a price they cannot be booked, wait for a quote of {order.symbol}")
            return
        execution = f"{order.id}/told {found.filled}"
        self._look.wake(order)
        self._look.fills += 1
        self._look.mismatches.append(f"{what}; the execution is not told any more, so they are booked at {price} ticks")
        fill = f.OrderFilled(order.id, execution, order.symbol, order.side.value, price, short, 0)
        if self._look.say(fill, f"{what}; booked at {price} ticks."):
            self._look.held[order.symbol] += short * order.side.sign

    def external_fills(self, found: FoundOrder, short: Steps) -> None:
        """The newest executions that make up what it filled since: older ones were counted when it was adopted."""
        for fill in _newest(self._unbooked(found.symbol, found.name), short * found.side.sign):
            self.book(fill)

    def explained(self, symbol: Symbol) -> list[FoundFill]:
        """The newest foreign executions that together are what the venue's position has more than the books.

        Whole orders rather than a part of one where both would do: an order that nobody saw before is seldom new in part.
        """
        if self._look.is_new_book or symbol in self._look.found.unread:
            return []
        runs = list(_runs(self._unbooked(symbol), self._look.there(symbol) - self._look.held[symbol]))
        whole = (fills for older, fills in runs if not {it.name for it in older} & {it.name for it in fills})
        return next(whole, runs[0][1] if runs else [])

    def _unbooked(self, symbol: Symbol, name: ClientOrderId = "") -> list[FoundFill]:
        """Foreign executions that are not on record, oldest first."""
        return [
            fill
            for fill in self._look.found.fills
            if fill.is_foreign and fill.symbol == symbol and fill.name.startswith(name or EXTERNAL)
            if (not name or fill.name == name)
            if not self._look.register.knows(fill.execution) and fill.execution not in self._booked and not self._revised(fill)
        ]


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
