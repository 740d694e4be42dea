"""A venue rebuilt from its facts goes on like the one that never stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.brokers.sim.broker import SimBroker, SimTerms
from engine.brokers.sim.venues import VENUES
from engine.domain import facts as f
from engine.domain.market import Quote
from engine.domain.order import Order, OrderType, Role, Side, TimeInForce, terms
from tests.engine.rig import GOLD

PRICES = st.integers(900, 1_100)
SIDES = st.sampled_from(list(Side))
BRACKETS = st.tuples(
    st.just("bracket"),
    SIDES,
    st.sampled_from(list(OrderType)),
    st.integers(1, 20),
    PRICES,
    PRICES,
    PRICES,
    st.sampled_from(list(TimeInForce)),
)
CLOSES = st.tuples(st.just("close"), SIDES, st.sampled_from(list(OrderType)), st.integers(1, 20), PRICES)
CANCELS = st.tuples(st.just("cancel"), st.integers(0, 40))
CHANGES = st.tuples(st.just("modify"), st.integers(0, 40), st.integers(1, 25), PRICES)
SIZES = st.integers(0, 12)
QUOTES = st.tuples(st.just("quote"), PRICES, st.integers(0, 30), st.booleans(), SIZES, SIZES)
TIMES = st.tuples(st.just("time"), st.integers(1, 50))
ROLLS = st.tuples(st.just("roll"), st.integers(0, 6))
FLOW = st.lists(st.one_of(BRACKETS, CLOSES, CANCELS, CHANGES, QUOTES, QUOTES, QUOTES, TIMES, ROLLS), max_size=40)
TERMS = st.sampled_from(
    [
        SimTerms(),
        SimTerms(0, 0, 3),
        SimTerms(1, 2, 0),
        SimTerms(0, 1, 4),
        SimTerms(sizes=True),
        SimTerms(0, sizes=True, queue="trades", venue=VENUES["ib"]),
        SimTerms(1, sizes=True, queue="sizes", venue=VENUES["okx"]),
        SimTerms(0, latency=4),
        SimTerms(0, 0, 5, sizes=True, queue="sizes", latency=7),
        SimTerms(0, 0, 5, sizes=True, queue="trades", at_once=True),
        SimTerms(0, 0, 0, sizes=True, latency=3, at_once=True),
    ]
)


class Venue:
    """A broker, with everything that happened to it in the order of a journal."""

    def __init__(self, given: SimTerms) -> None:
        self.journal: list[tuple[int, f.Fact | Quote]] = []
        self.said: list[f.Fact] = []
        self.names: list[str] = []
        self.orders: dict[str, Order] = {}
        self.number = 0
        self.at = 0
        self.broker = SimBroker({"XAUUSD": GOLD}, given, self._hear, lambda: self.at)

    def _note(self, *happened: f.Fact | Quote) -> None:
        self.journal += [(self.at, each) for each in happened]

    def recall(self, journal: list[tuple[int, f.Fact | Quote]]) -> None:
        for self.at, happened in journal:
            if isinstance(happened, Quote):
                self.broker.mark(happened)
            else:
                self.broker.apply(happened)

    def _hear(self, report: Any) -> None:
        self._note(report.fact)
        self.said.append(report.fact)

    def submit(self, order: Order) -> None:
        self._note(f.OrderIntended(**terms(order)), f.OrderSent(order.id))
        self.names.append(order.id)
        self.orders[order.id] = order
        self.broker.submit(order)

    def do(self, what: tuple[Any, ...]) -> None:
        match what:
            case "bracket", side, type_, quantity, price, stop, target, tif:
                self._bracket(side, type_, quantity, price, stop, target, tif)
            case "close", side, type_, quantity, price:
                self.submit(_order(self._name(), side, type_, quantity, Role.CLOSE, price)._replace(reduce_only=True))
            case "cancel", number:
                self._known(number, self._cancel)
            case "modify", number, quantity, price:
                self._known(number, lambda name: self._modify(name, quantity, price))
            case "quote", bid, spread, path, bid_size, ask_size:
                self.at += 1
                quote = Quote("XAUUSD", self.at, bid, bid + spread, path, bid_size, ask_size)
                self._note(quote)
                self.broker.on_market(quote)
            case "time", ahead:
                self.at += ahead
                self.broker.on_time(self.at)
            case "roll", weekday:
                self.broker.on_roll()
                self.broker.on_night(weekday, ["XAUUSD"])

    def _name(self) -> str:
        self.number += 1
        return f"n{self.number}"

    def _known(self, number: int, action: Any) -> None:
        if number < len(self.names):
            action(self.names[number])

    def _modify(self, name: str, quantity: int, price: int) -> None:
        order = self.orders[name]
        if order.type is not OrderType.MARKET:
            limit, stop = PRICED[order.type](price, order.side.sign)
            self._note(f.ModifyRequested(name, quantity, limit, stop))
            self.broker.modify(name, quantity, limit, stop)

    def _cancel(self, name: str) -> None:
        self._note(f.CancelRequested(name, "asked"))
        self.broker.cancel(name)

    def _bracket(self, side: Side, type_: OrderType, quantity: int, price: int, stop: int, target: int, tif: TimeInForce) -> None:
        name = self._name()
        expires = self.at + 25 if tif is TimeInForce.GTD else None
        self.submit(_order(name, side, type_, quantity, Role.ENTRY, price)._replace(tif=tif, expires=expires))
        legs = {"parent": name, "oco": f"{name}-oco", "reduce_only": True}
        guard = OrderType.TRAILING if stop % 3 == 0 else OrderType.STOP
        self.submit(_order(f"{name}-stop", side.opposite, guard, quantity, Role.STOP, stop)._replace(**legs))
        self.submit(_order(f"{name}-target", side.opposite, OrderType.LIMIT, quantity, Role.TARGET, target)._replace(**legs))


def _order(name: str, side: Side, type_: OrderType, quantity: int, role: Role, price: int) -> Order:
    """A stop-limit order gives way by 15 ticks; a trailing stop of an even quantity begins at its distance from the market."""
    limit, stop = PRICED[type_](price, side.sign)
    if type_ is not OrderType.TRAILING:
        return Order(name, "XAUUSD", side, type_, quantity, role, limit, stop)
    begins = None if quantity % 2 == 0 else stop
    return Order(name, "XAUUSD", side, type_, quantity, role, limit, begins, trail=5 + quantity)


PRICED: dict[OrderType, Callable[[int, int], tuple[int | None, int | None]]] = {
    OrderType.MARKET: lambda price, sign: (None, None),
    OrderType.LIMIT: lambda price, sign: (price, None),
    OrderType.STOP: lambda price, sign: (None, price),
    OrderType.STOP_LIMIT: lambda price, sign: (price + 15 * sign, price),
    OrderType.TRAILING: lambda price, sign: (None, price),
}


@settings(max_examples=200)
@given(FLOW, st.data(), TERMS)
def test_a_venue_cut_anywhere_and_restored_says_the_same(
    flow: list[tuple[Any, ...]], data: st.DataObject, given: SimTerms
) -> None:
    cut = data.draw(st.integers(0, len(flow)), label="cut")
    live, restored = Venue(given), Venue(given)
    for what in flow[:cut]:
        live.do(what)
    restored.recall(live.journal)
    restored.at, restored.names, restored.number, restored.orders = live.at, list(live.names), live.number, dict(live.orders)
    live.said.clear()
    for what in flow[cut:]:
        live.do(what)
        restored.do(what)
    assert restored.said == live.said


@settings(max_examples=200)
@given(FLOW, TERMS)
def test_whatever_is_asked_the_venue_keeps_its_promises(flow: list[tuple[Any, ...]], given: SimTerms) -> None:
    venue = Venue(given)
    position = 0
    for what in flow:
        before, said = position, len(venue.said)
        venue.do(what)
        for fact in venue.said[said:]:
            if not isinstance(fact, f.OrderFilled):
                continue
            order = venue.broker._book[fact.order]
            signed = fact.quantity if fact.side == "buy" else -fact.quantity
            assert fact.quantity > 0
            assert not given.fill_steps or fact.quantity <= given.fill_steps
            if order.reduce_only:
                assert abs(position + signed) == abs(position) - fact.quantity
            position += signed
        assert venue.broker._position.get("XAUUSD", 0) == position
        if what[0] != "quote" and not given.at_once:
            assert position == before
        assert given.venue.shorts or position >= 0
    for order in venue.broker._book.orders.values():
        assert order.filled <= order.quantity
        if order.parent:
            group = [venue.broker._book[name] for name in venue.broker._book.group(order)]
            assert sum(leg.filled for leg in group) <= venue.broker._book[order.parent].filled
