"""Orders that an exchange answers badly, late or not at all: unknown first, then what is found there, and never sent twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.domain import facts as f
from engine.domain.intents import SubmitOrder
from engine.execution.look import ABSENCES
from tests.catalogue.rig import PAXG, Desk, at_exchange, exchanged, sequence
from tests.peers.exchange import CutAt, Exchange, banned, garbage, refused, saying, too_heavy
from tests.peers.faults import Answer, Drop, Hold, Mute

RESTING: dict[str, Any] = {"type": "limit", "price": 399_000}
QUICK = {"patience": 1.0, "look_every": 0.1}


@contextmanager
def unheard(exchange: Exchange) -> Iterator[None]:
    """Nothing is known meanwhile but by answers: the account's stream stands still, and open orders are told as none."""
    exchange.stall()
    empty = exchange.faults.on("answer GET openOrders", Answer(200, "", []), times=None)
    yield
    empty.lift()
    exchange.resume()


def told_of(desk: Desk, order: str) -> list[str]:
    """The kinds of facts about an order, in their order, without what it cost."""
    return [
        told
        for told in sequence([fact for fact in desk.facts(f.OrderFact) if fact.order == order])
        if told != "CommissionCharged"
    ]


def sent(exchange: Exchange, order: str) -> int:
    """How often the order came over the wire."""
    return sum(it.parameters["newClientOrderId"] == order for it in exchange.asked("POST order"))


def there(exchange: Exchange, order: str) -> int:
    """How many orders the exchange has of it."""
    return sum(it.ticket.client_id == order for it in exchange.orders)


def why_not(desk: Desk, **terms: Any) -> str:
    """Why nothing may be opened now."""
    given = {"symbol": PAXG, "side": "buy", "type": "market", "quantity": 1_000, "stop_loss": 398_000, **terms}
    (denied,) = [fact for fact in desk.do(SubmitOrder(**given)) if isinstance(fact, f.OrderDenied)]
    return denied.reason


def held(exchange: Exchange) -> int:
    """What the exchange has of ours, in whole lot steps."""
    return int(exchange.wallet.total("PAXG") / Decimal("0.0001"))


def standing(exchange: Exchange) -> int:
    """What all stops that rest at the exchange would sell, in lot steps."""
    resting = [it for it in exchange.orders if it.is_open and it.side == "SELL"]
    return int(sum((it.remaining for it in resting), Decimal(0)) / Decimal("0.0001"))


async def guarded(desk: Desk, exchange: Exchange) -> None:
    """Returns when the books have what the exchange holds, and stops over all of it rest there."""
    await desk.until(lambda: 0 < desk.position == held(exchange) == standing(exchange))


@exchanged
async def test_fault_13_an_order_whose_reply_was_lost_is_unknown_then_found_by_its_id_and_is_one_order(
    exchange: Exchange, folder: Path
) -> None:
    exchange.deposit("PAXG", -10)
    async with at_exchange(exchange, folder, **QUICK) as desk:
        await desk.ready()
        exchange.faults.on("answer POST order", Drop())
        with unheard(exchange):
            name = desk.buy(1_000, **RESTING)
            await desk.until(lambda: desk.state(name) == "ACCEPTED")
        assert told_of(desk, name) == ["OrderIntended", "OrderSent", "OrderUnknown", "OrderAccepted"]
        assert desk.order(name).broker_id == str(exchange.order(name).order_id)
        assert (sent(exchange, name), there(exchange, name)) == (1, 1)
        await desk.ready()


@exchanged
async def test_fault_14_an_order_that_never_came_is_unknown_and_is_rejected_only_once_it_was_looked_for_again_and_again(
    exchange: Exchange, folder: Path
) -> None:
    exchange.deposit("PAXG", -10)
    async with at_exchange(exchange, folder, **QUICK) as desk:
        await desk.ready()
        exchange.faults.on("POST order", Drop())
        asked = len(exchange.asked("GET order"))
        name = desk.buy(1_000)
        await desk.until(lambda: desk.facts(f.OrderUnknown))
        assert "the fate of an order in PAXGUSDT is not known yet" in why_not(desk)
        await desk.until(lambda: desk.state(name) == "REJECTED")
        assert len(exchange.asked("GET order")) - asked >= ABSENCES
        assert told_of(desk, name) == ["OrderIntended", "OrderSent", "OrderUnknown", "OrderRejected"]
        assert (sent(exchange, name), there(exchange, name)) == (1, 0)
        await desk.ready()
        desk.buy(1_000)
        await guarded(desk, exchange)


@exchanged
async def test_fault_15_an_order_that_filled_and_is_gone_is_found_through_its_trades(exchange: Exchange, folder: Path) -> None:
    exchange.deposit("PAXG", -10)
    async with at_exchange(exchange, folder, **QUICK) as desk:
        await desk.ready()
        exchange.faults.on("answer POST order", Drop())
        with unheard(exchange):
            name = desk.buy(1_000)
            await desk.until(lambda: desk.state(name) == "FILLED")
        await guarded(desk, exchange)
        (fill,) = [it for it in desk.facts(f.OrderFilled) if it.order == name]
        assert fill.execution == f"PAXGUSDT-{exchange.order(name).fills[0].trade_id}"
        assert told_of(desk, name)[:3] == ["OrderIntended", "OrderSent", "OrderUnknown"]
        assert (sent(exchange, name), there(exchange, name)) == (1, 1)


