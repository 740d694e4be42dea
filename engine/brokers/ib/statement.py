"""What TWS told of accounts, as the port's values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from ib_async import AccountValue, Fill, Position, Trade

from engine.brokers.ib.amounts import amount, moment, told
from engine.brokers.ib.contracts import called, multiplier, symbol_of
from engine.core.errors import BrokerError
from engine.ports.venue import VenueCash, VenueExecution, VenueOrder, VenuePosition

SIDES: Mapping[str, str] = {"BUY": "buy", "SELL": "sell", "SSHORT": "sell", "BOT": "buy", "SLD": "sell"}
ORDER_TYPE_FROM_IB: Mapping[str, str] = {
    "MKT": "market",
    "LMT": "limit",
    "STP": "stop",
    "STP LMT": "stop_limit",
    "TRAIL": "trailing_stop",
    "TRAIL LIMIT": "trailing_stop_limit",
    "MIT": "market_if_touched",
    "LIT": "limit_if_touched",
}
HAS_LIMIT = frozenset({"LMT", "STP LMT", "TRAIL LIMIT", "LIT"})
HAS_STOP = frozenset({"STP", "STP LMT", "MIT", "LIT"})
TRAILS = frozenset({"TRAIL", "TRAIL LIMIT"})
DONE = frozenset({"Filled", "Cancelled", "ApiCancelled"})
CASH_TAGS = ("CashBalance", "TotalCashBalance", "TotalCashValue")
"""Where an account's cash stands, the first that there is; by currency, and in BASE what all is worth in the account's own."""


def cash(account: str, values: Iterable[AccountValue]) -> tuple[VenueCash, ...]:
    """Cash in each currency. What margin holds back is told of the account's own currency only; other cash counts as free."""
    known = {(it.tag, it.currency): it.value for it in values if it.account == account and not it.modelCode}
    if known.get(("AccountReady", ""), "true") == "false":
        raise BrokerError(f"TWS has not loaded account {account} yet; wait a minute, then try again")
    tag = next((tag for tag in CASH_TAGS if any(each == tag for each, _ in known)), None)
    if tag is None:
        raise BrokerError(f"TWS told no cash of account {account}; look at it in TWS")
    return tuple(
        _cash(account, currency, value, known) for (each, currency), value in known.items() if each == tag and currency != "BASE"
    )


def _cash(account: str, currency: str, value: str, known: Mapping[tuple[str, str], str]) -> VenueCash:
    total = told(value, f"cash of account {account}")
    free = amount(known.get(("AvailableFunds", currency), value))
    return VenueCash(account, currency, total, total if free is None else min(total, free))


def positions(held: Iterable[Position], accounts: Iterable[str]) -> tuple[VenuePosition, ...]:
    """What is held now: of several reports about a contract the last."""
    wanted = set(accounts)
    last = {(it.account, it.contract.conId): it for it in held if it.account in wanted}
    return tuple(_position(it) for it in last.values() if it.position)


def _position(held: Position) -> VenuePosition:
    contract = held.contract
    quantity = told(held.position, f"position in {called(contract)}")
    cost = amount(held.avgCost)
    average = None if cost is None else cost / multiplier(contract)
    return VenuePosition(held.account, called(contract), symbol_of(contract), quantity, average)


def orders(trades: Iterable[Trade], accounts: Iterable[str]) -> tuple[VenueOrder, ...]:
    """Orders that work, whoever sent them; one that was told twice counts once, one that ended meanwhile not at all."""
    wanted = set(accounts)
    working = (it for it in trades if it.order.account in wanted and it.orderStatus.status not in DONE)
    last = {it.order.permId or id(it): it for it in working}
    return tuple(_order(it) for it in last.values())


ENDINGS: Mapping[str, str] = {
    "Filled": "filled",
    "Cancelled": "cancelled",
    "ApiCancelled": "cancelled",
    "Inactive": "rejected",
}
"""How an order ended, in the port's words."""


def ended_orders(trades: Iterable[Trade]) -> tuple[VenueOrder, ...]:
    """Orders that do not work any more, with how they ended."""
    return tuple(_ended(it) for it in trades if it.orderStatus.status in ENDINGS)


def _ended(trade: Trade) -> VenueOrder:
    order, filled = trade.order, amount(trade.order.filledQuantity) or Decimal(0)
    # An order that has ended may be told with a quantity of 0 beside what was filled of it.
    whole = max(told(order.totalQuantity, f"quantity of order {order.permId}"), filled)
    return replace(_order(trade), quantity=whole, filled=filled, status=ENDINGS[trade.orderStatus.status])


def _order(trade: Trade) -> VenueOrder:
    order, kind = trade.order, trade.order.orderType
    stop = order.auxPrice if kind in HAS_STOP else order.trailStopPrice if kind in TRAILS else None
    return VenueOrder(
        account=order.account,
        contract=called(trade.contract),
        symbol=symbol_of(trade.contract),
        client_order_id=order.orderRef,
        broker_order_id=str(order.permId),
        side=SIDES.get(order.action, order.action.lower()),
        type=ORDER_TYPE_FROM_IB.get(kind, kind.lower()),
        quantity=told(order.totalQuantity, f"quantity of order {order.permId}"),
        filled=told(trade.orderStatus.filled, f"filled quantity of order {order.permId}"),
        limit=_price(order.lmtPrice) if kind in HAS_LIMIT else None,
        stop=_price(stop),
        status=trade.orderStatus.status,
        tif=order.tif,
    )


def _price(price: float | Decimal | None) -> Decimal | None:
    return None if price is None else amount(price)


def executions(fills: Iterable[Fill], accounts: Iterable[str]) -> tuple[VenueExecution, ...]:
    """Fills in the order of their time, each execution once: a correction (.02) stands in the place of what it corrects (.01)."""
    wanted = set(accounts)
    newest: dict[str, Fill] = {}
    for fill in fills:
        if fill.execution.acctNumber in wanted:
            base, _ = identity(fill.execution.execId)
            known = newest.get(base)
            if known is None or identity(known.execution.execId) <= identity(fill.execution.execId):
                newest[base] = fill
    return tuple(sorted(_executions(newest.values()), key=lambda it: it.at))


def identity(execution_id: str) -> tuple[str, int]:
    """What an execution and its corrections have in common, and the number of the correction."""
    base, _, revision = execution_id.rpartition(".")
    return (base, int(revision)) if base and revision.isdigit() else (execution_id, 0)


def _executions(fills: Iterable[Fill]) -> Iterator[VenueExecution]:
    for contract, execution, report, _ in fills:
        charge = amount(report.commission) if report.execId else None
        yield VenueExecution(
            account=execution.acctNumber,
            contract=called(contract),
            symbol=symbol_of(contract),
            execution_id=execution.execId,
            client_order_id=execution.orderRef,
            broker_order_id=str(execution.permId),
            side=SIDES.get(execution.side, execution.side.lower()),
            quantity=told(execution.shares, f"quantity of execution {execution.execId}"),
            price=told(execution.price, f"price of execution {execution.execId}"),
            at=moment(execution.time),
            commission=charge,
            commission_currency=report.currency if charge is not None else "",
        )
