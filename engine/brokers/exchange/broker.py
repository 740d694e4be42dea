"""An exchange as a broker: orders go out one after the other over a wire of their own, and the account is followed meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

from engine.brokers.backoff import Backoff
from engine.brokers.exchange.asking import Inquiry
from engine.brokers.exchange.attempts import rested
from engine.brokers.exchange.client import close_client
from engine.brokers.exchange.commands import Commands
from engine.brokers.exchange.dealing import dealing_of
from engine.brokers.exchange.fees import Fee, at_price
from engine.brokers.exchange.holdings import Holdings
from engine.brokers.exchange.keys import ApiKey
from engine.brokers.exchange.outbox import FAULT, Command, Outbox
from engine.brokers.exchange.standing import Standing
from engine.brokers.exchange.switch import DeadMansSwitch
from engine.brokers.exchange.tracking import Tracked, Tracker
from engine.brokers.exchange.trouble import Hopeless, told
from engine.brokers.exchange.venue import ExchangeVenue
from engine.brokers.exchange.watch import AccountWatch
from engine.core.clock import Clock, Nanos
from engine.core.errors import BrokerError
from engine.core.log import logger
from engine.domain import facts as f
from engine.domain.instrument import Instrument, Steps
from engine.domain.market import Quote, Symbol, Ticks
from engine.domain.order import ClientOrderId, Order, Side, from_terms
from engine.ports.broker import Report, ReportSink
from engine.ports.venue import VenueAddress, VenueState

_log = logger("exchange")
_UNCLEAR = f"{FAULT}; what became of it is looked for, and nothing is sent again"


class ExchangeBroker:
    """An OutsideBroker for one account at an exchange's spot market.

    A coin that is held is the position of the instrument that trades it. `no_key` says why there is no key. `timeout_s` bounds
    each answer; `quiet_s` is how long the account's stream may say nothing before the exchange is asked. With `dead_man_s` the
    exchange cancels every order by itself once nothing was heard of us for so long, where it has such a switch.
    """

    def __init__(
        self,
        address: VenueAddress,
        key: ApiKey | None,
        instruments: Mapping[Symbol, Instrument],
        sink: ReportSink,
        *,
        clock: Clock,
        random: Random,
        no_key: str = "",
        timeout_s: float = 0.0,
        sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep,
        quiet_s: float = 10.0,
        pulse_s: float = 1.0,
        dead_man_s: float = 0.0,
        paced: bool = True,
    ) -> None:
        address = replace(address, timeout=timeout_s) if timeout_s else address
        self._venue = ExchangeVenue(address, key, no_key, clock=clock, paced=paced)
        self._dealing = dealing_of(self._venue.profile.id)
        self.name = self._venue.profile.id
        self.abilities = self._dealing.abilities()
        self._is_read_only = address.is_read_only
        self._instruments = instruments
        self._sink = sink
        self._sleep = sleep
        self._backoff = Backoff(random)
        self._quiet_s, self._pulse_s, self._dead_man_s = quiet_s, pulse_s, dead_man_s
        self._holdings = Holdings(instruments, sink)
        self._tracker = Tracker(instruments, sink, self._holdings, self._price_fee, self._dealing.their_id)
        self._last: dict[Symbol, Quote] = {}
        self._outbox = Outbox(self._open_commands, self._why_not, self._look)
        self._tasks: set[asyncio.Task[None]] = set()
        self._commands: Commands | None = None
        self._watch: AccountWatch | None = None
        self._is_up = False
        self._ended = ""
        self._word = asyncio.Event()

    # --- the link -----------------------------------------------------------------------------------------------------

    @property
    def is_ready(self) -> bool:
        return self._is_up

    @property
    def is_live(self) -> bool:
        return self._venue.is_live

    @property
    def trouble(self) -> str:
        """Why the account's stream tells nothing at the moment, while questions are answered; "" while it does."""
        return self._watch.trouble if self._watch is not None else ""

    async def connect(self) -> None:
        if self._tasks:
            return
        if self._venue.is_anonymous:
            raise BrokerError(f"{self._venue.profile.name} takes orders of the owner of a key only; store one, or trade on paper")
        try:
            await self._open()
        except Hopeless:
            raise
        except BrokerError:
            self._begin()
            raise
        self._begin()

    def resume(self, port: int = 0) -> None:  # noqa: ARG002 - the port of an exchange is its address's
        """The owner's word: it is tried again at once, also where the key was not accepted any more."""
        self._ended = ""
        self._word.set()
        self._look()

    async def close(self) -> None:
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        commands, self._commands, self._watch, self._is_up = self._commands, None, None, False
        try:
            if commands is not None:
                await self._let_go(commands)
        finally:
            await self._venue.close()

    # --- orders -------------------------------------------------------------------------------------------------------

    def submit(self, order: Order, *others: Order) -> None:
        for each in (order, *others):
            it = self._tracker.follow(each, self._market_of(each.symbol))
            if it.is_asked or it.is_known:  # a second order must never come of it
                continue
            it.is_asked = True
            refuse = partial(self._refuse, it)
            if each.parent == order.id:
                self._outbox.refuse(refuse, f"{self._venue.profile.name} holds no orders that wait for another")
            else:
                self._outbox.put(self._placing(it), refuse, partial(self._not_placed, it))

    def cancel(self, order: ClientOrderId) -> None:
        it, refuse = self._tracker.get(order), partial(self._say, f.CancelRejected, order)
        if it is None:
            self._outbox.refuse(refuse, _nobodys(order))
        else:
            self._outbox.put(lambda to: to.cancel(it), refuse, lambda: None if it.is_over else refuse(_UNCLEAR))

    def modify(self, order: ClientOrderId, quantity: Steps, limit: Ticks | None, stop: Ticks | None) -> None:
        it, refuse = self._tracker.get(order), partial(self._say, f.ModifyRejected, order)
        if it is None:
            self._outbox.refuse(refuse, _nobodys(order))
        else:
            wanted = (quantity, limit, stop)
            failed = partial(self._not_changed, it, wanted)
            self._outbox.put(lambda to: to.modify(it, *wanted), refuse, failed)

    async def standing(self, asked: Sequence[Order] = ()) -> VenueState:
        if self._ended:
            raise BrokerError(self._ended)
        wanted = [(each, self._market_of(each.symbol)) for each in asked]
        asking = Standing(self._venue, self._tracker, self._dealing, self._instruments, self._holdings)
        try:
            return await asking.ask(wanted)
        except Hopeless as error:
            self._give_up(error)
            raise

    def steps(self, symbol: Symbol, quantity: Decimal) -> Steps:
        steps = quantity / self._instruments[symbol].lot_step
        if steps != steps.to_integral_value():
            raise BrokerError(f"{quantity} {symbol} is no whole number of lot steps of {self._instruments[symbol].lot_step}")
        return int(steps)

    # --- what a venue elsewhere does by itself --------------------------------------------------------------------------

    def on_market(self, quote: Quote) -> None:
        """Remembered: what a market order is worth about now."""
        self._last[quote.symbol] = quote

    def on_time(self, at: Nanos) -> None:
        """The exchange has its own clock."""

    def on_roll(self) -> None:
        """Nothing ends there with our trading day."""

    def on_night(self, weekday: int, symbols: Sequence[Symbol]) -> None:
        """Spot is not charged for nights."""

    def mark(self, quote: Quote) -> None:
        """The exchange's book is its own."""

    def apply(self, fact: f.Fact) -> None:
        """An order that was found at the exchange can be cancelled under the id it was given here."""
        if isinstance(fact, f.OrderAdopted):
            it = self._tracker.follow(from_terms(fact, 0), self._market_of(fact.symbol))
            self._tracker.acknowledge(it, fact.broker_id, aloud=False)

    # --- behind it ----------------------------------------------------------------------------------------------------

    def _market_of(self, symbol: Symbol) -> str:
        """The market in the library's words; "" where it is not traded there."""
        return next((name for name, ours in self._venue.names.items() if ours == symbol), "")

    def _reference(self, order: Order) -> Ticks | None:
        quote = self._last.get(order.symbol)
        return None if quote is None else quote.ask if order.side is Side.BUY else quote.bid

    def _placing(self, it: Tracked) -> Command:
        return lambda to: to.submit(it, self._reference(it.order))

    def _open_commands(self) -> Commands | None:
        return None if self._is_read_only or not self._is_up else self._commands

    def _refuse(self, it: Tracked, why: str) -> None:
        it.is_over = True
        self._say(f.OrderRejected, it.id, f"{why}; nothing was sent")

    def _not_placed(self, it: Tracked) -> None:
        """Placing it ended in a fault of ours: only what certainly never left is refused."""
        if it.is_over or it.is_known:
            return
        if it.has_left:
            self._say(f.OrderUnknown, it.id, _UNCLEAR)
        else:
            self._refuse(it, FAULT)

    def _not_changed(self, it: Tracked, wanted: tuple[Steps, Ticks | None, Ticks | None]) -> None:
        """Changing it ended in a fault of ours, which may have come after the new terms were reported."""
        if not it.is_over and (it.order.quantity, it.order.limit, it.order.stop) != wanted:
            self._say(f.ModifyRejected, it.id, _UNCLEAR)

    def _say(self, kind: Callable[[str, str], f.OrderFact], order: ClientOrderId, why: str) -> None:
        self._sink(Report(kind(order, why)))

    def _why_not(self) -> str:
        if self._is_read_only:
            return f"{self._venue.profile.name} was connected to for reading only"
        return self._ended or f"{self._venue.profile.name} cannot be reached"

    async def _let_go(self, commands: Commands) -> None:
        try:
            await commands.switch.release()
        except BrokerError as error:
            _log.warning("orders may be cancelled by the exchange's own switch", why=str(error))
        finally:
            await close_client(commands.wire.client)

    def _begin(self) -> None:
        self._start(self._keep())
        self._start(self._outbox.run())

    def _start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self) -> None:
        await self._venue.connect()
        try:
            wire = self._venue.new_wire()
            switch = DeadMansSwitch(wire, self._dead_man_s)
        except BaseException:
            await self._venue.close()
            raise
        inquiry, instruments = Inquiry(wire, self._tracker, self._dealing), self._instruments
        self._commands = Commands(
            wire, inquiry, self._tracker, self._dealing, instruments, self._holdings, switch, self._look, self._give_up
        )
        self._watch = AccountWatch(
            partial(self._venue.new_client, signing=True),
            Inquiry(self._venue.wire, self._tracker, self._dealing),
            self._tracker,
            [name for name, symbol in self._venue.names.items() if symbol in instruments],
            wire.where,
            alive=self._alive,
            beat=switch.press,
            quiet_s=self._quiet_s,
            pulse_s=self._pulse_s,
        )
        self._alive()

    async def _keep(self) -> None:
        """Follows the account as long as the session lasts; where the key is not accepted, no more before the owner's word."""
        while True:
            if self._ended:
                await self._word.wait()
            self._word.clear()
            try:
                if self._watch is None:
                    await self._open()
                else:
                    await self._watch.follow()
                    if self._watch.has_streamed:
                        self._backoff.reset()
                    await self._watch.go_without(self._sleep(self._backoff.next()))
                    continue
            except Hopeless as error:
                self._give_up(error)
            except BrokerError as error:
                self._lose(str(error))
            except Exception as error:  # the library raises whatever comes; the account must be followed all the same
                _log.exception("following orders failed")
                self._lose(str(told(error, self._venue.profile.name, "following orders")))
            if not self._ended:
                await rested(self._word, self._sleep(self._backoff.next()))

    def _look(self) -> None:
        if self._watch is not None:
            self._watch.look()

    def _alive(self) -> None:
        if not self._is_up and not self._ended:
            self._is_up = True
            self._backoff.reset()
            self._tell_state("CONNECTED", f"{self._venue.wire.where} answers")

    def _lose(self, reason: str) -> None:
        if self._is_up:
            self._is_up = False
            self._tell_state("LOST", reason)

    def _give_up(self, error: Hopeless) -> None:
        """The key is not accepted any more: said once, not tried again, and trading is its owner's to resume."""
        if not self._ended:
            self._ended = str(error)
            self._is_up = False
            self._tell_state("LOST", self._ended)
            self._sink(Report(f.TradingStateChanged("HALTED", "key", self._ended)))

    def _tell_state(self, state: str, reason: str) -> None:
        self._sink(Report(f.VenueChanged(self.name, state, self._server(), self.is_live, reason)))

    def _server(self) -> str:
        return self._commands.wire.where if self._commands is not None else self._venue.profile.name

    def _price_fee(self, it: Tracked, execution: str, fee: Fee) -> None:
        """A fee in a third coin is told when its price is."""
        self._start(self._charge(it, execution, fee))

    async def _charge(self, it: Tracked, execution: str, fee: Fee) -> None:
        pair = f"{fee.coin}/{it.name.partition('/')[2]}"
        try:
            wire = self._venue.wire
            told_price = await wire.ask(f"asking {pair} for a fee", partial(wire.client.fetch_order_book, pair, 5))
            price = Decimal(str(told_price["bids"][0][0]))
        except (BrokerError, LookupError, ArithmeticError):
            _log.warning("a fee has no price and is not booked", fee=f"{fee.amount} {fee.coin}", execution=execution)
            return
        self._tracker.report(f.CommissionCharged(it.id, execution, it.order.symbol, at_price(fee, price)))


def _nobodys(order: ClientOrderId) -> str:
    return f"order {order} was not placed from here and is not known at the exchange"
