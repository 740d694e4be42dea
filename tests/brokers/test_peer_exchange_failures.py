"""Each way the loopback exchange refuses, fails and lies to the real ccxt, and what that is to its caller."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.peers.exchange import (
    CutAt,
    Exchange,
    banned,
    garbage,
    refused,
    saying,
    too_heavy,
)
from tests.peers.exchange.scenario import GOLD, failure, limit, listening_to_the_account, own, trading
from tests.peers.faults import Answer, Cut, Delay, Drop, Duplicate, Hold, Mute, Reorder

pytestmark = pytest.mark.xdist_group("ccxt")


@trading
async def test_what_breaks_a_rule_is_refused_in_the_venues_words(exchange: Exchange, client: Any) -> None:
    await limit(client, "buy", 0.5, 3890, "one")
    calls = {
        ("BadRequest", -1013): limit(client, "buy", 0.001, 3890, "small"),
        ("BadRequest", -1100): limit(client, "buy", 0.5, 3890, "more-than-thirty-six-characters-are-refused"),
        ("BadRequest", -1104): limit(client, "buy", 0.5, 3890, "two", reduceOnly=True),
        ("InsufficientFunds", -2010): limit(client, "buy", 100, 3890, "too-large"),
        ("InvalidOrder", -2010): limit(client, "buy", 0.5, 3890, "one"),
        ("OrderNotFound", -2011): client.cancel_order("12345", GOLD),
        ("OrderNotFound", -2013): client.fetch_order("", GOLD, own("none")),
    }
    for expected, call in calls.items():
        assert (await failure(call), exchange.requests[-1].code) == expected
    assert [it.ticket.client_id for it in exchange.orders] == ["one"]


@trading
async def test_a_wrong_secret_is_found_out_by_the_signature(exchange: Exchange, client: Any) -> None:
    client.secret = "another"
    assert (await failure(client.fetch_balance()), exchange.requests[-1].code) == ("AuthenticationError", -1022)


@trading
async def test_a_clock_that_is_off_is_an_invalid_nonce_until_the_client_adjusts(exchange: Exchange, client: Any) -> None:
    for offset in (-60_000, 60_000):
        exchange.clock_offset_ms = offset
        client.options["timeDifference"] = 0
        assert (await failure(client.fetch_balance()), exchange.requests[-1].code) == ("InvalidNonce", -1021)
        await client.load_time_difference()
        await client.fetch_balance()


@trading
async def test_a_key_that_never_worked_and_one_that_was_deleted_look_different(exchange: Exchange, client: Any) -> None:
    exchange.gate.revoke()
    assert await failure(client.fetch_balance()) == "AuthenticationError"
    exchange.gate.is_revoked = False
    await client.fetch_balance()
    exchange.revoke_key()
    assert (await failure(client.fetch_balance()), exchange.requests[-1].code) == ("DDoSProtection", -2015)


@trading
async def test_a_deleted_key_ends_the_accounts_stream_and_nobody_who_waits_is_told(exchange: Exchange, client: Any) -> None:
    [orders] = await listening_to_the_account(exchange, client.watch_orders(GOLD))
    exchange.revoke_key()
    await client.fetch_order_book(GOLD)
    assert await failure(client.watch_balance()) == "KeyError"
    assert exchange.requests[-1].code == -2015
    assert not orders.done()
    orders.cancel()


@pytest.mark.parametrize("status", [429, 418])
def test_too_many_requests_are_told_when_to_come_back(status: int) -> None:
    @trading
    async def scenario(exchange: Exchange, client: Any) -> None:
        client.enableLastResponseHeaders = True
        exchange.storm(too_heavy(6000, 7) if status == 429 else banned(exchange.now_ms() + 7000, 7), times=2)
        for _ in range(2):
            assert await failure(client.fetch_order_book(GOLD)) == "DDoSProtection"
            assert client.last_response_headers["Retry-After"] == "7"
        await client.fetch_order_book(GOLD)

    scenario()


@trading
async def test_weights_add_up_to_429_and_insisting_to_418(exchange: Exchange, client: Any) -> None:
    exchange.clock_offset_ms -= exchange.now_ms() % 60_000
    exchange.gate.weight_limit = exchange.gate.used_weight + 10
    await client.fetch_order_book(GOLD)
    statuses = [exchange.requests[-1].status]
    for _ in range(13):
        await failure(client.fetch_balance())
        statuses.append(exchange.requests[-1].status)
    assert statuses == [200] + [429] * 11 + [418] * 2


@trading
async def test_orders_in_a_burst_meet_the_order_limit(exchange: Exchange, client: Any) -> None:
    exchange.gate.order_limit = 2
    await limit(client, "buy", 0.5, 3890, "one")
    await limit(client, "buy", 0.5, 3891, "two")
    assert await failure(limit(client, "buy", 0.5, 3892, "three")) == "DDoSProtection"
    assert (exchange.requests[-1].code, len(exchange.orders)) == (-1015, 2)


@pytest.mark.parametrize("acted", [True, False], ids=["after it took effect", "before it took effect"])
@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (Answer(500, "Internal Server Error"), "ExchangeNotAvailable"),
        (Answer(502, "Bad Gateway"), "ExchangeNotAvailable"),
        (Answer(503, "Service Unavailable"), "ExchangeNotAvailable"),
        (Answer(504, "Gateway Timeout"), "RequestTimeout"),
        (saying(refused("bus")), "OperationFailed"),
        (saying(refused("backend")), "RequestTimeout"),
    ],
    ids=["500", "502", "503", "504", "-1006", "-1007"],
)
def test_an_order_may_stand_behind_a_failure(answer: Answer, name: str, acted: bool) -> None:
    @trading
    async def scenario(exchange: Exchange, client: Any) -> None:
        exchange.faults.on("answer POST order" if acted else "POST order", answer)
        assert await failure(limit(client, "buy", 0.5, 3890, "one")) == name
        assert (exchange.order("one") is not None) == acted
        assert len(exchange.asked("POST order")) == 1

    scenario()


@trading
async def test_garbage_instead_of_an_answer_is_an_order_without_a_number(exchange: Exchange, client: Any) -> None:
    exchange.faults.on("answer POST order", garbage())
    order = await limit(client, "buy", 0.5, 3890, "one")
    assert (order["id"], order["clientOrderId"], order["status"]) == (None, None, None)
    assert (await client.fetch_order("", GOLD, own("one")))["status"] == "open"


@pytest.mark.parametrize(
    ("count", "name"),
    [(0, "ExchangeNotAvailable"), (5, "ExchangeNotAvailable"), (60, "ExchangeNotAvailable"), (200, "ExchangeError")],
    ids=["before the status", "in the status", "in the headers", "in the body"],
)
def test_an_answer_may_break_off_at_any_byte(count: int, name: str) -> None:
    @trading
    async def scenario(exchange: Exchange, client: Any) -> None:
        exchange.faults.on("answer POST order", CutAt(count))
        assert await failure(limit(client, "buy", 0.5, 3890, "one")) == name
        assert exchange.order("one") is not None
        assert len(exchange.asked("POST order")) == 1

    scenario()


@pytest.mark.parametrize("text", ["<html>busy</html>", "{}", '{"makerCommission":'])
def test_garbage_instead_of_the_account_looks_like_an_empty_one(text: str) -> None:
    @trading
    async def scenario(exchange: Exchange, client: Any) -> None:
        exchange.faults.on("answer GET account", garbage(text))
        assert (await client.fetch_balance())["total"] == {}

    scenario()


@trading
async def test_a_cancel_whose_connection_dies_is_sent_again_by_the_client_itself(exchange: Exchange, client: Any) -> None:
    order = await limit(client, "buy", 0.5, 3890, "one")
    exchange.faults.on("DELETE order", Cut(acted=True))
    assert await failure(client.cancel_order(order["id"], GOLD)) == "OrderNotFound"
    assert [it.code for it in exchange.asked("DELETE order")] == [None, -2011]
    assert exchange.orders[0].status == "CANCELED"


@trading
async def test_a_request_may_break_off_at_any_byte(exchange: Exchange, client: Any) -> None:
    exchange.faults.cut_received = 100
    assert await failure(limit(client, "buy", 0.5, 3890, "one")) == "ExchangeNotAvailable"
    assert exchange.orders == []


@pytest.mark.parametrize(
    ("kind", "action", "stands"),
    [
        ("POST order", Drop(), False),
        ("POST order", Delay(3600), False),
        ("POST order", Mute(), True),
        ("answer POST order", Drop(), True),
        ("answer POST order", Delay(3600), True),
    ],
    ids=["swallowed", "late", "accepted without a word", "reply lost", "reply late"],
)
def test_silence_is_a_timeout_that_proves_nothing(kind: str, action: Any, stands: bool) -> None:
    @trading
    async def scenario(exchange: Exchange, client: Any) -> None:
        client.timeout = 100
        exchange.faults.on(kind, action)
        assert await failure(limit(client, "buy", 0.5, 3890, "one")) == "RequestTimeout"
        assert (exchange.order("one") is not None) == stands

    scenario()


@trading
async def test_bytes_may_come_a_few_at_a_time(exchange: Exchange, client: Any) -> None:
    exchange.faults.chunk = 5
    [orders] = await listening_to_the_account(exchange, client.watch_orders(GOLD))
    await limit(client, "buy", 0.5, 3890, "one")
    assert (await orders)[0]["clientOrderId"] == "one"


@trading
async def test_a_connection_cut_after_the_order_leaves_it_standing(exchange: Exchange, client: Any) -> None:
    exchange.faults.on("POST order", Cut(acted=True))
    assert await failure(limit(client, "buy", 0.5, 3890, "one")) == "ExchangeNotAvailable"
    assert [it["clientOrderId"] for it in await client.fetch_open_orders(GOLD)] == ["one"]


@trading
async def test_a_request_delivered_twice_is_one_order(exchange: Exchange, client: Any) -> None:
    exchange.faults.on("POST order", Duplicate())
    await limit(client, "buy", 0.5, 3890, "one")
    assert len(exchange.orders) == 1


@trading
async def test_a_held_answer_comes_after_the_accounts_stream(exchange: Exchange, client: Any) -> None:
    [orders] = await listening_to_the_account(exchange, client.watch_orders(GOLD))
    held = exchange.faults.on("answer POST order", Hold())
    answer = asyncio.ensure_future(limit(client, "buy", 0.5, 3890, "one"))
    assert (await orders)[0]["status"] == "open"
    assert not answer.done()
    held.release()
    assert (await answer)["status"] == "open"


@trading
async def test_requests_may_arrive_in_another_order(exchange: Exchange, client: Any) -> None:
    exchange.faults.on("POST order", Reorder())
    first = asyncio.ensure_future(limit(client, "buy", 0.5, 3890, "one"))
    await exchange.until(lambda: exchange.asked("POST order"))
    await asyncio.gather(limit(client, "buy", 0.5, 3891, "two"), first)
    assert [it.ticket.client_id for it in exchange.orders] == ["two", "one"]


@trading
async def test_a_forgotten_order_cannot_be_found_again(exchange: Exchange, client: Any) -> None:
    await limit(client, "buy", 0.5, 3890, "one")
    order = exchange.order("one")
    assert order is not None
    exchange.forget(order)
    assert await failure(client.fetch_order("", GOLD, own("one"))) == "OrderNotFound"
    assert (await client.fetch_balance())["USDT"]["used"] == 0


@trading
async def test_a_closed_port_is_not_available_and_a_restart_keeps_the_books(exchange: Exchange, client: Any) -> None:
    await limit(client, "buy", 0.5, 3890, "one")
    await exchange.stop()
    assert await failure(client.fetch_balance()) == "ExchangeNotAvailable"
    await exchange.restart(lower_ids=True)
    later = await limit(client, "buy", 0.5, 3891, "two")
    earlier = await client.fetch_order("", GOLD, own("one"))
    assert int(later["id"]) < int(earlier["id"])
