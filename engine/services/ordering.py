"""One order from the command line: through the same gate, journal and broker as everything else, and watched for a while."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.core.clock import SECOND
from engine.core.errors import UserError
from engine.domain import facts as f
from engine.domain.instrument import Instrument
from engine.domain.intents import Arm, SubmitOrder
from engine.domain.order import TERMINAL, ClientOrderId, Order, State
from engine.live.opening import live_session
from engine.live.session import LiveSession
from engine.request import Progress, Request

READY_S = 30.0
"""How long the first price and the comparison with the venue are waited for."""
_POLL_S = 0.02
SIDES, TYPES, TIFS = ("buy", "sell"), ("market", "limit", "stop", "bracket"), ("GTC", "DAY", "IOC", "FOK")


@dataclass(frozen=True, slots=True)
class Ticket:
    """An order as it is typed: quantity in lots, prices as decimal text. `arm` is the live account's name, typed."""

    side: str
    type: str
    quantity: str
    price: str = ""
    stop: str = ""
    target: str = ""
    tif: str = "GTC"
    arm: str = ""

    def intent(self, instrument: Instrument) -> SubmitOrder:
        """The intent this is. UserError for what is no price or quantity of the instrument."""
        self._check()
        kind = "market" if self.type == "bracket" and not self.price else "limit" if self.type == "bracket" else self.type
        if self.type == "bracket" and not self.stop:
            raise UserError("a bracket needs the price of its stop; give --stop")
        is_stop = kind == "stop"
        if is_stop and not (self.price or self.stop):
            raise UserError("a stop order needs the price at which it triggers; give --price")
        price = self.price or (self.stop if is_stop else "")
        protective = "" if is_stop and not self.price else self.stop
        return SubmitOrder(
            instrument.symbol,
            self.side,
            kind,
            instrument.steps(_number(self.quantity, "--quantity")),
            _ticks(instrument, price, "--price"),
            _ticks(instrument, protective, "--stop"),
            _ticks(instrument, self.target, "--target"),
            self.tif,
        )

    def _check(self) -> None:
        """What can be told without asking anybody."""
        for option, given, words in (("--side", self.side, SIDES), ("--type", self.type, TYPES), ("--tif", self.tif, TIFS)):
            if given not in words:
                raise UserError(f"{option} {given!r} is not known; use {', '.join(words[:-1])} or {words[-1]}")
        if self.type == "limit" and not self.price:
            raise UserError("a limit order needs its limit; give --price")
        if self.type == "market" and self.price:
            raise UserError("a market order has no price; leave --price out, or give --type limit")


def _number(text: str, option: str) -> Decimal:
    try:
        value = Decimal(text)
    except ArithmeticError:
        value = Decimal("NaN")
    if not value.is_finite():
        raise UserError(f"{option} {text!r} is no number; write it with a point, such as 1 or 0.5")
    return value


def _ticks(instrument: Instrument, text: str, option: str) -> int | None:
    return instrument.exact_ticks(_number(text, option)) if text else None


async def send(request: Request, ticket: Ticket, wait_s: float) -> dict[str, Any]:
    """Sends the order and watches it for `wait_s` seconds, or until it is over; what became of it.

    UserError where the gate denies it or the venue may not be traded at; BrokerError where it cannot be reached.
    """
    intent = ticket.intent(request.instrument)
    async with live_session(request, _raise) as opened:
        stop = asyncio.Event()
        running = asyncio.ensure_future(opened.session.run(stop))
        try:
            request.progress(0.0, f"waiting for a price of {intent.symbol}, and until the books agree with the venue")
            found = await _carried_out(opened.session, intent, ticket.arm, wait_s, request.progress)
        finally:
            stop.set()
            await running
        unwritten = await asyncio.to_thread(opened.session.journal.close)
        return {**found, "book": opened.book.id, **({"unwritten": unwritten} if unwritten else {})}


async def _carried_out(session: LiveSession, intent: SubmitOrder, arm: str, wait_s: float, progress: Progress) -> dict[str, Any]:
    await _ready(session, intent.symbol, bool(arm))
    if arm:
        _refused(session.do(Arm(arm), "command line"))
    records = session.do(intent, "command line")
    _refused(records)
    placed = next((record.fact.order for record in records if isinstance(record.fact, f.OrderIntended)), None)
    if placed is None:
        raise UserError("the order was not placed; see the facts of the book for why")
    progress(0.0, f"watching what becomes of {placed}")
    deadline = session.clock.monotonic() + int(wait_s * SECOND)
    while not _is_settled(session, placed) and session.clock.monotonic() < deadline:
        await asyncio.sleep(_POLL_S)
    return _described(session, session.pipeline.register[placed])


def _is_settled(session: LiveSession, name: ClientOrderId) -> bool:
    """The order is over, and what hangs on it has been answered."""
    register = session.pipeline.register
    legs = [register[leg] for leg in register.children.get(name, ())]
    return register[name].state in TERMINAL and not any(leg.state in (State.INTENT, State.SENT) for leg in legs)


async def _ready(session: LiveSession, symbol: str, is_arming: bool) -> None:
    """Waits until the books are reconciled and a price has come. UserError with what stands in the way: at once where that is a
    word of the owner's, which nobody gives meanwhile."""
    deadline = session.clock.monotonic() + int(READY_S * SECOND)
    while True:
        blocked, trouble = session.obstacles(symbol)
        if not blocked and (not trouble or (is_arming and session.may_be_armed)):
            return
        if session.clock.monotonic() >= deadline or (trouble and not blocked and session.may_be_armed):
            raise UserError(f"nothing was sent: {trouble or blocked}")
        await asyncio.sleep(_POLL_S)


def _refused(records: Any) -> None:
    for record in records:
        if isinstance(record.fact, f.IntentRefused):
            raise UserError(f"nothing was sent: {record.fact.reason}")


def _described(session: LiveSession, order: Order) -> dict[str, Any]:
    register, instrument = session.pipeline.register, session.pipeline.instruments[order.symbol]
    fills = [record.fact for record in session.journal.records() if isinstance(record.fact, f.OrderFilled)]
    legs = [register[name] for name in register.children.get(order.id, ())]
    average = order.average_price
    return {
        "state": order.state.value,
        "filled": str(instrument.lots(order.filled)),
        "average_price": None if average is None else str(instrument.price(1) * Decimal(str(average))),
        "client_order_id": order.id,
        "broker_order_id": order.broker_id,
        "reason": order.reason,
        "fills": [
            {
                "execution_id": fill.execution,
                "quantity": str(instrument.lots(fill.quantity)),
                "price": str(instrument.price(fill.price)),
            }
            for fill in fills
            if fill.order == order.id
        ],
        "legs": [{"client_order_id": leg.id, "role": leg.role.value, "state": leg.state.value} for leg in legs],
    }


def _raise(error: Exception) -> None:
    raise error
