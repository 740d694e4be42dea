"""The owner's word: every intent of the window, the API and the command line, carried out through the same gate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from engine.core.errors import UserError
from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.limits import Verdict
from engine.domain.market import Quote, Symbol, Ticks
from engine.domain.order import Order, OrderType, Role, Side, State
from engine.execution.adopted import Choice
from engine.execution.cards import Cards
from engine.execution.foresight import foresee
from engine.execution.hands import Hands, Refused
from engine.execution.tickets import Tickets, word
from engine.risk.draft import Draft
from engine.risk.exposure import mark
from engine.risk.guard import HALTED
from engine.signals.desk import Mode


class Owner:
    """Carries out intents. `carry_out` never raises for what the owner asked: a refusal is the fact IntentRefused."""

    def __init__(self, hands: Hands) -> None:
        self._h = hands
        self.cards = Cards(hands)
        self.tickets = Tickets(hands)
        self._handlers: dict[type[i.Intent], Callable[[Any], None]] = {
            i.SubmitOrder: self.tickets.submit,
            i.SubmitPair: self.tickets.submit,
            i.CancelOrder: self._cancel,
            i.CancelAll: self._cancel_all,
            i.ModifyOrder: self._modify,
            i.EditProtection: self._edit_protection,
            i.ChooseProtection: self._choose_protection,
            i.ClosePosition: self._close,
            i.ReversePosition: self._reverse,
            i.Flatten: lambda _: self._flatten(),
            i.AcceptCard: self.cards.accept,
            i.VetoCard: self.cards.veto,
            i.FlipCard: self.cards.flip,
            i.ResizeCard: self.cards.resize,
            i.SetMode: self._set_mode,
            i.Halt: self._halt,
            i.Resume: self._resume,
            i.ChangeLimits: self._change_limits,
            i.Arm: self._arm,
            i.Disarm: self._disarm,
            i.Reconnect: self._reconnect,
            i.Roll: self._roll,
        }

    def carry_out(self, intent: i.Intent) -> None:
        """Does what is asked, or records why not."""
        try:
            _insist(intent)
            self._handlers[type(intent)](intent)
        except Refused as refusal:
            self._h.emit(f.IntentRefused(str(refusal)))

    # --- orders -------------------------------------------------------------------------------------------------------

    def draft(self, intent: i.SubmitOrder) -> Draft:
        """The ticket as the gate sees it. Raises Refused for an unknown instrument or word, and for what is no number."""
        _insist(intent)
        return self.tickets.draft(intent)

    def foresee(self, intent: i.SubmitOrder | i.SubmitPair) -> Verdict:
        """What would become of all the orders of a ticket. Raises Refused as `draft` does."""
        _insist(intent)
        return foresee(intent, self.tickets, self._h)

    def _live(self, order: str) -> Order:
        known = self._h.register.orders.get(order)
        if known is None or not known.is_live:
            raise Refused(f"order {order} is not working any more")
        return known

    def _cancel(self, intent: i.CancelOrder) -> None:
        order = self._live(intent.order)
        if order.role is Role.STOP and self._waits(order):
            raise Refused("a stop that waits for its entry cannot be cancelled; move it, or cancel the entry")
        if order.role is Role.STOP and self._h.ledger.position(order.symbol) and self._h.register.armed(order):
            raise Refused("a stop over an open position cannot be cancelled; move it, or close the position")
        entries = [other for other in self._h.register.working(order.symbol) if other.role is Role.ENTRY]
        if order.role is Role.CLOSE and order.type is OrderType.MARKET and entries:
            raise Refused("an entry counts on this close; cancel the entry first")
        self._h.manager.cancel(order, "by the owner")

    def _cancel_all(self, intent: i.CancelAll) -> None:
        symbols = [intent.symbol] if intent.symbol else []
        self._h.manager.cancel_entries("by the owner", symbols)
        if not intent.everything:
            return
        for order in self._h.register.all_live():
            if order.role is Role.STOP or order.guards(self._h.ledger.position(order.symbol)):
                continue
            if not symbols or order.symbol in symbols:
                self._h.manager.cancel(order, "by the owner")

    def _modify(self, intent: i.ModifyOrder) -> None:
        order = self._live(intent.order)
        price = intent.price if intent.price is not None else order.limit if order.type is OrderType.LIMIT else order.stop
        quantity = intent.quantity if intent.quantity is not None else order.quantity
        if price is None or price <= 0:
            raise Refused("a market order has no price to change; cancel it instead")
        if quantity <= order.filled:
            raise Refused(f"order {order.id} has filled that much already")
        _insist_changeable(order)
        if order.role is Role.STOP and quantity != order.quantity:
            raise Refused("the quantity of a stop follows the position; close a part of the position instead")
        self._check_kind(order, quantity, price, intent.limit)
        self._check_change(order, quantity, price, intent.limit)
        self._h.manager.modify(order, quantity, price, intent.limit)
        if order.role is Role.ENTRY and quantity != order.quantity and self._venue_modifies:
            for leg in self._legs(order):
                self._h.manager.modify(leg, quantity, leg.limit or leg.stop or 0)

    @property
    def _venue_modifies(self) -> bool:
        return self._h.manager.abilities is None or self._h.manager.abilities.modifies

    def _check_kind(self, order: Order, quantity: int, price: Ticks, limit: Ticks | None) -> None:
        """What cannot be changed about an order of this kind."""
        if limit is not None and (order.type is not OrderType.STOP_LIMIT or limit <= 0):
            raise Refused("only a stop-limit order has a limit beside its price, and that is above zero")
        if order.type is OrderType.TRAILING and order.stop is not None and (price - order.stop) * order.side.sign > 0:
            raise Refused("a trailing stop is only brought closer; for another distance cancel it and place a new one")
        shares = {leg.oco for leg in self._legs(order)}
        if order.role is Role.ENTRY and quantity != order.quantity and len(shares) > 1:
            raise Refused("an order with several targets keeps its quantity; cancel it and place another")
        followed = any(other.after == order.id for other in self._h.register.held())
        if not self._venue_modifies and order.state is not State.HELD and (followed or len(shares) > 1):
            raise Refused("the venue cannot change orders, and too much hangs on this one; cancel it and place another")

    def _check_change(self, order: Order, quantity: int, price: Ticks, limit: Ticks | None) -> None:
        if order.role is Role.ENTRY:
            self._check_entry(order, quantity, price, {}, limit)
        elif self._waits(order):
            self._check_entry(self._h.register[order.parent], 0, None, {order.role: price})
        if order.role in (Role.STOP, Role.TARGET) and self._h.register.armed(order):
            check = self._check_stop if order.role is Role.STOP else self._check_target
            check(order.symbol, order.side, price)

    def _check_entry(
        self, order: Order, quantity: int, price: Ticks | None, exits: dict[Role, Ticks], limit: Ticks | None = None
    ) -> None:
        """Asks the gate about a waiting entry as it would be; 0, None and missing exits leave its terms as they are."""
        prices = {leg.role: leg.stop if leg.role is Role.STOP else leg.limit for leg in self._legs(order)}
        prices.update(exits)
        is_stop_limit = order.type is OrderType.STOP_LIMIT
        draft = Draft(
            order.symbol,
            order.side,
            order.type,
            (quantity or order.quantity) - order.filled,
            (limit or order.limit) if is_stop_limit else price or order.limit or order.stop,
            prices.get(Role.STOP),
            prices.get(Role.TARGET),
            trigger=(price or order.stop) if is_stop_limit else None,
        )
        now = self._h.snapshot()
        rest = {**now.stakes, order.symbol: self._h.stakes.of(order.symbol, without=order.id)}
        verdict = self._h.gate.check(draft, replace(now, stakes=rest, recent=()))
        if not verdict.approved:
            raise Refused("; ".join(verdict.reasons))

    def _legs(self, order: Order) -> list[Order]:
        legs = [self._h.register[name] for name in self._h.register.children.get(order.id, ())]
        return [leg for leg in legs if leg.is_live]

    def _waits(self, leg: Order) -> bool:
        """A leg whose entry may still fill."""
        return bool(leg.parent) and self._h.register[leg.parent].is_live

    # --- positions ----------------------------------------------------------------------------------------------------

    def _position(self, symbol: Symbol) -> int:
        held = self._h.ledger.position(symbol)
        if not held:
            raise Refused(f"there is no open position in {symbol}")
        return held

    def _kept(self, symbol: Symbol) -> int:
        """The position less what is being closed of it at the market already."""
        self._position(symbol)
        kept = self._h.stakes.of(symbol).quantity
        if not kept:
            raise Refused(f"the position in {symbol} is being closed already")
        return kept

    def _close(self, intent: i.ClosePosition) -> None:
        kept = self._kept(intent.symbol)
        verdict = self._h.manager.close(intent.symbol, intent.quantity or abs(kept))
        if not verdict.approved:
            raise Refused("; ".join(verdict.reasons))

    def _reverse(self, intent: i.ReversePosition) -> None:
        held = self._kept(intent.symbol)
        side = Side.of(-held)
        quote = self._h.quotes[intent.symbol]
        stop = self._mirrored_stop(intent.symbol, side, quote)
        self._h.manager.close(intent.symbol, abs(held))
        draft = Draft(intent.symbol, side, OrderType.MARKET, abs(held), stop_loss=stop, by_hand=True)
        verdict = self._h.manager.place(draft)
        if not verdict.approved:
            raise Refused("the position is being closed, but not reversed: " + "; ".join(verdict.reasons))

    def _mirrored_stop(self, symbol: Symbol, side: Side, quote: Quote) -> Ticks | None:
        stops = [o.stop for o in self._exits(symbol, side, Role.STOP) if o.stop]
        if not stops:
            return None
        at = mark(-side.sign, quote)
        entry = quote.ask if side is Side.BUY else quote.bid
        return entry - side.sign * max(1, abs(at - stops[0]))

    def _choose_protection(self, intent: i.ChooseProtection) -> None:
        choice = word(Choice, intent.choice)
        waiting = self._h.protection.waiting(intent.symbol)
        if not waiting:
            raise Refused(f"nothing of {intent.symbol} was adopted without a stop; there is nothing to choose")
        if choice is Choice.CLOSE:
            verdict = self._h.manager.close(intent.symbol, waiting)
            if not verdict.approved:
                raise Refused("; ".join(verdict.reasons))
        self._h.emit(f.ProtectionChosen(intent.symbol, choice.value))
        self._h.protection.settle(intent.symbol)

    def _edit_protection(self, intent: i.EditProtection) -> None:
        held = self._position(intent.symbol)
        exit_side = Side.of(-held)
        if intent.stop_loss is not None:
            self._check_stop(intent.symbol, exit_side, intent.stop_loss)
            if not self._exits(intent.symbol, exit_side, Role.STOP) and self._h.protection.covered(intent.symbol) == abs(held):
                raise Refused(f"all of {intent.symbol} is under a stop that was not placed here; move or cancel that one first")
        if intent.take_profit:
            if len({o.limit for o in self._exits(intent.symbol, exit_side, Role.TARGET)}) > 1:
                raise Refused("the position has several targets; move each of them by itself")
            self._check_target(intent.symbol, exit_side, intent.take_profit)
        moved = ((Role.STOP, intent.stop_loss), (Role.TARGET, intent.take_profit))
        for order in [o for role, price in moved if price for o in self._exits(intent.symbol, exit_side, role)]:
            _insist_changeable(order)
        if intent.stop_loss is not None:
            self._move(intent.symbol, exit_side, Role.STOP, intent.stop_loss)
        if intent.take_profit == 0:
            for order in self._exits(intent.symbol, exit_side, Role.TARGET):
                self._h.manager.cancel(order, "by the owner")
        elif intent.take_profit is not None:
            self._move(intent.symbol, exit_side, Role.TARGET, intent.take_profit)

    def _exits(self, symbol: Symbol, side: Side, role: Role) -> list[Order]:
        """The exits over what is open; those of an entry that filled nothing yet belong to that entry."""
        working = self._h.register.working(symbol)
        return [o for o in working if o.role is role and o.side is side and self._h.register.armed(o)]

    def _move(self, symbol: Symbol, side: Side, role: Role, price: Ticks) -> None:
        exits = self._exits(symbol, side, role)
        for order in exits:
            self._h.manager.modify(order, order.quantity, price)
        whole = abs(self._h.ledger.position(symbol))
        uncovered = whole - self._h.protection.covered(symbol) if role is Role.STOP else whole
        quantity = self._h.protection.bare(symbol) if exits else uncovered
        if exits and (role is Role.TARGET or quantity <= 0):
            return
        stop, target = (price, None) if role is Role.STOP else (None, price)
        if not exits and stop is not None and self._h.protection.adopted.units(symbol):
            self._h.emit(f.ProtectionChosen(symbol, Choice.ATTACH.value))
        self._h.manager.protect(symbol, side, quantity, stop, target)

    def _check_stop(self, symbol: Symbol, side: Side, price: Ticks) -> None:
        quote = self._h.quotes[symbol]
        at = quote.bid if side is Side.SELL else quote.ask
        if price <= 0 or (at - price) * side.sign >= 0:
            word = "below the bid" if side is Side.SELL else "above the ask"
            raise Refused(f"a {side.value} stop must lie {word} of {self._h.instruments[symbol].price(at)}")
        if self._widens(symbol, side, price):
            self._check_wider(symbol, abs(at - price))

    def _check_wider(self, symbol: Symbol, distance: Ticks) -> None:
        """Asks the gate about the book with the position's stop at `distance`."""
        now = self._h.snapshot()
        stake = now.stakes[symbol]
        loss = (distance + self._h.gate.slippage) * abs(stake.quantity) * self._h.instruments[symbol].tick_value
        broken = self._h.gate.broken(symbol, replace(now, stakes={**now.stakes, symbol: replace(stake, risk=loss)}))
        if broken:
            raise Refused("with that stop " + "; ".join(broken))

    def _widens(self, symbol: Symbol, side: Side, price: Ticks) -> bool:
        return any((price - (o.stop or price)) * side.sign > 0 for o in self._exits(symbol, side, Role.STOP))

    def _check_target(self, symbol: Symbol, side: Side, price: Ticks) -> None:
        quote = self._h.quotes[symbol]
        at = quote.bid if side is Side.SELL else quote.ask
        if price <= 0 or (price - at) * side.sign >= 0:
            word = "above the bid" if side is Side.SELL else "below the ask"
            raise Refused(f"a {side.value} target must lie {word} of {self._h.instruments[symbol].price(at)}")

    def _flatten(self) -> None:
        self._h.manager.cancel_entries("flatten")
        for symbol in list(self._h.ledger.open):
            if kept := self._h.stakes.of(symbol).quantity:
                self._h.manager.close(symbol, abs(kept))

    # --- the desk -----------------------------------------------------------------------------------------------------

    def _set_mode(self, intent: i.SetMode) -> None:
        mode = word(Mode, intent.mode)
        if mode is not self._h.desk.mode:
            self._h.emit(f.ModeChanged(mode.value))

    def _halt(self, intent: i.Halt) -> None:
        if self._h.guard.state != HALTED:
            self._h.emit(f.TradingStateChanged(HALTED, "owner", intent.reason or "halted by the owner"))
        self._h.manager.cancel_entries("halt")
        if intent.flatten:
            self._flatten()

    def _resume(self, intent: i.Resume) -> None:
        changed = self._h.guard.resumed(self._h.equity())
        if isinstance(changed, str):
            raise Refused(changed)
        self._h.emit(f.TradingStateChanged(changed.state, changed.cause, intent.reason or changed.reason))

    def _arm(self, intent: i.Arm) -> None:
        objection = self._h.arming.objection(intent.account)
        if objection:
            raise Refused(objection)
        self._h.emit(f.TradingArmed(intent.account))
        self._h.arming.account = intent.account

    def _disarm(self, intent: i.Disarm) -> None:
        if not self._h.arming.account:
            raise Refused("trading is not armed")
        self._h.emit(f.TradingDisarmed(self._h.arming.account, intent.reason or "by the owner"))
        self._h.arming.account = ""

    def _roll(self, intent: i.Roll) -> None:
        objection = self._h.arming.roll(intent.symbol)
        if objection:
            raise Refused(objection)

    def _reconnect(self, intent: i.Reconnect) -> None:
        if not 0 <= intent.port <= 65_535:
            raise Refused(f"{intent.port} is no port; give one from 1 to 65535, or none")
        objection = self._h.arming.reconnect(intent.port)
        if objection:
            raise Refused(objection)

    def _change_limits(self, intent: i.ChangeLimits) -> None:
        try:
            answer = self._h.in_force.answer(intent, self._h.snapshot().at)
        except UserError as refusal:
            raise Refused(str(refusal)) from refusal
        self._h.emit(answer)


def _insist_changeable(order: Order) -> None:
    if not (order.may("ModifyRequested") or order.state is State.HELD):
        raise Refused(f"order {order.id} is {order.state.value}; change it when that is settled")


def _insist(intent: i.Intent) -> None:
    if name := i.misfit(intent):
        value = f"{_at(intent, name)!r:.40}"
        raise Refused(f"{name} is {value}; prices are whole ticks, quantities whole lot steps, and names are text")


def _at(intent: Any, path: str) -> Any:
    for name in path.split("."):
        intent = getattr(intent, name)
    return intent
