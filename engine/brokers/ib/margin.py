"""What an order would do to margin, asked of TWS without sending it."""

from __future__ import annotations

import asyncio
import copy
from decimal import Decimal
from typing import Any

from ib_async import Contract, OrderState
from ib_async import Order as IbOrder

from engine.brokers.ib import codes
from engine.brokers.ib.amounts import amount
from engine.brokers.ib.link import Link
from engine.core.errors import BrokerError
from engine.domain.margin import Margin


async def margin_of(link: Link, contract: Contract, order: IbOrder, what: str) -> Margin:
    """The order's margin; BrokerError with TWS's reason where it would be refused. `what` names it in sentences."""
    client: Any = link.ib.client
    number = client.getReqId() if link.is_open else 0
    refused: asyncio.Future[OrderState] = asyncio.get_running_loop().create_future()

    def told(request: int, code: int, text: str) -> None:
        # The library takes some refusals for warnings and would wait for an answer that does not come.
        if request == number and code in codes.INVALID and not refused.done():
            refused.set_exception(BrokerError(f"Interactive Brokers {codes.refusal(code, text)}"))

    async def ask() -> OrderState:
        answer = client.wrapper.startReq(number, contract)
        client.placeOrder(number, contract, _as_question(order))
        await asyncio.wait({answer, refused}, return_when=asyncio.FIRST_COMPLETED)
        return refused.result() if refused.done() else await answer

    link.on_error.append(told)
    try:
        state = await link.ask(f"the margin of {what}", ask)
    finally:
        link.on_error.remove(told)
        refused.cancel()
    return _margin(state, what)


def _as_question(order: IbOrder) -> IbOrder:
    question = copy.copy(order)
    question.whatIf, question.transmit = True, True
    return question


def _margin(state: OrderState, what: str) -> Margin:
    figures = [
        amount(it)
        for it in (
            state.initMarginAfter,
            state.initMarginChange,
            state.maintMarginAfter,
            state.maintMarginChange,
            state.equityWithLoanAfter,
        )
    ]
    if any(it is None for it in figures):
        raise BrokerError(f"TWS did not tell the margin of {what} in numbers; look at it in TWS before trading")
    initial, initial_added, maintenance, maintenance_added, equity = (it or Decimal(0) for it in figures)
    commission = amount(state.commission)
    return Margin(initial, initial_added, maintenance, maintenance_added, equity, commission, state.warningText)
