"""What changes something at the exchange: placing, cancelling, changing. Each is sent once, and its outcome is told truly.

An order is REJECTED only by what `trouble.REFUSALS` lists or what never left; everything else may stand there and is UNKNOWN.
A clock that is off (-1021) is such a refusal: it is measured again, and the order is for its owner to place again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from engine.brokers.exchange.asking import Inquiry
from engine.brokers.exchange.dealing import Dealing
from engine.brokers.exchange.holdings import Holdings
from engine.brokers.exchange.orders import CannotSay, Ticket, ticket
from engine.brokers.exchange.rules import MarketRules
from engine.brokers.exchange.switch import DeadMansSwitch
from engine.brokers.exchange.tracking import ENDS, Answer, Tracked, Tracker
from engine.brokers.exchange.trouble import (
    AskedToWait,
    Hopeless,
    code_of,
    is_about_time,
    is_refusal,
    is_unknown_order,
    refusal_of,
)
from engine.brokers.exchange.wire import Wire
from engine.core.errors import BrokerError
from engine.domain import facts as f
from engine.domain.instrument import Instrument, Steps
from engine.domain.market import Symbol, Ticks
from engine.domain.order import Order

_GONE_AND_NOT_BACK, _NOTHING_DONE = "-2021", "-2022"


class Commands:
    """Over one wire of their own. `doubt` is called where something is left open, `hopeless` where the key is not accepted."""

    def __init__(
        self,
        wire: Wire,
        inquiry: Inquiry,
        tracker: Tracker,
        dealing: Dealing,
        instruments: Mapping[Symbol, Instrument],
        holdings: Holdings,
        switch: DeadMansSwitch,
        doubt: Callable[[], None],
        hopeless: Callable[[Hopeless], None],
    ) -> None:
        self.wire = wire
        self.switch = switch
        self._inquiry = inquiry
        self._tracker = tracker
        self._dealing = dealing
        self._instruments = instruments
        self._holdings = holdings
        self._doubt = doubt
        self._hopeless = hopeless
        self._rules: dict[str, MarketRules] = {}

    async def submit(self, it: Tracked, reference: Ticks | None) -> None:
        """Places the order; `reference` is the price it would meet at the market about now."""
        if not it.name:
            self._reject(it, f"{self.wire.where} does not trade {it.order.symbol}; nothing was sent")
            return
        sold = self._holdings.within(it.order)
        it.is_trimmed, it.order = sold < it.order.quantity, it.order._replace(quantity=sold)
        try:
            ask = self._ticket(it, it.order, reference)
        except CannotSay as error:
            self._reject(it, f"{error}; nothing was sent")
            return
        create = self.wire.client.create_order
        it.has_left = True
        try:
            answer = await self.wire.bare(partial(create, it.name, ask.kind, ask.side, ask.amount, ask.price, dict(ask.params)))
        except AskedToWait as error:
            self._reject(it, f"{error}; nothing was sent")
        except Exception as error:  # whatever it is, the order may stand there unless the list says otherwise
            await self._not_placed(it, error)
        else:
            await self._placed(it, answer)

    async def cancel(self, it: Tracked) -> None:
        """Asks for the end; 'unknown order' is no end but a reason to ask how it stands."""
        if it.is_over:
            self._tracker.report(f.CancelRejected(it.id, "it is over already"))
            return
        client = self.wire.client
        ids = (it.broker_id, it.name) if it.broker_id else ("", it.name, {"clientOrderId": it.their_id})
        try:
            answer = await self._safely(partial(client.cancel_order, *ids))
        except AskedToWait as error:
            self._not_cancelled(it, str(error))
        except Exception as error:  # looked into, whatever it is: the cancel may have worked
            self._notice(error)
            await self._look_again(
                it, "the cancel failed" if is_unknown_order(error) else str(self.wire.error(error, "cancelling"))
            )
        else:
            if answer.get("status") in ENDS:
                await self._settled(it, answer)
            else:
                await self._look_again(it, "the cancel was taken and is not carried out yet")

    async def modify(self, it: Tracked, quantity: Steps, limit: Ticks | None, stop: Ticks | None) -> None:
        """Gives the order new terms; `quantity` in all, what is filled included."""
        wanted = it.order._replace(quantity=quantity, limit=limit, stop=stop)
        try:
            ask = self._change(it, wanted)
        except CannotSay as error:
            self._unchanged(it, f"{error}; nothing was sent")
            return
        it.changing = True
        edit = partial(self.wire.client.edit_order, it.broker_id, it.name, ask.kind, ask.side, ask.amount, ask.price)
        try:
            answer = await self.wire.bare(partial(edit, dict(ask.params)))
        except AskedToWait as error:
            self._unchanged(it, f"{error}; nothing was sent")
        except Exception as error:  # looked into, whatever it is: the change may have worked
            self._notice(error)
            await self._change_failed(it, wanted, error)
        else:
            await self._changed(it, wanted, answer)
        finally:
            it.changing = False
            self._doubt()  # what was heard of it meanwhile was left to this

    # --- placing ------------------------------------------------------------------------------------------------------

    def _ticket(self, it: Tracked, order: Order, reference: Ticks | None) -> Ticket:
        market = self.wire.client.markets[it.name]
        instrument = self._instruments[order.symbol]
        rules = self._rules.get(it.name)
        if rules is None:
            rules = self._rules[it.name] = MarketRules(instrument, market, self.wire.client.precisionMode)
        if fault := rules.fault(order, reference):
            raise CannotSay(fault)
        return ticket(order, instrument, it.their_id, self._dealing, market, reference)

    async def _placed(self, it: Tracked, answer: Answer) -> None:
        identity, named = str(answer.get("id") or ""), answer.get("clientOrderId")
        if not identity or (named and named != it.their_id):
            self._unknown(it, f"{self.wire.where} answered with something else than the order")
            return
        self._tracker.acknowledge(it, identity)
        for trade in answer.get("trades") or []:
            self._tracker.trade(trade, it)
        if not answer.get("status") or self._tracker.is_short_of(it, answer):
            self._doubt()
        else:
            self._tracker.end(it, answer["status"], f"{self.wire.where} ended it at once")

    async def _not_placed(self, it: Tracked, error: Exception) -> None:
        self._notice(error)
        if is_about_time(error):
            await self._measure_clock()
        if not is_refusal(error):
            self._unknown(it, str(self.wire.error(error, "placing an order")))
        elif is_about_time(error):
            self._reject(it, f"{self.wire.error(error, 'placing an order')}; the clock was measured again, so place it anew")
        else:
            self._reject(it, f"{self.wire.where} refused it: {refusal_of(error)}")

    def _reject(self, it: Tracked, reason: str) -> None:
        it.is_over = True
        self._tracker.report(f.OrderRejected(it.id, reason))

    def _unknown(self, it: Tracked, reason: str) -> None:
        if not it.is_known:  # otherwise its stream has told of it meanwhile
            self._tracker.report(f.OrderUnknown(it.id, f"{reason}; it is looked for and not sent again"))
        self._doubt()

    # --- cancelling ---------------------------------------------------------------------------------------------------

    async def _safely(self, call: Callable[[], Any]) -> Answer:
        """A cancel, which may be sent again where it certainly was refused for the clock's sake."""
        try:
            answer: Answer = await self.wire.bare(call)
        except Exception as error:  # only looked at here
            if not is_about_time(error):
                raise
            await self._measure_clock()
            answer = await self.wire.bare(call)
        return answer

    async def _look_again(self, it: Tracked, why: str) -> None:
        try:
            found = await self._inquiry.find(it)
        except BrokerError as error:
            self._doubt()
            self._not_cancelled(it, f"{why}, and whether it still works is not known: {error}")
            return
        if found is None:
            self._doubt()
            self._not_cancelled(it, f"{why}: {self.wire.where} says that it does not know the order")
        elif found["status"] in ENDS:
            await self._settled(it, found)
        else:
            self._tracker.acknowledge(it, str(found["id"]))
            self._not_cancelled(it, f"{why}; the order still works there")

    async def _settled(self, it: Tracked, answer: Answer) -> None:
        before = it.broker_id
        try:
            await self._inquiry.settle(it, answer)
        except BrokerError:  # its fills come with the next look at the exchange, and its end after them
            self._doubt()
        if it.broker_id != before and not it.changing:
            self._not_cancelled(it, "it works under the new terms that it was given meanwhile; cancel it again")

    def _not_cancelled(self, it: Tracked, reason: str) -> None:
        if not it.is_over:
            self._tracker.report(f.CancelRejected(it.id, reason))

    # --- changing -----------------------------------------------------------------------------------------------------

    def _change(self, it: Tracked, wanted: Order) -> Ticket:
        if not self._dealing.edits:
            raise CannotSay(f"{self.wire.where} changes no orders; cancel it and place another")
        if not it.broker_id or it.is_over:
            raise CannotSay("there is no such order at work")
        if it.filled and self._dealing.replaces:
            raise CannotSay("it is filled in part, and a change would place another one; cancel it and place the rest")
        ask = self._ticket(it, wanted, None)
        params = dict(ask.params)
        if "stopLossPrice" in params:
            params["stopPrice"] = params.pop("stopLossPrice")
        if self._dealing.replaces:
            params["cancelRestrictions"] = "ONLY_NEW"  # what fills in the middle must not be placed once more
        return Ticket(ask.kind, ask.side, ask.amount, ask.price, params)

    async def _changed(self, it: Tracked, wanted: Order, answer: Answer) -> None:
        identity = str(answer.get("id") or "")
        if not identity:
            await self._see_what_became(it, wanted, f"{self.wire.where} answered with something else than the order")
            return
        self._tracker.renew(it, wanted, identity)
        for trade in answer.get("trades") or []:
            self._tracker.trade(trade, it)

    async def _change_failed(self, it: Tracked, wanted: Order, error: Exception) -> None:
        if code_of(error) == _GONE_AND_NOT_BACK:
            reason = f"{self.wire.where} ended the order and refused the one with the new terms: {refusal_of(error)}"
            it.changing, it.doubted = False, None
            self._tracker.end(it, "canceled", reason)
            return
        if is_about_time(error):
            await self._measure_clock()
        if self._dealing.replaces and not (is_refusal(error) or code_of(error) == _NOTHING_DONE):
            it.doubted = wanted  # it may be carried out yet
        await self._see_what_became(it, wanted, f"{self.wire.where} did not change it: {refusal_of(error)}")

    async def _see_what_became(self, it: Tracked, wanted: Order, why: str) -> None:
        try:
            found = await self._inquiry.find(it, newest=self._dealing.replaces)
        except BrokerError as error:
            self._unchanged(it, f"{why}, and how it stands is not known: {error}")
            return
        if found is None:
            self._unchanged(it, f"{why}: it says that it does not know the order")
        elif found["status"] in ENDS:
            it.changing = False
            await self._settled(it, found)
        elif str(found["id"]) != it.broker_id or self._has_terms(found, wanted):
            self._tracker.renew(it, wanted, str(found["id"]))
        else:
            self._unchanged(it, f"{why}; the order still works there as it was")

    def _has_terms(self, found: Answer, wanted: Order) -> bool:
        instrument = self._instruments[wanted.symbol]
        told = (found.get("amount"), found.get("price") if wanted.limit else None, found.get("triggerPrice"))
        terms = (
            instrument.lots(wanted.quantity),
            wanted.limit and instrument.price(wanted.limit),
            wanted.stop and instrument.price(wanted.stop),
        )
        return all(term is None or str(term) == str(each) or _same(term, each) for term, each in zip(terms, told, strict=True))

    def _unchanged(self, it: Tracked, reason: str) -> None:
        self._tracker.report(f.ModifyRejected(it.id, reason))

    # --- trouble ------------------------------------------------------------------------------------------------------

    def _notice(self, error: Exception) -> None:
        told = self.wire.error(error, "sending an order")
        if isinstance(told, Hopeless):
            self._hopeless(told)

    async def _measure_clock(self) -> None:
        try:
            await self.wire.measure_clock()
        except BrokerError:  # the clock stays as it was measured last; the next request tells
            self._doubt()


def _same(term: Any, told: Any) -> bool:
    return told is not None and float(term) == float(told)
