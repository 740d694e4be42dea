"""What the server says about everything but orders, field by field."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from tests.peers.tws.accounts import Account, Position
from tests.peers.tws.codec import UNSET_NUMBER, Message
from tests.peers.tws.contracts import RULES, Contract
from tests.peers.tws.hours import NEW_YORK, ZONE_NAME, schedule
from tests.peers.tws.path import Bar

ORDER_TYPES = "ACTIVETIM,AD,ALERT,DAY,GTC,GTD,IOC,LMT,MKT,OCA,STP,STPLMT,TRAIL,WHATIF"
NO_VOLUME = -1
"""What stands for volume, average and count where nothing trades."""
CENT = Decimal("0.01")


def error(version: int, request: int, code: int, text: str, detail: str = "") -> Message:
    """`request` is a request id, an order id, or -1."""
    return Message("error", (2, request, code, text, detail) if version >= 166 else (2, request, code, text))


def contract_details(version: int, request: int, contract: Contract, now: datetime) -> Message:
    old = version < 164
    head = ([8] if old else []) + [request, contract.symbol, contract.sec_type, contract.expiry, 0, "", contract.exchange]
    named = [contract.currency, contract.local_symbol, contract.symbol, contract.trading_class, contract.con_id, contract.tick]
    venues = contract.listing if contract.trades else f"SMART,{contract.listing}"
    terms = [contract.multiplier if contract.trades else "", ORDER_TYPES, venues, 1, 0, contract.long_name, contract.listing]
    kind = [contract.expiry[:6], "", "", "", ZONE_NAME, schedule(now), schedule(now, contract.trades), "", 0, 0]
    group = [1, contract.symbol if contract.trades else "", "IND" if contract.trades else "", contract.rule, contract.expiry, ""]
    sizes = [] if version < 163 else [100] if version == 163 else [contract.size_increment, contract.size_increment, 100]
    return Message("contractDetails", (*head, *named, *([100] if old else []), *terms, *kind, *group, *sizes))


def symbol_samples(version: int, request: int, found: Iterable[Contract]) -> Message:
    fields: list[object] = []
    samples = list(found)
    for it in samples:
        fields += [it.con_id, it.symbol, it.sec_type, it.listing, it.currency, 0]
        fields += [it.long_name, ""] if version >= 176 else []
    return Message("symbolSamples", (request, len(samples), *fields))


def market_rule(rule: int) -> Message:
    return Message("marketRule", (rule, 1, 0, RULES[rule]))


def position(account: Account, held: Position) -> Message:
    return Message("position", (3, account.name, *held.contract.wire_at(""), held.quantity, rounded(held.cost)))


def portfolio(account: Account, held: Position) -> Message:
    contract, mark = held.contract, account.mark(held.contract)
    named = (contract.con_id, contract.symbol, contract.sec_type, contract.expiry, 0, "", contract.multiplier, contract.listing)
    worth = contract.worth(held.quantity, mark)
    figures = (held.quantity, mark, worth, rounded(held.cost), held.unrealized(mark).quantize(CENT), held.realized.quantize(CENT))
    return Message(
        "updatePortfolio", (8, *named, contract.currency, contract.local_symbol, contract.trading_class, *figures, account.name)
    )


def pnl(request: int, account: Account) -> Message:
    open_profit, realized = account.unrealized, account.realized
    return Message("pnl", (request, rounded(open_profit + realized), rounded(open_profit), rounded(realized)))


def pnl_single(request: int, account: Account, contract: Contract) -> Message:
    held = account.positions.get(contract.con_id)
    if held is None or not held.quantity:
        return Message("pnlSingle", (request, 0, *[UNSET_NUMBER] * 4))
    mark = account.mark(contract)
    open_profit, worth = held.unrealized(mark), contract.worth(held.quantity, mark)
    figures = (rounded(open_profit + held.realized), rounded(open_profit), rounded(held.realized), worth)
    return Message("pnlSingle", (request, held.quantity, *figures))


def historical_data(
    request: int, bars: list[Bar], span: tuple[str, str], format_date: int, daily: bool, shift: Decimal
) -> Message:
    """`shift` is added to each mid price: half a spread for asks, less half a spread for bids."""
    fields: list[object] = []
    for bar in bars:
        fields += [
            bar_date(bar.start, format_date, daily),
            *(it + shift for it in (bar.open, bar.high, bar.low, bar.close)),
            *volume_of(bar),
        ]
    return Message("historicalData", (request, *span, len(bars), *fields))


def historical_update(request: int, bar: Bar, format_date: int, daily: bool, shift: Decimal) -> Message:
    volume, average, count = volume_of(bar)
    prices = (it + shift for it in (bar.open, bar.close, bar.high, bar.low))
    return Message("historicalDataUpdate", (request, count, bar_date(bar.start, format_date, daily), *prices, average, volume))


def volume_of(bar: Bar) -> tuple[object, object, object]:
    """Volume, average and count as bars have them."""
    if not bar.volume:
        return NO_VOLUME, NO_VOLUME, NO_VOLUME
    return bar.volume, rounded((bar.high + bar.low + bar.close) / 3), bar.count


def bar_date(start: int, format_date: int, daily: bool) -> str:
    """A bar's date: New York's time with the zone's name, or seconds; for a day the date on which its session ends."""
    local = datetime.fromtimestamp(start, NEW_YORK)
    if daily:
        return f"{datetime.fromtimestamp(start + 43_200, NEW_YORK):%Y%m%d}"
    return str(start) if format_date == 2 else f"{local:%Y%m%d %H:%M:%S} {ZONE_NAME}"


def rounded(value: Decimal) -> Decimal:
    """To six places, as averages are sent."""
    return value.quantize(Decimal("0.000001"))
