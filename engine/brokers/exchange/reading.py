"""The library's orders, trades and balances as ours; every number from the text the exchange wrote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from engine.core.errors import BrokerError
from engine.domain.instrument import INSTRUMENTS
from engine.domain.market import Symbol
from engine.ports.venue import VenueCash, VenueExecution, VenueOrder

Answer = Mapping[str, Any]


class Reader:
    """Reads for one account. `names` are our symbols by the library's; what is not among them has none of ours."""

    def __init__(self, where: str, account: str, markets: Mapping[str, Any], names: Mapping[str, Symbol]) -> None:
        self._where = where
        self._account = account
        self._markets = markets
        self._names = names

    def cash(self, answer: Answer) -> tuple[VenueCash, ...]:
        """Every coin of which there is any, by name."""
        totals, free = answer.get("total") or {}, answer.get("free") or {}
        found = (VenueCash(self._account, coin, self._number(totals, coin), self._number(free, coin)) for coin in sorted(totals))
        return tuple(each for each in found if each.total)

    def orders(self, answers: Iterable[Answer]) -> tuple[VenueOrder, ...]:
        return tuple(self._order(each) for each in answers)

    def executions(self, answers: Iterable[Answer], own_ids: Mapping[str, str]) -> tuple[VenueExecution, ...]:
        """The fills by time; `own_ids` are our ids by the exchange's, where it tells them."""
        fills = [self._execution(each, own_ids) for each in answers]
        return tuple(sorted(fills, key=lambda it: (it.at, it.execution_id)))

    def _order(self, it: Answer) -> VenueOrder:
        return VenueOrder(
            self._account,
            self._contract(it),
            self._names.get(it["symbol"]),
            it.get("clientOrderId") or "",
            self._text(it, "id"),
            self._text(it, "side"),
            _own_word(it, "type"),
            self._number(it, "amount"),
            self._number(it, "filled"),
            _price(it, "price"),
            _price(it, "triggerPrice"),
            _own_word(it, "status"),
        )

    def _execution(self, it: Answer, own_ids: Mapping[str, str]) -> VenueExecution:
        fee, order = it.get("fee") or {}, it.get("order") or ""
        return VenueExecution(
            self._account,
            self._contract(it),
            self._names.get(it["symbol"]),
            self._text(it, "id"),
            own_ids.get(order, ""),
            order,
            self._text(it, "side"),
            self._number(it, "amount"),
            self._number(it, "price"),
            int(self._number(it, "timestamp")) * 1_000_000,
            None if fee.get("cost") is None else self._number(fee, "cost"),
            fee.get("currency") or "",
        )

    def _contract(self, it: Answer) -> str:
        symbol = self._text(it, "symbol")
        market = self._markets.get(symbol)
        return str(market["id"]) if market else symbol

    def _text(self, it: Answer, name: str) -> str:
        if not it.get(name):
            raise BrokerError(f"{self._where} told something without its {name}; nothing was taken from the answer, try again")
        return str(it[name])

    def _number(self, it: Answer, name: str) -> Decimal:
        try:
            value = Decimal(str(it.get(name)))
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite():
            raise BrokerError(f"{self._where} told {name} as {it.get(name)!r}; nothing was taken from the answer, try again")
        return value


def own_ids(orders: Iterable[Answer]) -> dict[str, str]:
    """Our ids of orders by the exchange's."""
    return {each["id"]: each["clientOrderId"] for each in orders if each.get("id") and each.get("clientOrderId")}


def our_names(markets: Mapping[str, Any]) -> dict[str, Symbol]:
    """Our symbols by the library's: spot markets that are listed under base and quote joined, counted in the coin itself."""
    return dict(_our_names(markets))


def _our_names(markets: Mapping[str, Any]) -> Iterator[tuple[str, Symbol]]:
    spot = {f"{it['base']}{it['quote']}": name for name, it in markets.items() if it.get("spot")}
    for symbol, instrument in INSTRUMENTS.items():
        if symbol in spot and instrument.contract_size == 1:
            yield spot[symbol], symbol


def _own_word(it: Answer, name: str) -> str:
    """The exchange's own word for it where it gives one, else the library's."""
    own = it["info"].get(name) if isinstance(it.get("info"), dict) else None
    return str(own or it.get(name) or "")


def _price(it: Answer, name: str) -> Decimal | None:
    """A price; None where there is none, which some write as zero."""
    return Decimal(str(it[name])) or None if it.get(name) is not None else None
