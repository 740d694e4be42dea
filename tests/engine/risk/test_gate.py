"""The gate: every limit trips at its own cap, and what the ticket shows is what the fill brings."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.brokers.sim.broker import SimTerms
from engine.core.clock import SECOND, from_iso
from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.instrument import INSTRUMENTS, cash
from engine.domain.limits import Limits, Verdict
from engine.domain.market import Quote
from engine.domain.order import Order, OrderType, Role, Side, State
from engine.risk.draft import Draft
from engine.risk.exposure import Snapshot, Stake
from engine.risk.gate import Gate
from engine.rules.limits import weigh
from engine.rules.loading import load_rules
from tests.engine.rig import FREE_GOLD, MONDAY, WIDE, Rig

BUY, SELL = Side.BUY, Side.SELL
MARKET, LIMIT = OrderType.MARKET, OrderType.LIMIT
BID, ASK = 200_000, 200_020
EQUITY = cash("100000")
TICK = FREE_GOLD.tick_value


def snapshot(stake: Stake | None = None, **changes: Any) -> Snapshot:
    """A calm account of 100,000 with gold at 2000.00 / 2000.20 and an ATR of 1.00."""
    given: dict[str, Any] = {
        "at": MONDAY,
        "state": "ACTIVE",
        "equity": EQUITY,
        "day_start": EQUITY,
        "peak": EQUITY,
        "stakes": {} if stake is None else {"XAUUSD": stake},
        "quotes": {"XAUUSD": Quote("XAUUSD", MONDAY, BID, ASK)},
        "atr": {"XAUUSD": 100},
    }
    return Snapshot(**(given | changes))


def draft(quantity: int = 10, side: Side = BUY, type_: OrderType = MARKET, **rest: Any) -> Draft:
    return Draft("XAUUSD", side, type_, quantity, **rest)


def ask(order: Draft, at: Snapshot | None = None, limits: Limits = WIDE, instrument: Any = FREE_GOLD) -> Verdict:
    return Gate({"XAUUSD": instrument}, limits, 0).check(order, at or snapshot())


def capped(**caps: str) -> Limits:
    return replace(WIDE, **{name: Decimal(cap) for name, cap in caps.items()})


# --- every limit by itself --------------------------------------------------------------------------------------------

LONG = Stake(10, BID, 10 * BID * TICK, 10 * 100 * TICK, 10)
ALONE: list[tuple[str, dict[str, str], Draft, dict[str, Any]]] = [
    # 500 steps x 1000 ticks (bid to stop) = 5,000 of 99,900 left after the spread
    ("position", {"position": "0.05"}, draft(500, stop_loss=BID - 1_000), {}),
    ("open_risk", {"open_risk": "0.05"}, draft(500, stop_loss=BID - 1_000), {}),
    ("leverage", {"leverage": "1"}, draft(50, stop_loss=BID - 10), {}),
    ("worst_day", {"worst_day_hard": "0.05"}, draft(500, stop_loss=BID - 1_000), {}),
    ("daily_loss", {"daily_loss": "0.01"}, draft(1, stop_loss=BID - 10), {"equity": EQUITY * 99 // 100}),
    ("drawdown", {"drawdown": "0.01"}, draft(1, stop_loss=BID - 10), {"equity": EQUITY * 99 // 100}),
]


def test_the_first_order_under_margins_of_its_own_is_weighed_by_what_was_loaded_before() -> None:
    """A kernel that is called with other kinds of numbers is compiled anew, for a second or more, on the engine's thread."""
    load_rules()
    loaded = list(getattr(weigh, "signatures", ()))
    limits = replace(
        WIDE, margin=Decimal(1), margin_rate=Decimal("0.1"), instruments={"XAUUSD": {"margin_rate": Decimal("0.05")}}
    )
    gate = Gate({"XAUUSD": FREE_GOLD, "XAGUSD": replace(FREE_GOLD, symbol="XAGUSD")}, limits, 0)
    margin = next(line for line in gate.check(draft(stop_loss=BID - 10), snapshot()).lines if line.name == "margin")
    assert (margin.now, margin.after_fill) == (0, pytest.approx(10 * ASK * TICK * 0.05 / EQUITY, rel=1e-3))
    assert list(getattr(weigh, "signatures", ())) == loaded


@pytest.mark.parametrize(("name", "caps", "order", "state"), ALONE, ids=[row[0] for row in ALONE])
def test_a_limit_alone_denies_what_goes_beyond_its_cap(name: str, caps: dict[str, str], order: Draft, state: Any) -> None:
    at = snapshot(**state)
    assert ask(order, at).approved
    verdict = ask(order, at, capped(**caps))
    assert verdict.limits == (name,)
    assert len(verdict.reasons) == 1
    assert name.split("_")[0] in verdict.reasons[0]
    line = next(line for line in verdict.lines if line.name == name)
    assert line.after_fill > line.cap
    assert not line.passed
    assert line.used > 1


