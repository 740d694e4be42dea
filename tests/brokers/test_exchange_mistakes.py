"""A mistake of ours while an order is carried out: its owner hears what is certain, and the next order goes out."""

from __future__ import annotations

from typing import Any

import pytest

from engine.brokers.exchange.broker import ExchangeBroker
from engine.brokers.exchange.commands import Commands
from engine.domain import facts as f
from tests.brokers.exchange_broker import Told, dealing, order
from tests.peers.exchange import Exchange

pytestmark = pytest.mark.xdist_group("ccxt")


async def _mistake(*_given: Any) -> None:
    raise KeyError("nobody thought of this")


def _without_markets(broker: ExchangeBroker) -> dict[str, Any]:
    """The market is not in the library's list any more; the list, to be put back."""
    assert broker._commands is not None
    client = broker._commands.wire.client
    markets = client.markets
    client.markets = {}
    return dict(markets)


@dealing
async def test_an_order_that_a_mistake_kept_from_leaving_is_rejected(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    markets = _without_markets(broker)
    broker.submit(order("one"))
    rejected = await told.one(f.OrderRejected)
    assert (rejected.order, rejected.reason.endswith("; nothing was sent")) == ("one", True)
    assert exchange.asked("POST order") == []
    assert broker._commands is not None
    broker._commands.wire.client.markets = markets
    broker.submit(order("two"))
    assert (await told.one(f.OrderAccepted)).order == "two"
    assert told.kinds("one") == ["OrderRejected"]


@dealing
async def test_an_order_that_a_mistake_hit_after_it_left_is_unknown_and_then_found(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    exchange.stall()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Commands, "_placed", _mistake)
        broker.submit(order("one"))
        await told.one(f.OrderUnknown)
        await told.one(f.OrderAccepted)
    assert told.kinds("one") == ["OrderUnknown", "OrderAccepted"]
    assert len(exchange.asked("POST order")) == 1


@dealing
async def test_a_cancel_that_a_mistake_ended_is_rejected(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
    broker.submit(order("one"))
    await told.one(f.OrderAccepted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Commands, "cancel", _mistake)
        broker.cancel("one")
        await told.one(f.CancelRejected)
    broker.cancel("one")
    await told.one(f.OrderCancelled)
    assert told.kinds("one") == ["OrderAccepted", "CancelRejected", "OrderCancelled"]


@dealing
async def test_a_change_that_a_mistake_ended_is_rejected(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
    broker.submit(order("one"))
    await told.one(f.OrderAccepted)
    _without_markets(broker)
    broker.modify("one", 5000, 388_000, None)
    assert (await told.one(f.ModifyRejected)).reason.startswith("a fault of this program")
    assert told.kinds("one") == ["OrderAccepted", "ModifyRejected"]
    assert len(exchange.orders) == 1
