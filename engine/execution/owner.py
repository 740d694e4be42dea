"""The owner's word: every intent of the window, the API and the command line, carried out through the same gate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import Any, TypeVar

from engine.core.errors import UserError
from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.market import Quote, Symbol, Ticks
from engine.domain.order import Order, OrderType, Role, Side, TimeInForce
from engine.execution.cards import Cards
from engine.execution.hands import Hands, Refused
from engine.risk.draft import Draft
from engine.risk.exposure import mark
from engine.risk.guard import HALTED
from engine.signals.desk import Mode

Word = TypeVar("Word", bound=Enum)


class Owner:
    """Carries out intents. `carry_out` never raises for what the owner asked: a refusal is the fact IntentRefused."""

    def __init__(self, hands: Hands) -> None:
        self._h = hands
        self.cards = Cards(hands)
        self._handlers: dict[type[i.Intent], Callable[[Any], None]] = {
            i.SubmitOrder: self._submit,
            i.CancelOrder: self._cancel,
            i.CancelAll: lambda intent: hands.manager.cancel_entries("by the owner", [intent.symbol] if intent.symbol else []),
            i.ModifyOrder: self._modify,
            i.EditProtection: self._edit_protection,
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
        }

    def carry_out(self, intent: i.Intent) -> None:
        """Does what is asked, or records why not."""
        try:
            self._handlers[type(intent)](intent)
        except Refused as refusal:
            self._h.emit(f.IntentRefused(str(refusal)))

    # --- orders -------------------------------------------------------------------------------------------------------

    def draft(self, intent: i.SubmitOrder) -> Draft:
        """The ticket as the gate sees it. Raises Refused for an unknown instrument or word."""
        if intent.symbol not in self._h.instruments:
            raise Refused(f"{intent.symbol} is not traded in this session")
        side, kind = _word(Side, intent.side), _word(OrderType, intent.type)
        price = None if kind is OrderType.MARKET else intent.price
        exits = intent.stop_loss, intent.take_profit
        return Draft(intent.symbol, side, kind, intent.quantity, price, *exits, intent.reduce_only, by_hand=True)

    def _submit(self, intent: i.SubmitOrder) -> None:
        role = Role.CLOSE if intent.reduce_only else Role.ENTRY
        draft, tif = self.draft(intent), _word(TimeInForce, intent.tif)
        at = self._h.snapshot().at
        if tif is TimeInForce.GTD and (intent.expires is None or intent.expires <= at):
            raise Refused("a good-till-date order needs a date that lies ahead")
        expires = intent.expires if tif is TimeInForce.GTD else None
        verdict = self._h.manager.place(draft, role, "", tif, expires)
        if not verdict.approved:
            raise Refused("; ".join(verdict.reasons))

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

    def _modify(self, intent: i.ModifyOrder) -> None:
        order = self._live(intent.order)
        price = intent.price if intent.price is not None else (order.limit if order.limit is not None else order.stop)
        quantity = intent.quantity if intent.quantity is not None else order.quantity
        if price is None or price <= 0:
            raise Refused("a market order has no price to change; cancel it instead")
        if quantity <= order.filled:
            raise Refused(f"order {order.id} has filled that much already")
        if not order.may("ModifyRequested"):
            raise Refused(f"order {order.id} is {order.state.value}; change it when that is settled")
        if order.role is Role.STOP and quantity != order.quantity:
            raise Refused("the quantity of a stop follows the position; close a part of the position instead")
        self._check_change(order, quantity, price)
        self._h.manager.modify(order, quantity, price)
        if order.role is Role.ENTRY and quantity != order.quantity:
            for leg in self._legs(order):
                self._h.manager.modify(leg, quantity, leg.limit or leg.stop or 0)

    def _check_change(self, order: Order, quantity: int, price: Ticks) -> None:
        if order.role is Role.ENTRY:
            self._check_entry(order, quantity, price, {})
        elif self._waits(order):
            self._check_entry(self._h.register[order.parent], 0, None, {order.role: price})
        if order.role in (Role.STOP, Role.TARGET) and self._h.register.armed(order):
            check = self._check_stop if order.role is Role.STOP else self._check_target
            check(order.symbol, order.side, price)

    def _check_entry(self, order: Order, quantity: int, price: Ticks | None, exits: dict[Role, Ticks]) -> None:
        """Asks the gate about a waiting entry as it would be; 0, None and missing exits leave its terms as they are."""
        prices = {leg.role: leg.stop if leg.role is Role.STOP else leg.limit for leg in self._legs(order)}
        prices.update(exits)
        draft = Draft(
            order.symbol,
            order.side,
            order.type,
            (quantity or order.quantity) - order.filled,
            price or order.limit or order.stop,
            prices.get(Role.STOP),
            prices.get(Role.TARGET),
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

    def _edit_protection(self, intent: i.EditProtection) -> None:
        held = self._position(intent.symbol)
        exit_side = Side.of(-held)
        if intent.stop_loss is not None:
            self._check_stop(intent.symbol, exit_side, intent.stop_loss)
        if intent.take_profit:
            self._check_target(intent.symbol, exit_side, intent.take_profit)
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
        if not exits:
            quantity = abs(self._h.ledger.position(symbol))
            stop, target = (price, None) if role is Role.STOP else (None, price)
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
        mode = _word(Mode, intent.mode)
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

    def _change_limits(self, intent: i.ChangeLimits) -> None:
        try:
            answer = self._h.in_force.answer(intent, self._h.snapshot().at)
        except UserError as refusal:
            raise Refused(str(refusal)) from refusal
        self._h.emit(answer)


def _word(kind: type[Word], text: str) -> Word:
    """The word of this kind that `text` spells. Raises Refused naming those there are."""
    try:
        return kind(text)
    except ValueError:
        words = ", ".join(str(word.value) for word in kind)
        raise Refused(f"{text!r} is not known here; use one of {words}") from None
