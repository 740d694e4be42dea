"""Reconciliation: what the venue says against what is on record, and the reports that make them agree.

One function serves start-up, reconnect, crash recovery, a lost answer and the timer. It is pure: it reads, and returns what is to
be taken in by the same door as everything a broker says. Nothing is ever traded by it.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from decimal import Decimal

from engine.core.clock import SECOND, Nanos
from engine.domain import facts as f
from engine.domain.instrument import Cash, Instrument, cash, money
from engine.domain.market import Quote, Symbol
from engine.domain.order import State
from engine.execution.attribution import Attributor, ToSteps
from engine.execution.executions import Executions
from engine.execution.look import Look
from engine.execution.on_record import OnRecord
from engine.execution.others import Others
from engine.portfolio.ledger import Ledger
from engine.portfolio.register import OrderRegister
from engine.ports.broker import Report
from engine.ports.venue import VenueState

SETTLING = 300 * SECOND
"""How long after an execution the account's cash is not compared: venues tell it late."""
CENT: Cash = cash("0.01")
CASH_REASON = "the venue's cash: deposits, interest, fees"
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
    look = Look(found, register, ledger, instruments, quotes, at, absences or {}, is_new_book, margined)
    told = [it.total for it in state.cash if it.account == name and it.currency == currency]
    recent = any(at - it.at < SETTLING for it in state.executions if it.account == name)
    cash_there = cash(sum(told, Decimal(0))) if told else None
    _compare(look)
    if cash_there is not None and not recent:
        _cash(look, cash_there, tolerance)
    return _conclude(look, cash_there, tuple(state.notes))


def _compare(look: Look) -> None:
    """Orders, executions and positions."""
    for trouble in look.found.troubles:
        look.counts[trouble] = look.before.get(trouble, 0) + 1
        look.mismatches.append(trouble)
    executions = Executions(look)
    others = Others(look, executions)
    on_record = OnRecord(look, executions, others.adopt)
    executions.own_fills()
    for found in look.found.orders.values():
        if found.name in look.register.orders:
            on_record.compare(found)
    on_record.absent()
    others.foreign_orders()
    for symbol in sorted(look.instruments):
        if symbol not in look.found.unread:
            others.position(symbol)


def _cash(look: Look, told: Cash, tolerance: Cash) -> None:
    """Not while something else moved."""
    if look.is_new_book or look.moved:
        return
    gap = told - (look.ledger.cash - _paid(look))
    if abs(gap) <= tolerance:
        return
    what = f"cash at the venue differs from the books by {money(gap):+,.2f}"
    halts = abs(gap) * LARGE_CASH > abs(look.ledger.cash)
    because = f"{'more' if gap > 0 else 'less'} than fills and fees on record come to: a deposit, a withdrawal, interest or fees"
    then = f", and trading is halted, for it is more than a {LARGE_CASH}th of the account" if halts else ""
    look.say(f.CashAdopted(gap, CASH_REASON), f"{what[0].upper()}{what[1:]}, {because}. It is taken over{then}.")
    if halts:
        look.mismatches.append(what)
        look.halt(what)


def _paid(look: Look) -> Cash:
    """What positions cost that were paid for in cash."""
    return sum(basis for symbol, basis in look.basis.items() if symbol not in look.margined)


def _conclude(look: Look, told: Cash | None, notes: tuple[str, ...]) -> Reconciliation:
    live = [look.order(order.id) for order in look.register.all_live()]
    reconciled = f.Reconciled(
        asked=look.at,
        fills=look.fills,
        orders=look.settled,
        adopted=look.adopted,
        unknown=sum(order.state is State.UNKNOWN for order in live),
        is_clean=not look.mismatches,
        mismatches=tuple(look.mismatches),
    )
    said = (*look.reports, *look.halts)
    is_news = bool(said) or look.is_new_book or set(look.counts) != set(look.before)
    held = sum(quantity != 0 for quantity in look.held.values())
    compared = (
        f"Compared with the venue: {_many(len(look.found.orders), 'order')}, {_many(len(look.found.fills), 'execution')}, "
        f"{_many(held, 'position')} and cash; {'everything agrees' if reconciled.is_clean else 'not everything agrees'}."
    )
    return Reconciliation(
        (*said, Report(reconciled)) if is_news else (),
        reconciled,
        (compared, *look.lines, *look.found.notes, *notes),
        look.counts,
        (told or 0) + _paid(look),
    )


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
