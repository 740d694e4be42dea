"""What can be traded at this broker: spot gold and silver, their futures at COMEX, and a currency pair."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from tests.peers.tws.codec import Fields

MONTH_CODES = "FGHJKMNQUVXZ"


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract and its terms. `price` is where it stands when the peer starts, `spread` how wide it is quoted then."""

    con_id: int
    symbol: str
    sec_type: str
    exchange: str
    listing: str
    local_symbol: str
    trading_class: str
    long_name: str
    tick: Decimal
    rule: int
    price: Decimal
    spread: Decimal
    margin: Decimal
    commission: Decimal
    minimum_commission: Decimal = Decimal(0)
    expiry: str = ""
    multiplier: int = 1
    currency: str = "USD"
    size_increment: Decimal = Decimal(1)

    @property
    def trades(self) -> bool:
        """Whether there are trades, or quotes only."""
        return self.sec_type in ("FUT", "CONTFUT")

    @property
    def wire(self) -> tuple[object, ...]:
        """The eleven fields with which the server names a contract."""
        return self.wire_at(self.exchange)

    def wire_at(self, exchange: str) -> tuple[object, ...]:
        """The eleven fields with another exchange, or none."""
        head = (self.con_id, self.symbol, self.sec_type, self.expiry, 0, "", self.multiplier if self.trades else "")
        return (*head, exchange, self.currency, self.local_symbol, self.trading_class)

    def fee(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Commission in the contract's currency: per lot for futures, else a part of the notional."""
        if self.trades:
            return quantity * self.commission
        return max(self.minimum_commission, (quantity * price * self.commission).quantize(Decimal("0.0001")))

    def worth(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Notional in the contract's currency."""
        return quantity * price * self.multiplier


@dataclass(frozen=True, slots=True)
class Asked:
    """A contract as a client described it; empty fields may be anything."""

    con_id: int
    symbol: str
    sec_type: str
    expiry: str
    exchange: str
    currency: str
    local_symbol: str
    trading_class: str
    expired: bool = False

    def fits(self, contract: Contract) -> bool:
        """Whether the contract is one of those meant."""
        if self.con_id:
            return self.con_id == contract.con_id and self.exchange in ("", "SMART", contract.exchange, contract.listing)
        wanted = (
            (self.symbol, contract.symbol),
            (self.sec_type, contract.sec_type),
            (self.currency, contract.currency),
            (self.local_symbol, contract.local_symbol),
            (self.trading_class, contract.trading_class),
        )
        if any(asked and asked != own for asked, own in wanted):
            return False
        venues = (
            ("", contract.exchange, contract.listing) if contract.trades else ("", "SMART", contract.exchange, contract.listing)
        )
        return self.exchange in venues and contract.expiry.startswith(self.expiry)


def read_contract(fields: Fields) -> Asked:
    """The twelve fields with which a client names a contract; whether an expired one may be meant comes after them."""
    con_id, symbol, sec_type, expiry = fields.integer(), fields.text(), fields.text(), fields.text()
    fields.skip(3)
    exchange = fields.text()
    fields.skip(1)
    return Asked(con_id, symbol, sec_type, expiry, exchange, fields.text(), fields.text(), fields.text())


class Catalogue:
    """All contracts, with futures that are not yet expired on `today`; `past` are those of the year before, which are given to
    who asks for expired ones."""

    def __init__(self, today: date) -> None:
        futures = [*_futures("GC", 100, "2.47", today), *_futures("MGC", 10, "0.97", today)]
        before = today - timedelta(days=365)
        earlier = [*_futures("GC", 100, "2.47", before), *_futures("MGC", 10, "0.97", before)]
        self.past = [replace(it, price=it.price - 120) for it in earlier if it.expiry < f"{today:%Y%m%d}"]
        self.all: list[Contract] = [*SPOT, *futures]
        self.continuous = [_continuous(futures, symbol) for symbol in ("GC", "MGC")]

    def find(self, asked: Asked) -> list[Contract]:
        """Every contract that fits; a continuous future is only given when it is asked for."""
        pool = self.continuous if asked.sec_type == "CONTFUT" else [*self.all, *(self.past if asked.expired else ())]
        return [contract for contract in pool if asked.fits(contract)]

    def one(self, asked: Asked) -> Contract | None:
        """The contract meant, or None when there is none or more than one."""
        found = self.find(asked)
        return found[0] if len(found) == 1 else None

    def named(self, name: str | int) -> Contract:
        """By conId, local symbol, or symbol (the nearest future). Raises KeyError."""
        for contract in self.all:
            if name in (contract.con_id, contract.local_symbol, contract.local_symbol.replace(".", ""), contract.symbol):
                return contract
        raise KeyError(name)

    def like(self, pattern: str) -> list[Contract]:
        """One contract a symbol, for those whose symbol or name has the pattern in it."""
        wanted = pattern.upper()
        first = {contract.symbol: contract for contract in reversed(self.all)}
        return [it for it in first.values() if it.symbol.startswith(wanted) or wanted in it.long_name.upper()]


def _spot(con_id: int, symbol: str, name: str, terms: str, rule: int) -> Contract:
    """`terms`: tick, price, spread, margin rate, commission rate, least commission."""
    tick, price, spread, margin, commission, least = (Decimal(term) for term in terms.split())
    head = (con_id, symbol, "CMDTY", "SMART", "IBCMDTY", symbol, symbol, name)
    return Contract(*head, tick, rule, price, spread, margin, commission, least)


EURUSD = replace(
    _spot(12087792, "EUR", "European Monetary Union Euro", "0.00005 1.1 0.0001 0.03 0.00002 2", rule=239),
    sec_type="CASH",
    exchange="IDEALPRO",
    listing="IDEALPRO",
    local_symbol="EUR.USD",
    trading_class="EUR.USD",
)
SPOT = (
    _spot(69067924, "XAUUSD", "London Gold", "0.01 4000 0.30 0.05 0.000015 2", rule=26),
    _spot(77124483, "XAGUSD", "London Silver", "0.001 50 0.02 0.07 0.000015 2", rule=28),
    EURUSD,
)

RULES = {26: Decimal("0.01"), 28: Decimal("0.001"), 32: Decimal("0.1"), 239: Decimal("0.00005")}
"""Market rules: the tick size, at any price."""


def _futures(symbol: str, multiplier: int, commission: str, today: date) -> Iterable[Contract]:
    """The next six contracts of the even months."""
    month = date(today.year, today.month, 1)
    made = 0
    while made < 6:
        expiry = _third_last_business_day(month)
        if month.month % 2 == 0 and expiry >= today:
            yield _future(symbol, multiplier, commission, month, expiry, made)
            made += 1
        month = (month + timedelta(days=32)).replace(day=1)


def _future(symbol: str, multiplier: int, commission: str, month: date, expiry: date, number: int) -> Contract:
    local = f"{symbol}{MONTH_CODES[month.month - 1]}{month.year % 10}"
    con_id = (500_000_000 if symbol == "GC" else 600_000_000) + month.year * 100 + month.month
    price = Decimal("4010") + 20 * number
    terms = (Decimal("0.1"), 32, price, Decimal("0.2"), Decimal("0.06"), Decimal(commission))
    name = "Gold" if symbol == "GC" else "E-Micro Gold"
    head = (con_id, symbol, "FUT", "COMEX", "COMEX", local, symbol, name)
    return Contract(*head, *terms, expiry=f"{expiry:%Y%m%d}", multiplier=multiplier)


def _continuous(futures: list[Contract], symbol: str) -> Contract:
    front = next(it for it in futures if it.symbol == symbol)
    return replace(front, sec_type="CONTFUT")


def _third_last_business_day(month: date) -> date:
    day = (month + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    left = 3
    while True:
        left -= day.weekday() < 5
        if left == 0:
            return day
        day -= timedelta(days=1)