def test_a_soft_limit_warns_and_lets_pass() -> None:
    verdict = ask(draft(500, stop_loss=BID - 1_000), limits=capped(worst_day_soft="0.05"))
    assert verdict.approved
    assert len(verdict.warnings) == 1
    assert "a warning" in verdict.warnings[0]


def test_the_position_limit_measures_notional_where_it_is_told_to() -> None:
    limits = replace(capped(position="0.5"), position_basis="notional")
    assert ask(draft(25, stop_loss=BID - 10), limits=limits).limits == ("position",)
    assert ask(draft(24, stop_loss=BID - 10), limits=limits).approved


def test_exactly_at_its_cap_a_limit_still_lets_pass() -> None:
    free = snapshot(quotes={"XAUUSD": Quote("XAUUSD", MONDAY, BID, BID)})
    assert ask(draft(500, stop_loss=BID - 1_000), free, capped(position="0.05")).approved
    assert not ask(draft(500, stop_loss=BID - 1_001), free, capped(position="0.05")).approved


def test_what_waits_to_be_filled_counts() -> None:
    waiting = Stake(pending_notional=EQUITY * 2, pending_risk=EQUITY // 100, pending_buys=100)
    assert ask(draft(60, stop_loss=BID - 10), snapshot(waiting), capped(leverage="3")).limits == ("leverage",)
    assert ask(draft(60, stop_loss=BID - 10), snapshot(), capped(leverage="3")).approved


# --- faults of the order itself ---------------------------------------------------------------------------------------

FAULTS: list[tuple[str, Draft, dict[str, Any]]] = [
    ("quantity", draft(0), {}),
    ("quantity", draft(5_001), {}),
    ("price", draft(type_=LIMIT), {}),
    ("price", draft(type_=LIMIT, price=-5), {}),
    ("trading_state", draft(), {"state": "REDUCING"}),
    ("trading_state", draft(), {"state": "HALTED"}),
    ("quote", draft(), {"quotes": {}}),
    ("stale", draft(), {"at": MONDAY + 121 * SECOND}),
    ("session", draft(), {"at": from_iso("2024-06-08T12:00")}),
    ("collar", draft(type_=LIMIT, price=BID * 94 // 100, stop_loss=1), {}),
    ("stop", draft(stop_loss=ASK), {}),
    ("stop", draft(stop_loss=0), {}),
    ("stop", draft(side=SELL, stop_loss=BID), {}),
    ("target", draft(take_profit=ASK), {}),
    ("target", draft(side=SELL, take_profit=-1), {}),
    ("stop", draft(), {"atr": {}}),
    ("reduce_only", draft(reduce_only=True), {}),
    ("unknown_order", draft(), {"stakes": {"XAUUSD": Stake(is_unknown=True)}}),
]


@pytest.mark.parametrize(("name", "order", "state"), FAULTS, ids=[f"{n}-{row[0]}" for n, row in enumerate(FAULTS)])
def test_a_fault_of_the_order_denies_it_by_name(name: str, order: Draft, state: Any) -> None:
    at = snapshot(**state)
    if name in ("stale", "session"):
        fresh = at.at if name == "session" else MONDAY
        at = replace(at, quotes={"XAUUSD": Quote("XAUUSD", fresh, BID, ASK)})
    verdict = ask(order, at)
    assert name in verdict.limits
    assert len(verdict.reasons) == len(verdict.limits)


def test_a_market_that_is_shut_on_a_holiday_is_shut_and_not_stale() -> None:
    good_friday = replace(snapshot(at=from_iso("2024-03-29T14:00")), quotes={"XAUUSD": Quote("XAUUSD", MONDAY, BID, ASK)})
    verdict = ask(draft(), good_friday)
    assert "XAUUSD is outside its trading hours (Good Friday)" in verdict.reasons
    assert "stale" not in verdict.limits


def recent(seconds_ago: float, **changes: Any) -> tuple[int, Order]:
    order = Order("NG1", "XAUUSD", BUY, MARKET, 10, Role.ENTRY)._replace(**changes)
    return MONDAY - round(seconds_ago * SECOND), order


def test_the_same_order_within_the_window_is_a_duplicate() -> None:
    limits = replace(WIDE, duplicate_window_s=1)
    assert ask(draft(), snapshot(recent=(recent(0.9),)), limits).limits == ("duplicate",)
    assert ask(draft(), snapshot(recent=(recent(1.0),)), limits).approved
    for other in ({"quantity": 11}, {"side": SELL}, {"type": LIMIT, "limit": BID}):
        assert ask(draft(), snapshot(recent=(recent(0.5, **other),)), limits).approved


def test_a_limit_order_at_another_price_is_no_duplicate() -> None:
    limits = replace(WIDE, duplicate_window_s=1)
    before = (recent(0.5, type=LIMIT, limit=BID),)
    assert ask(draft(type_=LIMIT, price=BID), snapshot(recent=before), limits).limits == ("duplicate",)
    assert ask(draft(type_=LIMIT, price=BID - 1), snapshot(recent=before), limits).approved


def test_too_many_orders_in_a_minute_are_denied_until_the_minute_is_over() -> None:
    limits = replace(WIDE, orders_per_minute=3)
    busy = tuple(recent(ago, quantity=ago) for ago in (60, 59, 2, 1))
    assert ask(draft(), snapshot(recent=busy), limits).limits == ("rate",)
    assert ask(draft(), snapshot(recent=busy, at=MONDAY + 0), replace(limits, orders_per_minute=4)).approved


# --- reducing ---------------------------------------------------------------------------------------------------------


def test_a_reducing_order_passes_every_limit_and_every_state() -> None:
    nothing = capped(position="0.000001", daily_loss="0.000001", open_risk="0.000001", leverage="0.000001", drawdown="0.000001")
    at = snapshot(LONG, state="HALTED", equity=EQUITY // 2)
    assert ask(draft(10, SELL, reduce_only=True), at, nothing).approved
    assert ask(draft(11, SELL, reduce_only=True), at, nothing).limits == ("reduce_only",)
    assert ask(draft(11, SELL, reduce_only=True), at, nothing).largest == 10


def test_an_opposite_order_is_free_up_to_the_position_and_checked_beyond() -> None:
    limits = capped(leverage="0.1")
    at = snapshot(LONG)
    assert ask(draft(10, SELL), at, limits).approved
    verdict = ask(draft(40, SELL), at, limits)
    assert verdict.limits == ("leverage",)
    assert verdict.largest == 14


def test_an_order_that_waits_cannot_count_on_closing_a_position_that_may_be_gone_by_then() -> None:
    limits = capped(leverage="0.1")
    assert ask(draft(10, SELL), snapshot(LONG), limits).approved
    assert ask(draft(10, SELL, LIMIT, price=ASK), snapshot(LONG), limits).limits == ("leverage",)
    waiting = replace(LONG, pending_sells=10, pending_notional=10 * BID * TICK)
    assert ask(draft(10, SELL), snapshot(waiting), limits).limits == ("leverage",)


def test_an_absurd_order_is_denied_without_figures() -> None:
    for order in (draft(10**19), draft(10**10), draft(stop_loss=10**30), draft(10, SELL, LIMIT, price=10**17)):
        verdict = ask(order, snapshot(LONG))
        assert "absurd" in verdict.limits
        assert verdict.lines == ()


@pytest.mark.parametrize("quantity", [3, 10, 25, 40])
def test_what_a_stop_out_leaves_of_an_order_against_a_position_is_what_it_did_not_close(quantity: int) -> None:
    held = Stake(10, BID, 10 * BID * TICK, 10 * 100 * TICK, 10)
    verdict = ask(draft(quantity, SELL, stop_loss=BID + 500), snapshot(held))
    left = max(0, 10 - quantity)
    out = {line.name: line.after_stop for line in verdict.lines}
    equity_left = EQUITY - max(0, quantity - 10) * (500 + ASK - BID) * TICK
    assert out["leverage"] == pytest.approx(left * BID * TICK / equity_left, rel=1e-3)
    assert out["position"] == pytest.approx(left * 100 * TICK / equity_left, rel=1e-3)


# --- the default stop -------------------------------------------------------------------------------------------------


def test_an_opening_order_without_a_stop_gets_one_three_atr_away() -> None:
    verdict = ask(draft())
    assert (verdict.stop, verdict.stop_is_default) == (ASK - 300, True)
    assert ask(draft(side=SELL)).stop == BID + 300
    given = ask(draft(stop_loss=BID - 7))
    assert (given.stop, given.stop_is_default) == (BID - 7, False)


# --- the largest that passes ------------------------------------------------------------------------------------------

CAPS = st.sampled_from(["0.001", "0.01", "0.05", "0.2"])


@settings(max_examples=200)
@given(
    quantity=st.integers(1, 6_000),
    side=st.sampled_from([BUY, SELL]),
    held=st.integers(-300, 300),
    distance=st.integers(1, 3_000),
    position=CAPS,
    open_risk=CAPS,
    leverage=st.sampled_from(["0.5", "3", "30"]),
)
def test_the_largest_passes_and_one_more_does_not(
    quantity: int, side: Side, held: int, distance: int, position: str, open_risk: str, leverage: str
) -> None:
    mark = BID if held >= 0 else ASK
    stake = Stake(held, mark, abs(held) * mark * TICK, abs(held) * 200 * TICK, abs(held))
    stop = (ASK if side is BUY else BID) - side.sign * distance
    limits = capped(position=position, open_risk=open_risk, leverage=leverage)
    order = draft(quantity, side, stop_loss=stop)
    verdict = ask(order, snapshot(stake), limits)
    assert verdict.approved == (verdict.largest == quantity)
    if 0 < verdict.largest < quantity:
        assert ask(replace(order, quantity=verdict.largest), snapshot(stake), limits).approved
    if verdict.largest < quantity:
        assert not ask(replace(order, quantity=verdict.largest + 1), snapshot(stake), limits).approved


def test_no_quantity_helps_against_what_is_not_about_size() -> None:
    assert ask(draft(), snapshot(state="HALTED")).largest == 0
    assert ask(draft(stop_loss=ASK)).largest == 0
    assert ask(draft(9_999)).largest == 5_000


# --- the preview is the truth -----------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(
    first=st.tuples(st.sampled_from(["buy", "sell"]), st.integers(0, 300), st.integers(25, 900)),
    second=st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 300), st.integers(25, 900)),
    moves=st.lists(st.integers(-15, 15), max_size=3),
    priced=st.booleans(),
    ppm=st.sampled_from([0, 25]),
)
def test_the_preview_is_the_gate_s_verdict_and_the_exposure_after_the_fill(
    first: tuple[str, int, int], second: tuple[str, int, int], moves: list[int], priced: bool, ppm: int
) -> None:
    instrument = replace(INSTRUMENTS["XAUUSD"] if priced else FREE_GOLD, commission_ppm=ppm)
    rig = Rig(instrument=instrument, terms=SimTerms(slippage=0), slippage=3)
    rig.warm()
    side, quantity, distance = first
    if quantity:
        rig.do(ticket(side, quantity, distance))
        rig.quote(BID, ASK)
        assert abs(rig.held) == quantity
    for move in moves:
        rig.quote(BID + move, ASK + move)
    assume(rig.held or not quantity)
    bid = rig.line.book.last["XAUUSD"].bid
    intent = ticket(*second, bid=bid)
    verdict = rig.line.preview(intent)
    assert verdict == rig.line.gate.check(rig.line.owner.draft(intent), rig.line.snapshot())
    rig.do(intent)
    assert verdict.approved == (rig.facts(f.OrderDenied) == [])
    shown = {line.name: line.after_fill for line in verdict.lines}
    rig.quote(bid, bid + 20)
    assume(len(rig.facts(f.OrderFilled)) == bool(quantity) + 1)
    now = rig.line.preview(ticket("buy", 1, 500, bid=bid))
    assert {line.name: line.now for line in now.lines} == pytest.approx(shown, rel=1e-12)


def ticket(side: str, quantity: int, distance: int, bid: int = BID) -> i.SubmitOrder:
    sign = 1 if side == "buy" else -1
    return i.SubmitOrder("XAUUSD", side, "market", quantity, stop_loss=(bid + 20 if sign > 0 else bid) - sign * distance)


def test_an_order_whose_fate_is_unknown_blocks_new_entries_and_keeps_its_exposure() -> None:
    rig = Rig()
    rig.warm()
    rig.buy(10, type="limit", price=BID - 500, stop_loss=BID - 900)
    entry = rig.working(Role.ENTRY)[0]
    rig.line.register.orders[entry.id] = rig.line.register.live["XAUUSD"][entry.id] = entry._replace(state=State.UNKNOWN)
    verdict = rig.line.preview(ticket("buy", 1, 500))
    assert verdict.limits == ("unknown_order",)
    assert rig.line.snapshot().gross == 10 * (BID - 500) * TICK


def test_the_price_of_the_order_is_what_a_limit_s_risk_is_measured_from() -> None:
    at = snapshot(quotes={"XAUUSD": Quote("XAUUSD", MONDAY, BID, BID)})
    line = ask(draft(100, type_=LIMIT, price=BID - 1_000, stop_loss=BID - 1_500), at).lines[0]
    assert (line.name, line.now) == ("position", 0.0)
    assert line.after_fill == pytest.approx(100 * 500 * TICK / EQUITY)
