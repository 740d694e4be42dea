"""The straight line: four entries, read top to bottom. DESIGN.md "The four entries and the life of one quote".

Everything happens on one thread, in the order of the calls. State is the sum of facts: `emit` records a fact and applies it, and
`recall` applies a recorded one, so that a killed run goes on exactly where its last committed step ended.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.core.clock import Nanos
from engine.domain import facts as f
from engine.domain.instrument import Cash
from engine.domain.intents import Intent, SubmitOrder, SubmitPair, encode
from engine.domain.limit_settings import MEASURES
from engine.domain.limits import Limits, Verdict
from engine.domain.market import Bar, Bars, Floats, Quote, Symbol, Ticks
from engine.domain.order import ClientOrderId, Role
from engine.domain.protection import ProtectionTerms
from engine.domain.sessions import daily_after
from engine.execution.actions import Actions
from engine.execution.cards import expired
from engine.execution.hands import Arming, Hands
from engine.execution.held import Held
from engine.execution.manager import OrderManager
from engine.execution.nights import Nights
from engine.execution.owner import Owner
from engine.execution.protection import Protection
from engine.execution.trader import Sizing, Trader
from engine.lane import Lane
from engine.market.book import QuoteBook
from engine.portfolio.ledger import Ledger
from engine.portfolio.register import OrderRegister
from engine.ports.broker import Broker, Report, ReportSink
from engine.ports.journal import Journal, Subscriber
from engine.ports.outside import Abilities
from engine.risk.correlation import Correlations
from engine.risk.exposure import Snapshot, equity
from engine.risk.gate import Gate
from engine.risk.guard import HALTED, Guard
from engine.risk.in_force import LimitsInForce
from engine.risk.returns import Returns
from engine.risk.stakes import Stakes
from engine.risk.tilt import Tilt
from engine.risk.trip import trip_prices
from engine.risk.watch import Watch
from engine.signals.desk import Answer, Desk, Mode
from engine.signals.policy import Proposal

NEVER: Nanos = 1 << 62
_MONEY = (f.OrderFilled, f.FillCorrected, f.CommissionCharged)

BarListener = Callable[[Symbol, Bar, Cash], None]
"""Told of every closed bar, with the equity at its close."""


@dataclass(frozen=True, slots=True)
class Setup:
    """How a run trades, all its instruments alike.

    `currency` is the account's, and that of every instrument in it. `slippage` (ticks) is what sizing and limits expect of a
    stop; `cooldown` between signals and `expiry` of a card in bars. `chosen` as in engine.risk.in_force.
    """

    account: str
    currency: str
    balance: Cash
    mode: Mode
    limits: Limits = field(default_factory=Limits)
    sizing: Sizing = field(default_factory=Sizing)
    slippage: Ticks = 2
    cooldown: int = 5
    expiry: int = 30
    id_prefix: str = "NG"
    protection: ProtectionTerms = field(default_factory=ProtectionTerms)
    chosen: tuple[tuple[str, str], ...] = ()


class Pipeline:
    """One session's engine. Construct, then `begin` a new book or `recall` an old one, then feed."""

    def __init__(
        self,
        setup: Setup,
        lanes: Sequence[Lane],
        journal: Journal,
        broker: Callable[[ReportSink], Broker],
        abilities: Abilities | None = None,
    ) -> None:
        self.setup = setup
        self.lanes = {lane.symbol: lane for lane in lanes}
        self.journal = journal
        self.instruments = {lane.symbol: lane.instrument for lane in lanes}
        self.step = 0
        self.now: Nanos = 0
        self.due: Nanos = NEVER
        self.bars_closed = 0
        self.subscribers: list[Subscriber] = []
        self.on_bar: list[BarListener] = []
        self.opened: dict[Symbol, Nanos] = {}
        self.blocked: dict[Symbol, str] = {}
        """Why an instrument may not be traded now, as far as its prices go."""
        self.broken: dict[Symbol, str] = {}
        """Why no signal may be made of an instrument's bars, though it may be traded."""
        self.only_shown: set[Symbol] = set()
        """Instruments whose prices are delayed or of doubtful source: they move the picture, and no order goes by them."""
        self.venue_trouble = ""
        """Why nothing may be opened at the venue now: it is out of reach, not reconciled, not armed."""
        self.is_cut_off = False
        """Whether nothing that is sent reaches the venue."""
        self.arming = Arming()
        self._reports: list[Report] = []
        self._roll: Nanos = 0
        self._trips: dict[Symbol, tuple[Ticks, Ticks]] = {}
        self._floor: Cash = 0
        self._due_beside_bars: Nanos = 0
        self._moved = True
        self._quoted = False
        self._pending = False
        self._unsettled = False
        self._answer: list[f.Record] | None = None

        self.book = QuoteBook()
        self.ledger = Ledger(self.instruments)
        self.nights = Nights(self.instruments)
        self.register = OrderRegister()
        self.guard = Guard(setup.limits)
        self.correlations = Correlations(tuple(self.lanes), setup.limits.correlation_half_life)
        self.in_force = LimitsInForce(setup.limits, self.instruments, setup.chosen)
        self.tilt = Tilt()
        self.returns = Returns(tuple(self.lanes), lanes[0].timeframe.span, setup.limits)
        self.desk = Desk()
        self.broker = broker(self._reports.append)
        self.stakes = Stakes(self.instruments, self.ledger, self.register, self.book.last, self.atr, setup.slippage)
        self.gate = Gate(self.instruments, setup.limits, setup.slippage, self.returns)
        self.watch = Watch(self.gate, self.guard)
        self.manager = OrderManager(
            self.emit, self.register, self.ledger, self.gate, self.broker, self.snapshot, setup.id_prefix, abilities
        )
        self.held = Held(self.emit, self.manager, self.register, self.ledger, lambda: self.now)
        self.actions = Actions(self.emit, self.manager, self.guard, self.ledger, self.stakes, self.book.last)
        self.protection = Protection(
            self.emit,
            self.manager,
            self.register,
            self.ledger,
            self.book.last,
            self.stakes.default_distance,
            setup.protection,
            lambda: self.now,
            lambda: self.is_cut_off,
        )
        self.protection.awaited = self.held.awaited
        self.held.level = self.protection.levels.level
        self.trader = Trader(
            self.emit, self.instruments, self.manager, self.ledger, self.gate, self.snapshot, setup.sizing, setup.slippage
        )
        self.owner = Owner(
            Hands(
                self.emit,
                self.instruments,
                self.manager,
                self.protection,
                self.trader,
                self.register,
                self.ledger,
                self.gate,
                self.guard,
                self.in_force,
                self.desk,
                self.book.last,
                self.stakes,
                self.snapshot,
                self.equity,
                self.arming,
            )
        )

    # --- the four entries ---------------------------------------------------------------------------------------------

    def on_quote(self, quote: Quote) -> None:
        """A quote of one of the session's instruments, in the order of time."""
        self.step += 1
        self.now = quote.at
        if not self.book.update(quote):
            return
        self._quoted = True
        symbol = quote.symbol
        if symbol not in self.only_shown:
            self.broker.on_market(quote)
            if self.register.watched:
                self.held.on_quote(quote)
        bars = self.lanes[symbol].bars
        opens = not bars.due
        bars.push(quote)
        if self._reports:
            self._drain()
        low, high = self._trips[symbol]
        if self._pending or quote.bid <= low or quote.ask >= high:
            self._check_equity()
        if self._pending:
            self._schedule()
            self._commit()
        elif opens:
            self._expect(bars.due)

    def on_time(self, at: Nanos) -> None:
        """The clock reached `at`: expiries, bar closes, the roll of the day. Called before any quote that comes after it."""
        self.step += 1
        self.now = at
        only_bars = at < self._due_beside_bars
        if not only_bars:
            self._moved = True
            for card in self.desk.due(at):
                self.emit(expired(card))
            for change in self.in_force.take(at):
                self.emit(change)
        self.broker.on_time(at)
        if self._reports:
            self._drain()
        if not only_bars:
            self.held.on_time(at)
        self._close_bars(at)
        if not only_bars:
            self._turn(at)
        if self._reports:
            self._drain()
        if self._unsettled:
            self._unsettled = False
            for symbol in tuple(self.ledger.open):
                self.protection.settle(symbol)
        if not only_bars:
            self.protection.on_time(at)
        self._finish()

    def _turn(self, at: Nanos) -> None:
        """What nights and the day's roll bring."""
        rolls = at >= self._roll
        if rolls:
            self.broker.on_roll()
        for weekday, symbols in self.nights.take(at):
            self.broker.on_night(weekday, symbols)
        self._drain()
        if rolls:
            self.held.on_roll()
            self._roll_day(at)

    def on_report(self, report: Report) -> None:
        """Something a broker outside this process said."""
        self.step += 1
        self._reports.append(report)
        self._finish()

    def on_written(self, orders: Sequence[ClientOrderId], refusal: str = "") -> None:
        """The journal's word on orders that were to be recorded before they leave: they are durable, or why they are not."""
        self.step += 1
        if refusal:
            for order in orders:
                if self.register[order].may("OrderRejected"):
                    self.emit(f.OrderRejected(order, f"it could not be recorded, so nothing was sent: {refusal}"))
        else:
            self.manager.dispatch(orders)
        self._finish()

    def halt(self, cause: str, reason: str) -> None:
        """Stops all new risk and cancels entries, at the program's own word."""
        self.step += 1
        self.emit(f.TradingStateChanged(HALTED, cause, reason))
        self.manager.cancel_entries(reason)
        self._finish()

    def reach(self, at: Nanos) -> None:
        """Live: the clock stands at `at`, and what came due up to then happens first. Time never goes back here."""
        while self.due <= at:
            self.on_time(self.due)
        self.now = max(self.now, at)

    def on_intent(self, intent: Intent, by: str = "owner", key: str = "") -> Sequence[f.Record]:
        """Carries out what the owner asks; the facts it led to, IntentRefused among them when it could not be done."""
        self.step += 1
        answer = self._answer = []
        try:
            self.emit(f.IntentReceived(encode(intent), by, key=key))
            self.owner.carry_out(intent)
            self._finish()
        finally:
            self._answer = None
        return tuple(answer)

    def begin(self, at: Nanos) -> None:
        """Opens a new book at `at` with the facts everything else is read by."""
        setup = self.setup
        self.now = at
        self._start_day(at)
        self.emit(f.AccountOpened(setup.account, setup.currency, setup.balance))
        for listed in self.instruments.values():
            tick, step, contract = str(listed.tick_size), str(listed.lot_step), str(listed.contract_size)
            self.emit(f.InstrumentListed(listed.symbol, tick, step, contract, listed.currency, listed.tick_value))
        self.emit(f.ModeChanged(setup.mode.value))
        for lane in self.lanes.values():
            self.emit(f.ModelChanged(lane.policy.name, lane.policy.sha256))
        self._finish()

    # --- what happens at a boundary -----------------------------------------------------------------------------------

    def _close_bars(self, at: Nanos) -> None:
        """All bars that end now are taken before anything is decided on one, so that no lane knows less than another."""
        closed = [(lane, *self._take_bar(lane)) for lane in self.lanes.values() if 0 < lane.bars.due <= at]
        for lane, bar, row in closed:
            proposal = lane.policy.decide(row, lane.features.atr, self.book.last[lane.symbol])
            if proposal is not None and self._wanted(lane, proposal, bar):
                self._signal(lane, proposal, bar, row)

    def _take_bar(self, lane: Lane) -> tuple[Bar, Floats | None]:
        bar, row = lane.close()
        self.correlations.push(lane.symbol, bar.at, bar.close)
        self.returns.push(lane.symbol, bar.at, bar.close)
        worth = self.equity()
        self.guard.mark(worth)
        self.bars_closed += 1
        for listener in self.on_bar:
            listener(lane.symbol, bar, worth)
        return bar, row

    def _wanted(self, lane: Lane, proposal: Proposal, bar: Bar) -> bool:
        """No signal for what is held, asked for or waiting, within the cooldown, across a break, while shut or blocked."""
        symbol, side = lane.symbol, proposal.side
        if self.blocked.get(symbol) or self.broken.get(symbol):
            return False
        if self.ledger.position(symbol) * side.sign > 0 or self.desk.waits(symbol, side):
            return False
        last = self.desk.last(symbol, side)
        if last is not None and bar.at - last < self.setup.cooldown * lane.timeframe.span:
            return False
        if any(o.role is Role.ENTRY and o.side is side for o in self.register.live.get(symbol, {}).values()):
            return False
        return lane.is_open(self.now)

    def _signal(self, lane: Lane, proposal: Proposal, bar: Bar, row: Floats | None) -> None:
        signal = self._record_signal(lane, proposal, bar, row)
        answer = self.desk.ask()
        if answer is Answer.GO:
            self.trader.trade(signal, proposal.side, signal.stop, signal.target)
        elif answer is Answer.WAIT:
            for card in [card for card in self.desk.cards.values() if card.signal.symbol == signal.symbol]:
                self.emit(f.CardDecided(card.signal.signal, "expired", "a newer signal points the other way", 0))
            self.emit(f.CardOpened(signal.signal, signal.expires))
        else:
            self.emit(f.SignalDropped(signal.signal, "the mode is MANUAL"))
        base, contributions = lane.policy.explain(row, proposal.side)
        self.emit(f.SignalExplained(signal.signal, base, contributions))

    def _record_signal(self, lane: Lane, proposal: Proposal, bar: Bar, row: Floats | None) -> f.SignalEmitted:
        signal = f.SignalEmitted(
            signal=f"S{self.desk.signals + 1:06d}",
            symbol=lane.symbol,
            side=proposal.side.value,
            bar=bar.at,
            reference=proposal.reference,
            stop=proposal.stop,
            target=proposal.target,
            expires=self.now + self.setup.expiry * lane.timeframe.span,
            probability=proposal.probability,
            threshold=lane.policy.threshold,
            reward_risk=lane.policy.reward_risk,
            policy=lane.policy.name,
            model_sha256=lane.policy.sha256,
            row_sha256="" if row is None else hashlib.sha256(row.tobytes()).hexdigest(),
        )
        self.emit(signal)
        return signal

    def _roll_day(self, at: Nanos) -> None:
        if self._quoted:
            self.emit(f.DayStarted(self.equity(), self.guard.peak))
            if changed := self.guard.new_day():
                self.emit(changed)
        self._start_day(at)

    def _start_day(self, at: Nanos) -> None:
        self._moved = True
        limits = self.in_force.limits
        self._roll = daily_after(at, limits.day_zone, limits.day_minute)
        self.nights.start(at)
        self._quoted = False

    def _check_equity(self) -> None:
        trip = self.guard.tripped(self.equity())
        if trip is not None:
            self.actions.carry_out(trip)
            self._drain()

    def _check_book(self) -> None:
        """The limits that do something by themselves beside those on equity; most sessions have none."""
        if self.watch.is_idle:
            return
        trips, cleared = self.watch.look(self.snapshot())
        for fact in cleared:
            self.emit(fact)
        for trip in trips:
            self.actions.carry_out(trip)
        self._drain()

    # --- the end of a step --------------------------------------------------------------------------------------------

    def _drain(self) -> None:
        """Takes in what the broker said, and again what it says to what that led to."""
        while self._reports:
            reports = self._reports[:]
            self._reports.clear()
            touched = {symbol for report in reports if (symbol := self._take(report)) is not None}
            for symbol in sorted(touched):
                self.protection.settle(symbol)

    def _take(self, report: Report) -> Symbol | None:
        symbol = self.manager.on_report(report)
        if isinstance(report.fact, f.OrderFact):
            self.held.on_report(report.fact)
        return symbol

    def _finish(self) -> None:
        if self._reports:
            self._drain()
        if self.ledger.open or self._pending:
            self._check_equity()
        self._check_book()
        self._schedule()
        if self._pending:
            self._commit()

    def _schedule(self) -> None:
        """The next moment that `on_time` must be called at, and the prices between which equity needs no look."""
        if self._moved or self.guard.floor != self._floor:
            self._look_ahead()
        due = self._due_beside_bars
        for lane in self.lanes.values():
            if 0 < lane.bars.due < due:
                due = lane.bars.due
        self.due = due

    def _expect(self, due: Nanos) -> None:
        """A bar opened and nothing else happened: it may be the next to close."""
        if self._moved or self.guard.floor != self._floor:
            self._schedule()
        elif due < self.due:
            self.due = due

    def _look_ahead(self) -> None:
        """What `_schedule` goes by, anew: since it last did, a fact came, one of these moments, or another floor of equity."""
        self._moved, self._floor = False, self.guard.floor
        due = min(self._roll, self.nights.due, self.in_force.due, self.protection.due, self.held.due)
        self._due_beside_bars = min(due, self.desk.next_expiry() or NEVER, self.register.next_expiry(self.now) or NEVER)
        for symbol in self.lanes:
            self._trips[symbol] = trip_prices(self.ledger, symbol, self._floor)

    def _commit(self) -> None:
        self.journal.commit(self.step, self.now)
        self._pending = False

    # --- facts --------------------------------------------------------------------------------------------------------

    def emit(self, fact: f.Fact) -> None:
        """Records a fact, applies it, then tells the subscribers, on whom nothing in the engine depends."""
        record = self.journal.append(self.step, self.now, fact)
        self._pending = True
        self._apply(record)
        if self._answer is not None:
            self._answer.append(record)
        for subscriber in self.subscribers:
            subscriber(record)

    def _apply(self, record: f.Record) -> None:
        fact = record.fact
        self._unsettled = self._moved = True
        self.tilt.apply(fact, record.at)
        if isinstance(fact, f.OrderFact):  # most facts are an order's, and of those only fills concern anybody else
            order = self.register.apply(fact, record.at)
            if order.is_stop:
                self.protection.levels.on_stop(order, fact)
            if isinstance(fact, _MONEY):
                self.ledger.apply(fact)
                self.protection.adopted.apply(fact)
            return
        if isinstance(fact, f.PositionChanged):
            self._note_opening(fact, record.at)
        self.ledger.apply(fact)
        self.protection.adopted.apply(fact)
        self.protection.levels.apply(fact)
        self.protection.overhang.apply(fact)
        self.guard.apply(fact)
        self.desk.apply(fact, record.at)
        if isinstance(fact, f.LimitFact) and self.in_force.apply(fact, record.at):
            self.gate.adopt(self.in_force.limits)
            self.guard.adopt(self.in_force.limits)
            self.watch.adopt()

    def _note_opening(self, fact: f.PositionChanged, at: Nanos) -> None:
        before = self.ledger.holdings.get(fact.symbol)
        if before is None or not before.quantity or before.trade != fact.trade:
            self.opened[fact.symbol] = at

    # --- going on where a book ended ----------------------------------------------------------------------------------

    def recall(self, record: f.Record) -> None:
        """Applies a recorded fact of the step at hand."""
        self._apply(record)
        self.broker.apply(record.fact)

    def recall_begin(self, at: Nanos) -> None:
        """The opening step of an old book, before its facts are recalled."""
        self.now = at
        self._start_day(at)
        self._schedule()

    def recall_quote(self, quote: Quote) -> None:
        """A quote that was dealt with before: it moves the market, and nothing is done about it."""
        self.step += 1
        self.now = quote.at
        if not self.book.update(quote):
            return
        self._quoted = True
        self.broker.mark(quote)
        bars = self.lanes[quote.symbol].bars
        fresh = not bars.due
        bars.push(quote)
        if fresh:
            self._schedule()

    def recall_time(self, at: Nanos) -> None:
        """A moment that was dealt with before."""
        self.step += 1
        self.now = at
        for lane in self.lanes.values():
            if 0 < lane.bars.due <= at:
                self._take_bar(lane)
        if at >= self._due_beside_bars:
            self._moved = True
            self.nights.take(at)
        if at >= self._roll:
            self._start_day(at)
        self._schedule()

    def recall_intent(self) -> None:
        """An intent that was carried out before; its facts follow by `recall`."""
        self.step += 1

    def recalled(self) -> None:
        """All facts of the step are recalled."""
        self._schedule()

    def read_limits(self) -> None:
        """Live: what is configured comes into force, at once where the book is new or it is tighter, else when it is due."""
        self.step += 1
        for fact in self.in_force.compare(self.now):
            self.emit(fact)
        self._finish()

    def measure_anew(self, before: Mapping[Symbol, Bars]) -> None:
        """Live, after the last recorded fact: correlations and returns by the settings in force, from the bars before."""
        limits = self.in_force.limits
        if all(getattr(limits, name) == getattr(self.setup.limits, name) for name in MEASURES):
            return
        self.correlations = Correlations(tuple(self.lanes), limits.correlation_half_life)
        self.returns = Returns(tuple(self.lanes), self.lead.timeframe.span, limits)
        self.correlations.warm(before)
        self.returns.warm(before)
        self.gate.measure_by(self.returns)

    def change_models(self) -> None:
        """Live: the policies of the lanes are others than those the record ends with."""
        self.step += 1
        for lane in self.lanes.values():
            self.emit(f.ModelChanged(lane.policy.name, lane.policy.sha256))
        self._finish()

    def note(self, fact: f.Fact) -> None:
        """Live: something the session decided, as a step of its own."""
        self.step += 1
        self.emit(fact)
        self._finish()

    def recall_live(self, record: f.Record) -> None:
        """A recorded fact of a session that lived: there is no market to walk, so time and step are those of the fact."""
        self.step, self.now = record.step, record.at
        self.recall(record)

    def go_on(self, quotes: Sequence[Quote]) -> None:
        """Live, after the last recorded fact: all is valued at the last known `quotes`; what came due meanwhile comes first."""
        for quote in quotes:
            if self.book.update(quote):
                self.broker.mark(quote)
        self._start_day(self.now)
        self._quoted = True
        self._schedule()

    # --- reading ------------------------------------------------------------------------------------------------------

    def equity(self) -> Cash:
        """Cash plus open profit at the last quotes."""
        return equity(self.ledger, self.book.last)

    def atr(self, symbol: Symbol) -> Ticks:
        """The last average true range in ticks; 0 while unknown."""
        return self.lanes[symbol].atr

    @property
    def lead(self) -> Lane:
        """The lane of the instrument the session was opened for."""
        return next(iter(self.lanes.values()))

    @property
    def is_forming(self) -> bool:
        """True while a bar has begun and not closed."""
        return any(lane.bars.due for lane in self.lanes.values())

    def snapshot(self) -> Snapshot:
        """What the gate looks at, now."""
        atrs = {symbol: lane.atr for symbol, lane in self.lanes.items()}
        exposure = self.stakes.all(atrs)
        return Snapshot(
            at=self.now,
            state=self.guard.state,
            equity=self.equity(),
            day_start=self.guard.day_start,
            peak=self.guard.peak,
            stakes=exposure.stakes,
            quotes=self.book.last,
            atr=atrs,
            recent=self.register.recent,
            correlation=self.correlations.of if len(self.lanes) > 1 else None,
            tilt=self.tilt.sentence(self.in_force.limits, self.now),
            blocked=self.blocked,
            venue_trouble=self.venue_trouble,
            resting=self.register.live,
            known=exposure,
        )

    def preview(self, intent: SubmitOrder | SubmitPair) -> Verdict:
        """What the gate would answer to this ticket; changes nothing. Raises owner.Refused for an unknown instrument."""
        return self.owner.foresee(intent)
