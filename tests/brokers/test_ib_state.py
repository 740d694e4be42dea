"""What stands at Interactive Brokers, told whole or not at all."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from ib_async import Commodity, Contract, Forex, Future

from engine.brokers.ib.amounts import amount
from engine.brokers.ib.contracts import lots, symbol_of
from engine.brokers.ib.greeting import Greeting
from engine.brokers.ib.statement import cash, executions, identity
from engine.core.clock import SECOND, from_iso, to_datetime
from engine.core.errors import BrokerError
from engine.domain.instrument import INSTRUMENTS
from engine.ports.venue import VenueCash
from tests.brokers.ib_adapter import at_every_version, at_the_newest_version, connected, refusal
from tests.peers.faults import Answer, Drop, Hold, Replace
from tests.peers.tws import Peer
from tests.peers.tws.codec import Message
from tests.peers.tws.peer import A_THURSDAY

IMPATIENT = {"timeout": 0.2}


@at_every_version(cash="250000.25")
async def test_cash_is_told_by_currency_and_what_margin_holds_is_not_free(peer: Peer) -> None:
    await peer.hold("GC", 1, 4000)
    async with connected(peer) as venue:
        state = await venue.state()
    free = peer.account().margin().equity - peer.account().margin().initial
    assert state.cash == (VenueCash("DU1234567", "USD", Decimal("250000.25"), free),)
    assert free < Decimal("250000.25")


@at_every_version()
async def test_positions_are_told_in_ounces_and_contracts(peer: Peer) -> None:
    await peer.hold("XAUUSD", "12.5", "4000.25")
    await peer.hold("GCZ5", -2, 4010)
    await peer.hold("EUR.USD", 20_000, "1.10005")
    async with connected(peer) as venue:
        found = {it.contract: it for it in (await venue.state()).positions}
    assert {name: (it.symbol, it.quantity, it.average) for name, it in found.items()} == {
        "XAUUSD": ("XAUUSD", Decimal("12.5"), Decimal("4000.25")),
        "GCZ5": ("GC", Decimal(-2), Decimal(4010)),
        "EUR.USD": ("EURUSD", Decimal(20_000), Decimal("1.10005")),
    }
    assert str(found["GCZ5"].quantity) == "-2"


@at_every_version()
async def test_open_orders_of_every_client_are_told_with_both_names(peer: Peer) -> None:
    mine = await peer.place("XAUUSD", "BUY", 3, "LMT", limit=3990.5, ref="ours", client_id=1, order_id=5, tif="GTC")
    typed = await peer.place("MGC", "SELL", 1, "STP", stop=3900.1, tif="GTC")
    other = await peer.place("XAGUSD", "BUY", 10, "STP LMT", stop=60.5, limit=60.75, client_id=9, order_id=5, tif="GTC")
    await peer.fill(mine, 1, "3990.5")
    async with connected(peer) as venue:
        state = await venue.state()
    told = {it.broker_order_id: it for it in state.open_orders}
    assert set(told) == {str(it.perm_id) for it in (mine, typed, other)}
    limit, stop, both = (told[str(it.perm_id)] for it in (mine, typed, other))
    assert (limit.client_order_id, limit.side, limit.type, limit.symbol) == ("ours", "buy", "limit", "XAUUSD")
    assert (limit.quantity, limit.filled, limit.limit, limit.stop) == (3, 1, Decimal("3990.5"), None)
    assert (stop.client_order_id, stop.side, stop.type, stop.symbol) == ("", "sell", "stop", "MGC")
    assert (stop.limit, stop.stop) == (None, Decimal("3900.1"))
    assert (both.type, both.symbol, both.limit, both.stop) == ("stop_limit", "XAGUSD", Decimal("60.75"), Decimal("60.5"))


@at_every_version()
async def test_executions_have_commission_and_the_time_at_which_they_were(peer: Peer) -> None:
    await peer.advance(90)
    order = await peer.place("XAUUSD", "SELL", 2, ref="ours")
    made = peer.executions[0]
    async with connected(peer) as venue:
        (told,) = (await venue.state()).executions
    assert (told.execution_id, told.client_order_id, told.broker_order_id) == (made.exec_id, "ours", str(order.perm_id))
    assert (told.side, told.quantity, told.price, told.symbol) == ("sell", 2, made.price, "XAUUSD")
    assert (told.commission, told.commission_currency) == (made.commission, "USD")
    assert told.at == A_THURSDAY + 90 * SECOND


@at_every_version()
async def test_fault_22_a_correction_stands_in_the_place_of_what_it_corrects(peer: Peer) -> None:
    await peer.place("XAUUSD", "BUY", 2)
    await peer.place("XAUUSD", "BUY", 1)
    corrected = await peer.correct(peer.executions[0], price="3999.5")
    async with connected(peer) as venue:
        first = (await venue.state()).executions
        again = (await venue.state()).executions
    assert [it.execution_id for it in first if it.quantity == 2] == [corrected.exec_id]
    assert [it.price for it in first if it.quantity == 2] == [Decimal("3999.5")]
    assert len(first) == 2
    assert again == first


@at_every_version()
async def test_an_execution_that_is_told_twice_counts_once(peer: Peer) -> None:
    await peer.place("XAUUSD", "BUY", 2, client_id=1, order_id=3)
    async with connected(peer) as venue:
        await peer.repeat(peer.executions[0])
        assert len((await venue.state()).executions) == 1


@at_the_newest_version(accounts=("DU1", "DU2"))
async def test_one_account_of_several_is_told_alone(peer: Peer) -> None:
    for account in ("DU1", "DU2"):
        await peer.hold("XAUUSD", 1, 4000, account)
        await peer.place("XAUUSD", "BUY", 1, account=account)
        await peer.place("XAUUSD", "BUY", 1, "LMT", limit=3900, account=account, tif="GTC")
    async with connected(peer) as venue:
        both = await venue.state()
    async with connected(peer, account="DU2") as venue:
        one = await venue.state()
    for told in (one.cash, one.positions, one.open_orders, one.executions):
        assert [it.account for it in told] == ["DU2"]
    assert {it.account for it in (*both.cash, *both.positions)} == {"DU1", "DU2"}
    assert len(both.executions) == len(both.open_orders) == 2


@at_the_newest_version()
async def test_fault_10_what_is_not_told_in_time_is_an_error_and_never_nothing(peer: Peer) -> None:
    for end, what in {
        "accountUpdateMultiEnd": "the values of account DU1234567",
        "positionEnd": "positions",
        "openOrderEnd": "open orders",
        "execDetailsEnd": "executions",
    }.items():
        async with connected(peer, **IMPATIENT) as venue:
            peer.faults.on(end, Drop())
            assert f"did not tell {what} within 0.2 s" in await refusal(venue.state())


@at_every_version()
async def test_an_answer_that_comes_late_is_not_taken_for_a_part_of_the_next(peer: Peer) -> None:
    await peer.hold("XAUUSD", 1, 4000)
    async with connected(peer, **IMPATIENT) as venue:
        held = peer.faults.on("positionEnd", Hold())
        assert "did not tell positions" in await refusal(venue.state())
        held.release()
        assert "still owes an earlier answer about positions; connect again" in await refusal(venue.state())
    async with connected(peer) as venue:
        assert len((await venue.state()).positions) == 1


@at_every_version()
async def test_two_who_ask_at_once_are_both_answered(peer: Peer) -> None:
    await peer.hold("XAUUSD", 1, 4000)
    await peer.place("XAUUSD", "BUY", 1, "LMT", limit=3900, tif="GTC")
    async with connected(peer) as venue:
        first, second = await asyncio.gather(venue.state(), venue.state())
    assert first == second
    assert (len(first.positions), len(first.open_orders)) == (1, 1)


@at_the_newest_version()
async def test_a_request_that_is_refused_is_told_with_its_code(peer: Peer) -> None:
    async with connected(peer) as venue:
        peer.faults.on("reqExecutions", Answer(321, "Error validating request"))
        peer.faults.on("reqAccountUpdatesMulti", Answer(322, "Duplicate ticker id"))
        assert "(error 322: Duplicate ticker id), asked for the values of account" in await refusal(venue.state())


@at_the_newest_version()
async def test_a_tws_that_tells_programs_no_orders_is_named(peer: Peer) -> None:
    async with connected(peer, **IMPATIENT) as venue:
        peer.faults.on(
            "reqAllOpenOrders", Answer(321, "Error validating request: The API interface is currently in Read-Only mode.")
        )
        assert "is read-only for programs" in await refusal(venue.state())


@at_every_version()
async def test_an_execution_that_cannot_be_read_is_an_error(peer: Peer) -> None:
    await peer.place("XAUUSD", "BUY", 1)

    def torn(message: Message) -> Message:
        return Message(message.kind, message.fields[:9])

    peer.faults.on("execDetails", Replace(torn))
    async with connected(peer) as venue:
        assert "sent an execution that cannot be read" in await refusal(venue.state())
        assert len((await venue.state()).executions) == 1


@at_every_version()
async def test_an_order_that_ends_while_it_is_asked_for_is_not_open(peer: Peer) -> None:
    order = await peer.place("XAUUSD", "BUY", 1, "LMT", limit=3900, client_id=1, order_id=4, tif="GTC")
    async with connected(peer) as venue:
        held = peer.faults.on("openOrderEnd", Hold())
        asked = asyncio.ensure_future(venue.state())
        while not held.hits:
            await asyncio.sleep(0)
        await peer.fill(order)
        held.release()
        assert (await asked).open_orders == ()


@at_the_newest_version()
async def test_a_position_that_cannot_be_read_can_be_asked_for_again(peer: Peer) -> None:
    await peer.hold("XAUUSD", 1, 4000)
    async with connected(peer) as venue:
        peer.faults.on("position", Replace(lambda it: Message(it.kind, it.fields[:5])))
        assert "sent a position that cannot be read" in await refusal(venue.state())
        assert len((await venue.state()).positions) == 1


@at_the_newest_version()
async def test_a_quantity_that_is_no_number_is_an_error(peer: Peer) -> None:
    await peer.hold("XAUUSD", 1, 4000)
    async with connected(peer) as venue:
        peer.faults.on("position", Replace(lambda it: Message(it.kind, (*it.fields[:-2], "NaN", it.fields[-1]))))
        assert "position in XAUUSD, which is no number" in await refusal(venue.state())


@at_the_newest_version()
async def test_an_account_that_is_not_loaded_yet_is_no_empty_account(peer: Peer) -> None:
    def loading(message: Message) -> Message:
        return Message(message.kind, tuple("false" if it == "true" else it for it in message.fields))

    peer.faults.on("accountUpdateMulti", Replace(loading), times=None)
    async with connected(peer) as venue:
        assert "has not loaded account DU1234567 yet" in await refusal(venue.state())


def test_only_what_is_listed_has_a_symbol() -> None:
    known = {
        "XAUUSD": Commodity("XAUUSD", "SMART", "USD", conId=69067924),
        "GC": Future("GC", "20251229", "", currency="USD", localSymbol="GCZ5", tradingClass="GC", multiplier="100"),
        "EURUSD": Forex("EURUSD"),
    }
    assert {name: symbol_of(contract) for name, contract in known.items()} == {name: name for name in known}
    strangers = [
        Contract(secType="CFD", symbol="XAUUSD", currency="USD", conId=1),
        Contract(secType="FOP", symbol="GC", currency="USD", exchange="COMEX"),
        Contract(secType="FUT", symbol="GC", currency="USD", exchange="SGX"),
        Contract(secType="CASH", symbol="EUR", currency="GBP"),
    ]
    assert [symbol_of(it) for it in strangers] == [None] * 4


def test_ounces_become_lots_and_contracts_stay_contracts() -> None:
    assert lots("XAUUSD", INSTRUMENTS["XAUUSD"], Decimal(250)) == Decimal("2.5")
    assert lots("GC", INSTRUMENTS["GC"], Decimal(3)) == 3


def test_corrections_share_what_stands_before_their_number() -> None:
    assert identity("0000e0d5.63f8af2c.01.02") == ("0000e0d5.63f8af2c.01", 2)
    assert identity("odd") == ("odd", 0)
    assert executions([], ["DU1"]) == ()


def test_cash_leaves_out_the_sum_in_the_base_currency() -> None:
    from ib_async import AccountValue

    rows = [
        ("CashBalance", "100.5", "EUR"),
        ("CashBalance", "-20", "USD"),
        ("CashBalance", "82", "BASE"),
        ("AvailableFunds", "60", "EUR"),
    ]
    values = [AccountValue("DU1", tag, value, currency, "") for tag, value, currency in rows]
    told = {it.currency: (it.total, it.free) for it in cash("DU1", values)}
    assert told == {"EUR": (Decimal("100.5"), Decimal(60)), "USD": (Decimal(-20), Decimal(-20))}


def test_an_account_without_cash_is_an_error_and_not_nothing() -> None:
    with pytest.raises(BrokerError, match="told no cash of account DU1"):
        cash("DU1", [])


def test_what_is_no_number_is_no_amount() -> None:
    assert [amount(it) for it in ("", "abc", float("nan"), float("inf"), 1.7976931348623157e308)] == [None] * 5
    assert [str(amount(it)) for it in (5.0, 4000.25, "1000.50", 1e-7)] == ["5", "4000.25", "1000.50", "1E-7"]


def test_the_zone_of_tws_is_told_by_name_and_clock() -> None:
    now = to_datetime(from_iso("2025-07-01T12:00:00"))
    zones = {
        "20250701 08:00:00 EST": "America/New_York",
        "20250701 20:00:00 CST": "Etc/GMT-8",
        "20250701 07:00:10 CST": "America/Chicago",
        "20250701 14:00:00 MESZ": "Etc/GMT-2",
        "20250701 17:30:00 IST": "Asia/Kolkata",
        "20250701 12:00:00 GMT": "Etc/GMT+0",
    }
    for said, zone in zones.items():
        greeting = Greeting()
        payload = f"178\0{said}\0".encode()
        assert not greeting.feed(len(payload).to_bytes(4, "big"))
        assert greeting.feed(payload)
        assert (greeting.version, greeting.zone(now)) == (178, zone)