@exchanged
async def test_fault_16_an_order_of_which_nothing_is_ever_heard_is_unknown_and_keeps_its_share_of_the_limits(
    exchange: Exchange, folder: Path
) -> None:
    exchange.deposit("PAXG", -10)
    async with at_exchange(exchange, folder, **QUICK) as desk:
        await desk.ready()
        mute = exchange.faults.on("POST order", Mute())
        deaf = exchange.faults.on("GET order", Drop(), times=None)
        with unheard(exchange):
            name = desk.buy(1_000, **RESTING)
            await desk.until(lambda: desk.state(name) == "UNKNOWN" and deaf.hits)
            assert mute.hits
            assert "the fate of an order in PAXGUSDT is not known yet" in why_not(desk)
            assert desk.session.pipeline.snapshot().stakes[PAXG].pending_notional == 1_000 * 399_000
            deaf.lift()
            await desk.until(lambda: desk.state(name) == "ACCEPTED")
        assert (sent(exchange, name), there(exchange, name)) == (1, 1)


@pytest.mark.parametrize(
    ("kind", "action", "stands"),
    [
        ("answer POST order", Answer(503, "Service Unavailable"), True),
        ("POST order", Answer(502, "Bad Gateway"), False),
        ("answer POST order", saying(refused("bus")), True),
        ("POST order", saying(refused("backend")), False),
        ("answer POST order", garbage(), True),
        ("answer POST order", CutAt(200), True),
    ],
    ids=["503", "502", "-1006", "-1007", "garbage", "cut"],
)
def test_fault_17_what_may_mean_anything_is_unknown_until_it_is_looked_up(
    kind: str, action: Any, stands: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @exchanged
    async def scenario(exchange: Exchange, folder: Path) -> None:
        async with at_exchange(exchange, folder, **QUICK) as desk:
            await desk.ready()
            exchange.faults.on(kind, action)
            with unheard(exchange):
                name = desk.buy(1_000, **RESTING)
                await desk.until(lambda: desk.state(name) == ("ACCEPTED" if stands else "REJECTED"))
            assert told_of(desk, name)[:3] == ["OrderIntended", "OrderSent", "OrderUnknown"]
            assert (sent(exchange, name), there(exchange, name)) == (1, int(stands))
            await desk.ready()

    scenario(tmp_path, monkeypatch)


@pytest.mark.parametrize("reason", [too_heavy(6000, 1), banned(1, 1)], ids=["429", "418"])
def test_fault_18_who_is_asked_to_wait_sends_nothing_again_and_asks_nothing_until_then(
    reason: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @exchanged
    async def scenario(exchange: Exchange, folder: Path) -> None:
        async with at_exchange(exchange, folder, **QUICK) as desk:
            await desk.ready()
            exchange.faults.on("POST order", saying(reason))
            name = desk.buy(1_000, **RESTING)
            await desk.until(lambda: desk.facts(f.OrderUnknown))
            asked, refused_at = len(exchange.requests), exchange.now_ms()
            await desk.until(lambda: desk.state(name) == "REJECTED")
            after = exchange.requests[asked:]
            assert all(it.at_ms - refused_at >= 900 for it in after if it.method != "WS" and it.key)
            assert (sent(exchange, name), there(exchange, name)) == (1, 0)
            assert told_of(desk, name) == ["OrderIntended", "OrderSent", "OrderUnknown", "OrderRejected"]

    scenario(tmp_path, monkeypatch)


@exchanged
async def test_fault_19_an_order_that_is_said_to_be_there_already_is_looked_up(exchange: Exchange, folder: Path) -> None:
    async with at_exchange(exchange, folder, **QUICK) as desk:
        await desk.ready()
        exchange.faults.on("answer POST order", saying(refused("duplicate")))
        with unheard(exchange):
            name = desk.buy(1_000, **RESTING)
            await desk.until(lambda: desk.state(name) == "ACCEPTED")
        assert told_of(desk, name) == ["OrderIntended", "OrderSent", "OrderUnknown", "OrderAccepted"]
        assert (sent(exchange, name), there(exchange, name)) == (1, 1)


@exchanged
async def test_fault_20_a_double_click_is_one_order(exchange: Exchange, folder: Path) -> None:
    async with at_exchange(exchange, folder, **QUICK, limits={"duplicate_window_s": 5}) as desk:
        await desk.ready()
        held_back = exchange.faults.on("POST order", Hold())
        name = desk.buy(1_000, **RESTING)
        assert "same" in why_not(desk, **RESTING)
        held_back.release()
        await desk.until(lambda: desk.state(name) == "ACCEPTED")
        assert "same" in why_not(desk, **RESTING)
        assert [it.ticket.client_id for it in exchange.orders] == [name]
