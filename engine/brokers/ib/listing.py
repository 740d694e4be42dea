"""A listed instrument's contract at IB, found and described by TWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ib_async import Contract, ContractDescription, ContractDetails

from engine.brokers.ib.amounts import amount
from engine.brokers.ib.contracts import called, naming_of
from engine.brokers.ib.link import Link
from engine.core.clock import Nanos
from engine.core.errors import BrokerError
from engine.domain.instrument import Instrument
from engine.domain.market import Symbol
from engine.market.contracts import Contract as Month
from engine.market.rolling import Rolling, rolling_of


@dataclass(frozen=True, slots=True)
class Listed:
    """A contract that can be asked for prices and dealt in. Quantities are in IB's unit, prices in the contract's currency.

    `smallest` and `step` of a quantity are None where TWS does not tell them (before server version 164); `expiry` is
    yyyymmdd or ""; `order_types` are IB's words.
    """

    instrument: Instrument
    contract: Contract
    name: str
    tick: Decimal
    smallest: Decimal | None
    step: Decimal | None
    expiry: str
    order_types: frozenset[str]

    @property
    def month(self) -> str:
        """The month of a future's contract, as in Z25; "" for what is none."""
        return _month_of(self.contract) if self.expiry else ""


async def find(link: Link, instrument: Instrument, month: str = "", *, is_past: bool = False) -> Listed:
    """The instrument's contract; of a future that of `month` ("Z25"), which may be over where it `is_past`. UserError for what IB
    does not have, BrokerError for what TWS knows nothing of, or more than one of, or in other ticks than ours."""
    wanted = _wanted(instrument, month)
    wanted.includeExpired = is_past
    what = f"{instrument.symbol}{month}"
    details = await link.ask(f"contract {what}", lambda: link.ib.reqContractDetailsAsync(wanted))
    fitting = [it for it in details if it.contract is not None and naming_of(instrument.symbol).fits(it.contract)]
    if not fitting:
        raise BrokerError(f"{link.name} has no contract that is {what}; look for it in TWS")
    if len(fitting) > 1:
        names = ", ".join(called(it.contract) for it in fitting if it.contract is not None)
        raise BrokerError(f"{what} is {len(fitting)} contracts at {link.name}: {names}; name the month, as in Z25")
    listed = _listed(link, instrument, fitting[0])
    listed.contract.includeExpired = is_past
    return listed


def month_for(link: Link, instrument: Instrument, months: Mapping[Symbol, str], at: Nanos, rolling: Rolling | None = None) -> str:
    """Which contract of a future is dealt in: the one named in `months`, else the one that is held, else the one in front by the
    calendar of `rolling`, the instrument's own where it is not given, at `at` (ns UTC). "" for what is no future; BrokerError
    where several are held."""
    naming = naming_of(instrument.symbol)
    if naming.kind != "FUT":
        return ""
    if instrument.symbol in months:
        return Month.of(months[instrument.symbol]).code
    held = held_months(link, instrument)
    if len(held) > 1:
        raise BrokerError(f"{instrument.symbol} is held in the months {', '.join(sorted(held))}; name the month to deal in")
    if held:
        return held.pop()
    rolling = rolling or rolling_of(instrument)
    return rolling.in_front(at).code if rolling is not None else ""


def held_months(link: Link, instrument: Instrument) -> set[str]:
    """The contracts of a future that are held at TWS."""
    naming = naming_of(instrument.symbol)
    return {_month_of(it.contract) for it in link.ib.positions() if it.position and naming.fits(it.contract)}


def _month_of(contract: Contract) -> str:
    """The month of a metal's future: it expires within it."""
    expiry = contract.lastTradeDateOrContractMonth
    return Month(int(expiry[:4]), int(expiry[4:6])).code if expiry[:6].isdigit() else contract.localSymbol


async def search(link: Link, pattern: str) -> list[ContractDescription]:
    """Contracts whose symbol or name is like the pattern, as TWS lists them."""
    found = await link.ask(f"contracts like {pattern}", lambda: link.ib.reqMatchingSymbolsAsync(pattern))
    if found is None:
        raise BrokerError(f"{link.name} did not tell contracts like {pattern}; try again")
    return found


def _wanted(instrument: Instrument, month: str) -> Contract:
    naming = naming_of(instrument.symbol)
    expiry = ""
    if month and naming.kind == "FUT":
        asked = Month.of(month)
        expiry = f"{asked.year}{asked.month:02d}"
    return Contract(
        secType=naming.kind,
        conId=naming.con_id,
        symbol=naming.symbol,
        lastTradeDateOrContractMonth=expiry,
        exchange=naming.exchange,
        currency=naming.currency,
    )


def _listed(link: Link, instrument: Instrument, details: ContractDetails) -> Listed:
    contract = details.contract
    tick = amount(details.minTick)
    if contract is None or not tick or tick % instrument.tick_size:
        grid = f"{instrument.symbol} is priced in {instrument.tick_size:f} here"
        raise BrokerError(f"{grid} and in {details.minTick} at {link.name}; change the instrument's tick")
    contract.exchange = naming_of(instrument.symbol).exchange
    return Listed(
        instrument=instrument,
        contract=contract,
        name=called(contract),
        tick=tick,
        smallest=amount(details.minSize) or None,
        step=amount(details.sizeIncrement) or None,
        expiry=contract.lastTradeDateOrContractMonth if contract.secType == "FUT" else "",
        order_types=frozenset(details.orderTypes.split(",")),
    )
