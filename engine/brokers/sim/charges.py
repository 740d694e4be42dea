"""What the venue charges: commissions by its price list, and holding over night."""

from __future__ import annotations

from collections.abc import Mapping

from engine.brokers.sim.venues import VenueTerms
from engine.domain import facts as f
from engine.domain.instrument import Cash, Instrument, Steps
from engine.domain.market import Symbol, Ticks
from engine.domain.order import ClientOrderId, Order
from engine.rules import costs


class Charges:
    """Remembers what each order was charged, so that a least commission is paid once an order."""

    def __init__(self, instruments: Mapping[Symbol, Instrument], venue: VenueTerms) -> None:
        self._instruments = instruments
        self._venue = venue
        self._paid: dict[ClientOrderId, tuple[Cash, Cash]] = {}
        """What the executions of an order cost each by itself, and what they were charged."""

    def commission(self, order: Order, price: Ticks, quantity: Steps, is_maker: bool) -> Cash:
        """What this execution is charged."""
        own, ppm = self._own(order.symbol, price, quantity, is_maker)
        if not self._venue.least or not ppm:
            return own
        before, charged = self._paid.get(order.id, (0, 0))
        return costs.topped_up(own, before, charged, self._venue.least)

    def note(self, fill: f.OrderFilled, is_maker: bool) -> None:
        """An execution, just made or recalled."""
        if self._venue.least:
            own, _ = self._own(fill.symbol, fill.price, fill.quantity, is_maker)
            before, charged = self._paid.get(fill.order, (0, 0))
            self._paid[fill.order] = before + own, charged + fill.commission

    def financing(self, symbol: Symbol, quantity: Steps, weekday: int) -> tuple[int, Cash]:
        """Nights, and the charge for holding the signed `quantity` over them."""
        instrument = self._instruments[symbol]
        nights = costs.nights(weekday, -1 if instrument.triple_night is None else instrument.triple_night)
        if not self._venue.financing:
            return nights, 0
        return nights, costs.financing(quantity, instrument.financing_long, instrument.financing_short, nights)

    def _own(self, symbol: Symbol, price: Ticks, quantity: Steps, is_maker: bool) -> tuple[Cash, int]:
        instrument, venue = self._instruments[symbol], self._venue
        rate = venue.maker_ppm if is_maker else venue.taker_ppm
        per_step, ppm = (instrument.commission, instrument.commission_ppm) if rate is None else (0, rate)
        return costs.commission(price, quantity, instrument.tick_value, per_step, ppm), ppm
