"""Which of IB's contracts is which of our instruments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ib_async import Contract

from engine.core.errors import UserError
from engine.domain.instrument import Instrument
from engine.domain.market import Symbol


@dataclass(frozen=True, slots=True)
class Naming:
    """How IB names an instrument. `counts_units`: IB counts ounces or euros where we count lots; else contracts, as we do.

    `con_id` is 0 where there is more than one contract (futures), or where the rest of the name is enough.
    """

    kind: str
    symbol: str
    exchange: str
    currency: str = "USD"
    con_id: int = 0
    counts_units: bool = True

    def fits(self, contract: Contract) -> bool:
        """Whether the contract, as TWS tells it, is one of these; positions come without an exchange."""
        if self.con_id:
            return contract.conId == self.con_id
        return (
            (contract.secType, contract.symbol, contract.currency) == (self.kind, self.symbol, self.currency)
            and contract.exchange in ("", "SMART", self.exchange)
            and contract.tradingClass in ("", self.symbol, contract.localSymbol)
        )


NAMINGS: Mapping[Symbol, Naming] = {
    "XAUUSD": Naming("CMDTY", "XAUUSD", "SMART", con_id=69067924),
    "XAGUSD": Naming("CMDTY", "XAGUSD", "SMART", con_id=77124483),
    "GC": Naming("FUT", "GC", "COMEX", counts_units=False),
    "MGC": Naming("FUT", "MGC", "COMEX", counts_units=False),
    "EURUSD": Naming("CASH", "EUR", "IDEALPRO"),
}
"""Our symbols at IB. GC and MGC are every contract month; which one is in `called`."""


def symbol_of(contract: Contract) -> Symbol | None:
    """Our symbol of the contract, None where no listed instrument is this contract."""
    return next((symbol for symbol, naming in NAMINGS.items() if naming.fits(contract)), None)


def called(contract: Contract) -> str:
    """What IB calls the contract: GCZ5, EUR.USD, XAUUSD."""
    return contract.localSymbol or contract.symbol or str(contract.conId)


def naming_of(symbol: Symbol) -> Naming:
    """How IB names our symbol; UserError names those it has."""
    naming = NAMINGS.get(symbol)
    if naming is None:
        raise UserError(f"{symbol} is not traded through Interactive Brokers here; use one of {', '.join(NAMINGS)}")
    return naming


def is_future(symbol: Symbol) -> bool:
    """Whether it is dealt in contracts of several months there."""
    return symbol in NAMINGS and NAMINGS[symbol].kind == "FUT"


def lots(symbol: Symbol, instrument: Instrument, quantity: Decimal) -> Decimal:
    """A quantity in IB's unit as lots of the instrument."""
    return quantity / instrument.contract_size if naming_of(symbol).counts_units else quantity


def lot_steps(instrument: Instrument, size: float) -> int:
    """A size in IB's unit as whole lot steps; what is left over counts for nothing."""
    return int(lots(instrument.symbol, instrument, Decimal(str(size))) / instrument.lot_step)


def multiplier(contract: Contract) -> Decimal:
    """Units in one of the contract; 1 where IB counts units."""
    return Decimal(contract.multiplier) if contract.multiplier else Decimal(1)
