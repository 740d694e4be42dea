"""What else is checked of an order: its size, its own fellows, the account, the venue, the news."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.core.clock import MINUTE, SECOND, from_iso
from engine.domain import facts as f
from engine.domain.limits import Limits
from engine.domain.market import Quote
from engine.domain.news import Blackout, NewsCalendar
from engine.domain.order import Order, OrderType, Role, State
from engine.risk.exposure import Stake
from tests.engine.rig import MONDAY, WIDE, Rig
from tests.engine.risk.test_gate import ASK, BID, BUY, LIMIT, LONG, MARKET, SELL, TICK, ask, draft, snapshot

# --- size -------------------------------------------------------------------------------------------------------------


def test_an_order_of_more_lots_than_the_cap_is_denied_with_what_passes() -> None:
    verdict = ask(draft(21), limits=replace(WIDE, order_lots=Decimal("0.2")))
    assert (verdict.limits, verdict.largest) == (("order_lots",), 20)
    assert verdict.reasons == ("order size: 0.21 lots, the cap is 0.20",)
    assert ask(draft(20), limits=replace(WIDE, order_lots=Decimal("0.2"))).approved


def test_an_order_worth_more_than_the_cap_is_denied_with_what_passes() -> None:
    limits = replace(WIDE, order_notional=Decimal(10_000))
    verdict = ask(draft(6), limits=limits)
    assert (verdict.limits, verdict.largest) == (("order_notional",), 4)
    assert verdict.reasons == ("order size: worth 12,001.20 USD, the cap is 10,000.00",)
    assert ask(draft(4), limits=limits).approved


def test_an_instrument_s_own_cap_is_for_it_alone() -> None:
    own = replace(WIDE, instruments={"XAUUSD": {"order_lots": Decimal("0.05")}, "XAGUSD": {"order_lots": Decimal(9)}})
    assert ask(draft(6), limits=own).limits == ("order_lots",)
    assert ask(draft(6), limits=replace(WIDE, instruments={"XAGUSD": {"order_lots": Decimal("0.05")}})).approved


@pytest.mark.parametrize("soft", [True, False])
def test_a_check_may_be_told_to_warn_only(soft: bool) -> None:
    limits = replace(WIDE, order_lots=Decimal("0.05"), only_warn=("order_lots",) if soft else ())
    verdict = ask(draft(6), limits=limits)
    assert verdict.approved is soft
    assert verdict.warnings == (("order size: 0.06 lots, the cap is 0.05 (a warning)",) if soft else ())
    assert verdict.largest == (6 if soft else 5)


def test_a_soft_cap_warns_beside_the_hard_one() -> None:
    verdict = ask(draft(50, stop_loss=BID - 10), limits=replace(WIDE, soft={"leverage": Decimal("0.5")}))
    assert verdict.approved
    assert verdict.warnings == ("leverage: gross notional to equity would be 1.00:1, the cap is 0.5:1 (a warning)",)
    assert [line.name for line in verdict.lines if "leverage" in line.name] == ["leverage_soft", "leverage"]


# --- margin and cash --------------------------------------------------------------------------------------------------


def test_initial_margin_may_not_take_more_of_equity_than_its_cap() -> None:
    limits = replace(WIDE, margin_rate=Decimal("0.5"), margin=Decimal("0.5"))
    free = snapshot(quotes={"XAUUSD": Quote("XAUUSD", MONDAY, BID, BID)})
    assert ask(draft(50, stop_loss=BID - 10), free, limits).approved
    verdict = ask(draft(51, stop_loss=BID - 10), free, limits)
    assert (verdict.limits, verdict.largest) == (("margin",), 50)
    assert verdict.reasons == ("margin: what is held back of equity would be 51.00 % of equity, the cap is 50 %",)
    line = verdict.lines[-1]
    assert (line.now, line.after_fill) == (0.0, pytest.approx(0.51))


def test_an_instrument_without_a_margin_rate_is_held_back_whole_where_others_have_one() -> None:
    limits = replace(WIDE, instruments={"XAGUSD": {"margin_rate": Decimal("0.1")}})
    line = ask(draft(10, stop_loss=BID - 10), limits=limits).lines[-1]
    assert (line.name, line.after_fill) == ("margin", pytest.approx(0.2, rel=1e-3))


def test_where_no_margin_rate_is_known_no_margin_is_shown() -> None:
    assert "margin" not in [line.name for line in ask(draft()).lines]


CASH = replace(WIDE, account="cash")


def test_a_cash_account_sells_nothing_it_does_not_hold() -> None:
    verdict = ask(draft(1, SELL), limits=CASH)
    assert (verdict.limits, verdict.largest) == (("short",), 0)
    verdict = ask(draft(11, SELL), snapshot(LONG), CASH)
    assert (verdict.limits, verdict.largest) == (("short",), 10)
    assert ask(draft(10, SELL), snapshot(LONG), CASH).approved
    waiting = replace(LONG, pending_sells=4, pending_notional=4 * BID * TICK)
    assert ask(draft(7, SELL, LIMIT, price=ASK), snapshot(waiting), CASH).limits == ("short",)


def test_a_cash_account_buys_with_the_cash_it_has_left() -> None:
    assert ask(draft(49), limits=CASH).approved
    verdict = ask(draft(50), limits=CASH)
    assert (verdict.limits, verdict.largest) == (("buying_power",), 49)
    held = Stake(30, BID, 30 * BID * TICK, 0, 30, pending_notional=10 * BID * TICK, pending_buys=10)
    assert ask(draft(10), snapshot(held), CASH).limits == ("buying_power",)
    assert ask(draft(9), snapshot(held), CASH).approved


# --- the market and the venue -----------------------------------------------------------------------------------------


def test_what_the_venue_or_the_prices_forbid_is_denied_with_their_sentence() -> None:
    assert ask(draft(), snapshot(venue_trouble="the link is down")).reasons == ("the link is down",)
    assert ask(draft(), snapshot(blocked={"XAUUSD": "the prices are delayed"})).limits == ("blocked",)
    assert ask(draft(), snapshot(blocked={"XAGUSD": "the prices are delayed"})).approved


def test_reducing_passes_whatever_stands_against_opening() -> None:
    at = snapshot(LONG, venue_trouble="down", blocked={"XAUUSD": "delayed"}, tilt="wait", state="HALTED")
    limits = replace(CASH, allowed=("XAGUSD",), news=calendar(MONDAY), order_lots=Decimal("0.01"))
    assert ask(draft(10, SELL, reduce_only=True), at, limits).approved


@pytest.mark.parametrize(
    "quote", [Quote("XAUUSD", MONDAY, 0, 20), Quote("XAUUSD", MONDAY, ASK, BID), Quote("XAUUSD", MONDAY, -5, 5)]
)
def test_fault_35_a_collar_without_a_sound_reference_denies(quote: Quote) -> None:
    order = draft(type_=LIMIT, price=BID, stop_loss=BID - 100)
    assert "quote" in ask(order, snapshot(quotes={"XAUUSD": quote})).limits
    assert ask(order, snapshot(quotes={})).limits == ("quote",)


def test_fault_35_a_collar_on_a_stale_reference_denies() -> None:
    order = draft(type_=LIMIT, price=BID, stop_loss=BID - 100)
    verdict = ask(order, snapshot(at=MONDAY + 121 * SECOND))
    assert verdict.limits == ("stale",)
    assert verdict.largest == 0


def test_the_collar_is_the_instrument_s_unless_the_limits_name_a_narrower_one() -> None:
    order = draft(type_=LIMIT, price=BID * 98 // 100, stop_loss=BID // 2)
    assert ask(order).approved
    assert ask(order, limits=replace(WIDE, collar=Decimal("0.01"))).limits == ("collar",)
    far = draft(type_=LIMIT, price=BID * 94 // 100, stop_loss=BID // 2)
    assert ask(far, limits=replace(WIDE, collar=Decimal("0.5"))).limits == ("collar",)


def test_trading_hours_may_be_left_aside() -> None:
    saturday = from_iso("2024-06-08T12:00")
    at = snapshot(at=saturday, quotes={"XAUUSD": Quote("XAUUSD", saturday, BID, ASK)})
    assert ask(draft(), at).limits == ("session",)
    assert ask(draft(), at, replace(WIDE, sessions="ignore")).approved


def test_only_what_is_allowed_may_be_opened() -> None:
    assert ask(draft(), limits=replace(WIDE, allowed=("XAUUSD", "XAGUSD"))).approved
    assert ask(draft(), limits=replace(WIDE, allowed=("XAGUSD",))).limits == ("allowed",)


def test_fault_34_a_reduce_only_order_that_would_flip_is_denied() -> None:
    verdict = ask(draft(11, SELL, reduce_only=True), snapshot(LONG))
    assert (verdict.limits, verdict.largest) == (("reduce_only",), 10)


def test_fault_36_a_burst_of_identical_orders_is_stopped_by_the_limiter() -> None:
    rig = Rig(limits=replace(WIDE, duplicate_window_s=0, orders_per_minute=5))
    rig.warm()
    for _ in range(20):
        rig.buy(1, stop_loss=BID - 100)
    assert len([fact for fact in rig.facts(f.OrderIntended) if fact.role == "entry"]) == 5
    assert {fact.limits for fact in rig.facts(f.OrderDenied)} == {("rate",)}
    twin = Rig(limits=replace(WIDE, duplicate_window_s=2))
    twin.warm()
    for _ in range(20):
        twin.buy(1, stop_loss=BID - 100)
    assert len([fact for fact in twin.facts(f.OrderIntended) if fact.role == "entry"]) == 1


# --- trading with oneself ---------------------------------------------------------------------------------------------


def resting(**changes: Any) -> Mapping[str, Mapping[str, Order]]:
    order = Order("NG7", "XAUUSD", SELL, LIMIT, 5, Role.ENTRY, limit=ASK, state=State.ACCEPTED)._replace(**changes)
    return {"XAUUSD": {order.id: order}}


def test_an_order_that_would_trade_with_our_own_is_denied_by_name() -> None:
    verdict = ask(draft(), snapshot(resting=resting()))
    assert verdict.limits == ("self_match",)
    assert verdict.reasons == ("it would trade with your own order NG7; cancel or change that first",)
    assert ask(draft(type_=LIMIT, price=ASK, stop_loss=BID - 100), snapshot(resting=resting())).limits == ("self_match",)
    assert ask(draft(), snapshot(resting=resting()), replace(WIDE, self_match=False)).approved


@pytest.mark.parametrize(
    "changes",
    [
        {"limit": ASK + 1},
        {"side": BUY},
        {"limit": None, "stop": BID - 50, "type": OrderType.STOP},
        {"state": State.HELD},
        {"state": State.INTENT},
    ],
)
def test_an_order_that_cannot_meet_it_is_no_self_match(changes: dict[str, Any]) -> None:
    assert ask(draft(), snapshot(resting=resting(**changes))).approved


def test_a_target_counts_once_its_entry_has_filled_something() -> None:
    entry = Order("NG6", "XAUUSD", BUY, MARKET, 5, Role.ENTRY, state=State.ACCEPTED)
    target = resting(parent="NG6", role=Role.TARGET)["XAUUSD"]
    assert ask(draft(), snapshot(resting={"XAUUSD": {**target, "NG6": entry}})).approved
    filled = entry._replace(filled=2)
    assert ask(draft(), snapshot(resting={"XAUUSD": {**target, "NG6": filled}})).limits == ("self_match",)
    assert ask(draft(), snapshot(resting={"XAUUSD": target})).limits == ("self_match",)


def test_the_pipeline_knows_its_own_resting_orders() -> None:
    rig = Rig()
    rig.warm()
    rig.sell(5, type="limit", price=BID + 100, stop_loss=BID + 900)
    rig.quote(BID)
    rig.buy(5, type="limit", price=BID + 150, stop_loss=BID - 900)
    assert rig.facts(f.OrderDenied)[-1].limits == ("self_match",)


# --- news -------------------------------------------------------------------------------------------------------------


def calendar(at: int, currency: str = "USD", title: str = "Payrolls") -> NewsCalendar:
    return NewsCalendar((Blackout(at, at - 5 * MINUTE, at + 15 * MINUTE, currency, "high", title),))


@pytest.mark.parametrize(("minutes", "denied"), [(-6, False), (-5, True), (0, True), (14, True), (15, False)])
def test_around_an_announcement_nothing_is_opened(minutes: int, denied: bool) -> None:
    limits = replace(WIDE, news=calendar(MONDAY - minutes * MINUTE))
    verdict = ask(draft(), limits=limits)
    assert verdict.limits == (("news",) if denied else ())
    if minutes == 0:
        assert verdict.reasons == ("Payrolls (USD): nothing is opened in XAUUSD for another 15 min",)


@pytest.mark.parametrize(("currency", "denied"), [("XAU", True), ("XAUUSD", True), ("ALL", True), ("EUR", False), ("XAG", False)])
def test_an_announcement_is_for_the_currencies_in_the_instrument(currency: str, denied: bool) -> None:
    assert ask(draft(), limits=replace(WIDE, news=calendar(MONDAY, currency))).approved is not denied


def test_limits_by_default_let_a_usual_order_pass() -> None:
    assert ask(draft(5, stop_loss=BID - 500), limits=Limits()).approved
