"""An exchange as it stands, read through the real ccxt from the loopback exchange."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.brokers.exchange.keys import ApiKey
from engine.brokers.exchange.venue import ExchangeVenue
from engine.core.clock import SECOND, ManualClock
from engine.core.errors import BrokerError, UserError
from engine.ports.venue import PublicVenue
from tests.brokers.exchange_adapter import address, connected, played, venue_of
from tests.peers.exchange import Exchange, garbage, refused, saying, too_heavy
from tests.peers.faults import Answer, Cut, Drop, Replace

pytestmark = pytest.mark.xdist_group("ccxt")

SIGNED = ("GET account", "GET openOrders", "GET myTrades")


@connected
async def test_cash_is_told_per_coin_with_what_is_free(exchange: Exchange, venue: ExchangeVenue) -> None:
    exchange.place("PAXGUSDT", "BUY", "LIMIT", "0.5", price="3800.00", timeInForce="GTC")
    state = await venue.state()
    assert state.accounts == ("354937868",)
    assert {it.currency: (it.total, it.free) for it in state.cash} == {
        "BTC": (1, 1),
        "PAXG": (10, 10),
        "USDT": (100_000, 98_100),
    }
    assert state.positions == ()
    assert not state.is_live


@connected
async def test_amounts_keep_every_digit_the_venue_writes(exchange: Exchange, venue: ExchangeVenue) -> None:
    exchange.deposit("USDT", Decimal("123456789012345.12345678"))
    exchange.deposit("PAXG", Decimal("0.00000001"))
    cash = {it.currency: it.total for it in (await venue.state()).cash}
    assert cash["USDT"] == Decimal("123456789112345.12345678")
    assert cash["PAXG"] == Decimal("10.00000001")


@connected
async def test_a_working_order_is_told_in_the_venues_words_under_our_symbol(exchange: Exchange, venue: ExchangeVenue) -> None:
    terms = {"price": "3950.00", "stopPrice": "3940.00", "timeInForce": "GTC", "newClientOrderId": "mine"}
    placed = exchange.place("PAXGUSDT", "BUY", "STOP_LOSS_LIMIT", "0.5", **terms)
    [order] = (await venue.state()).open_orders
    assert (order.contract, order.symbol, order.side, order.type, order.status) == (
        "PAXGUSDT",
        "PAXGUSDT",
        "buy",
        "STOP_LOSS_LIMIT",
        "NEW",
    )
    assert (order.quantity, order.filled, order.limit, order.stop) == (Decimal("0.5"), 0, 3950, 3940)
    assert (order.client_order_id, order.broker_order_id) == ("mine", str(placed.order_id))


@connected
async def test_a_fill_is_told_with_its_fee_and_our_own_id_of_its_order(exchange: Exchange, venue: ExchangeVenue) -> None:
    order = exchange.place("PAXGUSDT", "BUY", "MARKET", "0.5", newClientOrderId="mine")
    [fill] = (await venue.state()).executions
    assert (fill.symbol, fill.side, fill.quantity, fill.price) == ("PAXGUSDT", "buy", Decimal("0.5"), Decimal("3900.10"))
    assert (fill.commission, fill.commission_currency) == (Decimal("0.0005"), "PAXG")
    assert (fill.client_order_id, fill.broker_order_id) == ("mine", str(order.order_id))
    assert (fill.execution_id, fill.at) == (str(order.fills[0].trade_id), order.fills[0].at_ms * 1_000_000)


@connected
async def test_fills_come_by_time_whatever_instrument_they_are_in(exchange: Exchange, venue: ExchangeVenue) -> None:
    for symbol in ("BTCUSDT", "PAXGUSDT", "BTCUSDT"):
        exchange.clock_offset_ms += 10
        exchange.place(symbol, "SELL", "MARKET", "0.1")
    assert [it.symbol for it in (await venue.state()).executions] == ["BTCUSDT", "PAXGUSDT", "BTCUSDT"]


@connected
async def test_an_order_in_a_market_of_which_we_have_no_instrument_has_no_symbol_of_ours(
    exchange: Exchange, venue: ExchangeVenue
) -> None:
    exchange.place("PAXGUSDT", "SELL", "LIMIT", "0.5", price="4000.00", timeInForce="GTC")
    exchange.faults.on("answer GET openOrders", _with(lambda body: body.replace(b"PAXGUSDT", b"DOGEUSDT")))
    [order] = (await venue.state()).open_orders
    assert (order.contract, order.symbol) == ("DOGEUSDT", None)


@connected
async def test_past_orders_that_are_not_told_leave_our_ids_empty(exchange: Exchange, venue: ExchangeVenue) -> None:
    exchange.place("PAXGUSDT", "BUY", "MARKET", "0.5", newClientOrderId="mine")
    exchange.faults.on("GET allOrders", Answer(404, "Not Found"), times=None)
    [fill] = (await venue.state()).executions
    assert fill.client_order_id == ""


@pytest.mark.parametrize("kind", SIGNED)
@pytest.mark.parametrize(
    "body",
    ["<html>busy</html>", "{}", "", '{"balances":[', '"ok"', '{"balances":[]}'],
    ids=["html", "{}", "nothing", "cut", "ok", "no coins"],
)
def test_an_answer_of_status_200_that_is_something_else_is_never_an_empty_account(kind: str, body: str) -> None:
    @connected
    async def scenario(exchange: Exchange, venue: ExchangeVenue) -> None:
        exchange.faults.on(f"answer {kind}", garbage(body))
        with pytest.raises(BrokerError, match=r"Binance spot at \S+ answered with something else .* nothing was taken"):
            await venue.state()
        assert (await venue.state()).cash

    scenario()


@pytest.mark.parametrize(
    ("change", "missing"),
    [(b'"orderId":4000001', "id"), (b'"origQty":"0.50000000"', "amount"), (b'"side":"BUY"', "side")],
    ids=["id", "amount", "side"],
)
def test_an_order_told_without_what_makes_it_one_is_an_error(change: bytes, missing: str) -> None:
    @connected
    async def scenario(exchange: Exchange, venue: ExchangeVenue) -> None:
        exchange.place("PAXGUSDT", "BUY", "LIMIT", "0.5", price="3800.00", timeInForce="GTC")
        exchange.faults.on("answer GET openOrders", _with(lambda body: body.replace(change, b'"x":1')))
        with pytest.raises(BrokerError, match=missing):
            await venue.state()

    scenario()


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (saying(refused("key")), "does not accept the key: it was deleted"),
        (saying(refused("signature")), "the secret does not belong to the key"),
        (Answer(500, "Internal Server Error"), "cannot be reached or is out of order"),
        (Answer(503, "Service Unavailable"), "cannot be reached or is out of order"),
        (Answer(504, "Gateway Timeout"), "did not answer in time"),
        (saying(refused("backend")), "did not answer in time"),
        (saying(refused("bus")), "could not carry that out"),
        (Drop(), "did not answer in time"),
    ],
    ids=["key", "secret", "500", "503", "504", "-1007", "-1006", "silence"],
)
def test_a_failure_is_one_sentence_that_says_where_what_and_what_to_do(fault: Any, sentence: str) -> None:
    @connected
    async def scenario(exchange: Exchange, venue: ExchangeVenue) -> None:
        venue.wire.client.timeout = 100
        exchange.faults.on("GET account", fault)
        with pytest.raises(BrokerError) as caught:
            await venue.state()
        said = str(caught.value)
        assert said.startswith(f"Binance spot at {exchange.rest_url} ")
        assert sentence in said
        assert said.endswith("(asking balances)")
        assert "http://" not in said.removeprefix(f"Binance spot at {exchange.rest_url} ")
        assert len(exchange.asked("GET account")) == 1

    scenario()


@connected
async def test_a_link_that_dies_in_the_answer_is_an_error(exchange: Exchange, venue: ExchangeVenue) -> None:
    exchange.faults.on("answer GET account", Cut(), times=None)
    with pytest.raises(BrokerError, match="cannot be reached"):
        await venue.state()


@played
async def test_nobody_listens_at_the_address(exchange: Exchange) -> None:
    await exchange.stop()
    with pytest.raises(BrokerError, match=r"Binance spot at http://127.0.0.1:\d+ cannot be reached"):
        await venue_of(exchange).connect()


@pytest.mark.parametrize("offset_ms", [-60_000, 60_000])
def test_fault_53_a_clock_that_is_off_is_measured_allowed_for_and_told(offset_ms: int) -> None:
    @played
    async def scenario(exchange: Exchange) -> None:
        exchange.clock_offset_ms = offset_ms
        venue = venue_of(exchange)
        await venue.connect()
        try:
            state = await venue.state()
            assert state.accounts
            assert abs((venue.wire.offset_ms or 0) - offset_ms) < 5_000
            [note] = state.notes
            assert ("ahead of" if offset_ms > 0 else "behind") in note
        finally:
            await venue.close()

    scenario()


@connected
async def test_fault_53_a_clock_that_steps_is_measured_again_and_the_question_repeated_once(
    exchange: Exchange, venue: ExchangeVenue
) -> None:
    exchange.clock_offset_ms = 300_000
    assert (await venue.state()).accounts
    assert [it.code for it in exchange.asked("GET account")] == [-1021, None]
    exchange.faults.on("GET account", saying(refused("recv_window")), times=None)
    with pytest.raises(BrokerError, match="the time of our request is off"):
        await venue.state()
    assert len(exchange.asked("GET account")) == 4


@pytest.mark.parametrize("asked", [(7, 7), (None, 60)], ids=["told", "not told"])
def test_fault_18_an_exchange_that_wants_to_be_left_alone_is(asked: tuple[int | None, int]) -> None:
    @played
    async def scenario(exchange: Exchange) -> None:
        clock = ManualClock(exchange.now_ms() * 1_000_000)
        venue = venue_of(exchange, clock=clock)
        await venue.connect()
        try:
            told, seconds = asked
            exchange.storm(_asking_to_wait(told), times=1)
            with pytest.raises(BrokerError, match="was asked too often; try again after 20"):
                await venue.state()
            before = len(exchange.requests)
            clock.set(clock.now() + (seconds - 1) * SECOND)
            with pytest.raises(BrokerError, match="asked to be left alone; try again after 20"):
                await venue.state()
            assert len(exchange.requests) == before
            clock.set(clock.now() + 2 * SECOND)
            assert (await venue.state()).accounts
        finally:
            await venue.close()

    scenario()


def _asking_to_wait(seconds: int | None) -> Any:
    reason = too_heavy(6000, 7)
    reason.retry_after_s = seconds
    return reason


@connected
async def test_a_deleted_key_is_told_as_such_and_not_as_too_many_questions(exchange: Exchange, venue: ExchangeVenue) -> None:
    await venue.state()
    exchange.revoke_key()
    for asked in (2, 3):
        with pytest.raises(BrokerError, match="it was deleted"):
            await venue.state()
        assert len(exchange.asked("GET account")) == asked


@played
async def test_a_key_that_may_withdraw_is_refused_with_advice(exchange: Exchange) -> None:
    exchange.gate.may_withdraw = True
    with pytest.raises(BrokerError, match=r"may withdraw money and is not used; make one there that may read and trade only"):
        await venue_of(exchange).connect()
    assert exchange.asked("GET account") == []


@pytest.mark.parametrize("answer", [Answer(404, "Not Found"), Answer(200, "", {}), Answer(200, "", [])], ids=["404", "{}", "[]"])
def test_another_host_that_does_not_tell_what_the_key_may_do_is_said_to(answer: Answer) -> None:
    @played
    async def scenario(exchange: Exchange) -> None:
        exchange.faults.on("GET account/apiRestrictions", answer)
        exchange.faults.on("GET time", Answer(404, "Not Found"))
        venue = venue_of(exchange)
        await venue.connect()
        notes = (await venue.state()).notes
        await venue.close()
        assert any("does not tell whether the key may withdraw" in note for note in notes)
        assert any("did not tell its time" in note for note in notes)

    scenario()


@played
async def test_permissions_that_do_not_come_are_an_error(exchange: Exchange) -> None:
    for answer in (Answer(503, "Service Unavailable"), saying(refused("key"))):
        exchange.faults.on("GET account/apiRestrictions", answer)
        with pytest.raises(BrokerError, match="asking what the key may do"):
            await venue_of(exchange).connect()


@played
async def test_without_a_key_prices_are_seen_and_accounts_are_refused(exchange: Exchange) -> None:
    venue = ExchangeVenue(address(exchange), None, "the keyring is locked", paced=False)
    await venue.connect()
    try:
        assert isinstance(venue, PublicVenue)
        assert venue.is_anonymous
        with pytest.raises(BrokerError, match="there is none: the keyring is locked"):
            await venue.state()
        seen = await venue.public()
        assert (seen.accounts, seen.cash, seen.is_live) == ((), (), False)
        assert seen.notes == (
            "no account was looked at: the keyring is locked",
            "PAXGUSDT 3900.00 bid, 3900.10 ask",
            "BTCUSDT 90000.00 bid, 90001.00 ask",
        )
        assert {it.key for it in exchange.requests} == {None}
        exchange.faults.on("answer GET depth", garbage("<html>busy</html>"))
        with pytest.raises(BrokerError, match="answered with something else than JSON"):
            await venue.public()
    finally:
        await venue.close()


@played
async def test_a_key_of_the_keyring_means_money_even_at_a_loopback_host(exchange: Exchange) -> None:
    key = ApiKey(exchange.key, exchange.secret)
    with pytest.raises(UserError, match="is a live one; pass --live"):
        await ExchangeVenue(address(exchange), key, paced=False).connect()
    venue = ExchangeVenue(address(exchange, is_live=True), key, paced=False)
    await venue.connect()
    assert (await venue.state()).is_live
    await venue.close()
    with pytest.raises(UserError, match="is a test exchange here; leave --live out"):
        await venue_of(exchange, is_live=True).connect()


@connected
async def test_listing_takes_one_request_and_nothing_is_sent_that_changes_anything(
    exchange: Exchange, venue: ExchangeVenue
) -> None:
    await venue.state()
    assert len(exchange.asked("GET exchangeInfo")) == 1
    assert {it.method for it in exchange.requests} == {"GET"}


@connected
async def test_closing_twice_is_safe_and_a_closed_venue_says_so(exchange: Exchange, venue: ExchangeVenue) -> None:
    await venue.close()
    await venue.close()
    with pytest.raises(BrokerError, match="is not connected"):
        await venue.state()


def _with(change: Any) -> Replace:
    def changed(answer: Any) -> Any:
        return replace(answer, body=change(answer.body))

    return Replace(changed)
