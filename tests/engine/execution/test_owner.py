"""The owner's word: what each intent does, and what it says when it cannot be done."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.brokers.sim.broker import SimTerms
from engine.core.clock import MINUTE, SECOND
from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.limits import Limits
from engine.domain.order import Order, Role, Side, State
from engine.execution.trader import Sizing
from engine.signals.desk import Mode
from tests.engine.rig import MONDAY, WIDE, Rig, Scripted

BID, ASK = 200_000, 200_020
QUANTITY = int(Sizing().risk_per_trade * 100_000 / 5)
"""A lot step is an ounce, and the scripted stop lies 5.00 away."""
SMALLER = int(Sizing().risk_per_trade * (100_000 - 2) / 5)
"""The same after the spread on ten ounces was paid."""


def ready(**rig: Any) -> Rig:
    made = Rig(**rig)
    made.warm()
    return made


def opened(quantity: int = 10, **rig: Any) -> Rig:
    made = ready(**rig)
    made.buy(quantity, stop_loss=BID - 1_000, take_profit=BID + 2_000)
    made.quote(BID)
    return made


def kinds(facts: list[f.Fact]) -> list[str]:
    return [type(fact).__name__ for fact in facts]


def exit_of(rig: Rig, role: Role) -> Order:
    (order,) = rig.working(role)
    return order


# --- tickets ----------------------------------------------------------------------------------------------------------


def test_a_ticket_becomes_a_bracket_written_before_it_is_sent() -> None:
    rig = ready()
    facts = rig.buy(10, stop_loss=BID - 500, take_profit=BID + 700)
    assert kinds(facts) == ["OrderIntended"] * 3 + ["OrderSent"] * 3 + ["OrderAccepted"] * 3
    entry, stop, target = rig.working()
    assert (entry.role, stop.role, target.role) == (Role.ENTRY, Role.STOP, Role.TARGET)
    assert (stop.stop, target.limit) == (BID - 500, BID + 700)
    assert stop.parent == target.parent == entry.id
    assert stop.oco == target.oco != ""
    assert stop.reduce_only


def test_every_intent_is_on_record_before_what_it_led_to() -> None:
    rig = ready()
    intent = i.SetMode("MANUAL")
    records = rig.line.on_intent(intent, "somebody")
    assert records[0].fact == f.IntentReceived(i.encode(intent), "somebody")
    assert i.decode(records[0].fact.intent) == intent  # type: ignore[attr-defined]  # an IntentReceived
    assert {record.step for record in records} == {rig.line.step}


def test_a_denied_ticket_is_a_fact_with_its_reasons_and_sends_nothing() -> None:
    rig = ready(limits=replace(WIDE, leverage=Decimal(1)))
    denied, refused = rig.buy(100, stop_loss=BID - 100)
    assert isinstance(denied, f.OrderDenied)
    assert (denied.limits, denied.largest) == (("leverage",), 49)
    assert isinstance(refused, f.IntentRefused)
    assert refused.reason == denied.reason
    assert rig.working() == []


def test_a_ticket_without_a_stop_shows_the_stop_it_will_get() -> None:
    rig = ready()
    verdict = rig.line.preview(i.SubmitOrder("XAUUSD", "buy", "market", 10))
    rig.buy(10)
    assert verdict.stop_is_default
    assert exit_of(rig, Role.STOP).stop == verdict.stop


NONSENSE: list[tuple[i.Intent, str]] = [
    (i.SubmitOrder("EURUSD", "buy", "market", 1), "not traded in this session"),
    (i.SubmitOrder("XAUUSD", "hold", "market", 1), "'hold'"),
    (i.SubmitOrder("XAUUSD", "buy", "magic", 1), "'magic'"),
    (i.SubmitOrder("XAUUSD", "buy", "market", 1, tif="ALL"), "'ALL'"),
    (i.SubmitOrder("XAUUSD", "buy", "limit", 1, BID, tif="GTD"), "date that lies ahead"),
    (i.SubmitOrder("XAUUSD", "buy", "limit", 1, BID, tif="GTD", expires=MONDAY), "date that lies ahead"),
    (i.CancelOrder("NG999999"), "not working any more"),
    (i.ModifyOrder("NG999999", price=1), "not working any more"),
    (i.EditProtection("XAUUSD", stop_loss=BID - 1), "no open position"),
    (i.ClosePosition("XAUUSD"), "no open position"),
    (i.ReversePosition("XAUUSD"), "no open position"),
    (i.AcceptCard("S000001"), "does not wait any more"),
    (i.VetoCard("S000001"), "does not wait any more"),
    (i.FlipCard("S000001"), "does not wait any more"),
    (i.ResizeCard("S000001", 5), "does not wait any more"),
    (i.SetMode("YOLO"), "'YOLO'"),
    (i.Resume(), "ACTIVE already"),
]


@pytest.mark.parametrize(("intent", "words"), NONSENSE, ids=[f"{n}-{type(row[0]).__name__}" for n, row in enumerate(NONSENSE)])
def test_what_cannot_be_done_is_refused_and_changes_nothing(intent: i.Intent, words: str) -> None:
    rig = ready()
    assert words in rig.refusal(intent)
    assert rig.working() == []


def test_an_order_with_a_date_expires_at_it() -> None:
    rig = ready()
    rig.buy(1, type="limit", price=BID - 900, tif="GTD", expires=rig.at + 7 * SECOND)
    rig.quote(BID, after=6 * SECOND)
    assert rig.working(Role.ENTRY)
    rig.quote(BID)
    assert rig.working() == []
    expired = [record.at for record in rig.journal.kept if isinstance(record.fact, f.OrderExpired)]
    assert expired == [rig.at]


# --- changing orders --------------------------------------------------------------------------------------------------


def test_an_entry_is_cancelled_with_its_legs() -> None:
    rig = ready()
    rig.buy(10, type="limit", price=BID - 500, stop_loss=BID - 900, take_profit=BID)
    rig.do(i.CancelOrder(rig.working(Role.ENTRY)[0].id))
    assert rig.working() == []


def test_cancel_all_takes_entries_and_leaves_protection() -> None:
    rig = opened()
    rig.buy(5, type="limit", price=BID - 500)
    rig.do(i.CancelAll("XAUUSD"))
    assert [order.role for order in rig.working()] == [Role.STOP, Role.TARGET]


def test_a_stop_is_never_cancelled_a_target_may_be() -> None:
    rig = opened()
    assert "cannot be cancelled" in rig.refusal(i.CancelOrder(exit_of(rig, Role.STOP).id))
    rig.do(i.CancelOrder(exit_of(rig, Role.TARGET).id))
    assert [order.role for order in rig.working()] == [Role.STOP]


def test_the_stop_of_a_waiting_entry_goes_only_with_its_entry() -> None:
    rig = ready()
    rig.buy(10, type="limit", price=BID - 500, stop_loss=BID - 900)
    assert "cancel the entry" in rig.refusal(i.CancelOrder(exit_of(rig, Role.STOP).id))


def test_a_close_that_an_entry_counts_on_cannot_be_taken_back() -> None:
    rig = opened(limits=replace(WIDE, leverage=Decimal("0.3")))
    rig.do(i.ReversePosition("XAUUSD"))
    close = exit_of(rig, Role.CLOSE)
    assert "cancel the entry first" in rig.refusal(i.CancelOrder(close.id))
    rig.do(i.CancelAll())
    rig.do(i.CancelOrder(close.id))
    rig.quote(BID)
    assert rig.held == 10


def test_moving_an_entry_away_from_its_stop_meets_the_gate() -> None:
    rig = ready(limits=replace(WIDE, position=Decimal("0.01")))
    rig.buy(100, type="limit", price=BID - 500, stop_loss=BID - 1_400)
    entry = exit_of(rig, Role.ENTRY)
    assert "position" in rig.refusal(i.ModifyOrder(entry.id, price=BID - 300))
    assert "position" in rig.refusal(i.ModifyOrder(entry.id, quantity=120))
    assert "below its price" in rig.refusal(i.ModifyOrder(entry.id, price=BID - 1_500))
    rig.do(i.ModifyOrder(entry.id, price=BID - 600))
    assert exit_of(rig, Role.ENTRY).limit == BID - 600


def test_widening_the_stop_of_a_waiting_entry_meets_the_gate() -> None:
    rig = ready(limits=replace(WIDE, position=Decimal("0.01")))
    rig.buy(100, type="limit", price=BID - 500, stop_loss=BID - 1_400)
    stop = exit_of(rig, Role.STOP)
    assert "position" in rig.refusal(i.ModifyOrder(stop.id, price=BID - 2_000))
    assert "below its price" in rig.refusal(i.ModifyOrder(stop.id, price=BID - 400))
    rig.do(i.ModifyOrder(stop.id, price=BID - 1_000))
    assert exit_of(rig, Role.STOP).stop == BID - 1_000


def test_the_quantity_of_a_stop_cannot_be_changed_by_hand() -> None:
    rig = opened()
    assert "follows the position" in rig.refusal(i.ModifyOrder(exit_of(rig, Role.STOP).id, quantity=1))


def test_a_target_is_not_moved_through_the_market() -> None:
    rig = opened()
    assert "above the bid" in rig.refusal(i.ModifyOrder(exit_of(rig, Role.TARGET).id, price=BID - 1))


def test_a_market_order_has_no_price_to_change() -> None:
    rig = ready()
    rig.buy(10)
    assert "no price to change" in rig.refusal(i.ModifyOrder(exit_of(rig, Role.ENTRY).id, quantity=5))


def test_what_was_filled_already_cannot_be_taken_back_by_a_smaller_quantity() -> None:
    rig = ready(terms=SimTerms(slippage=0, fill_steps=4))
    rig.buy(10, type="limit", price=BID)
    rig.quote(BID - 20, BID)
    assert "filled that much" in rig.refusal(i.ModifyOrder(exit_of(rig, Role.ENTRY).id, quantity=4))


def test_an_order_in_between_is_not_changed_until_that_is_settled() -> None:
    rig = opened()
    stop = exit_of(rig, Role.STOP)
    rig.line.register.live["XAUUSD"][stop.id] = rig.line.register.orders[stop.id] = stop._replace(state=State.PENDING_MODIFY)
    assert "PENDING_MODIFY" in rig.refusal(i.ModifyOrder(stop.id, price=BID - 500))


# --- positions --------------------------------------------------------------------------------------------------------


def test_stop_and_target_of_a_position_move_together_or_not_at_all() -> None:
    rig = opened()
    rig.do(i.EditProtection("XAUUSD", BID - 300, BID + 900))
    assert (exit_of(rig, Role.STOP).stop, exit_of(rig, Role.TARGET).limit) == (BID - 300, BID + 900)
    assert "above the bid" in rig.refusal(i.EditProtection("XAUUSD", BID - 100, BID - 50))
    assert exit_of(rig, Role.STOP).stop == BID - 300
    assert "below the bid" in rig.refusal(i.EditProtection("XAUUSD", BID + 100))


def test_a_target_can_be_taken_away_and_put_back() -> None:
    rig = opened()
    rig.do(i.EditProtection("XAUUSD", take_profit=0))
    assert rig.working(Role.TARGET) == []
    rig.do(i.EditProtection("XAUUSD", take_profit=BID + 300))
    rig.quote(BID + 300, path=True)
    assert (rig.held, rig.working()) == (0, [])


def test_moving_the_protection_leaves_a_waiting_entry_s_own_exits_alone() -> None:
    rig = opened()
    rig.buy(5, type="limit", price=BID - 500, stop_loss=BID - 900, take_profit=BID + 50)
    rig.do(i.EditProtection("XAUUSD", BID - 100, BID + 60))
    waiting = [order for order in rig.working() if order.parent and rig.line.register[order.parent].is_live]
    assert [(order.stop, order.limit) for order in waiting] == [(BID - 900, None), (None, BID + 50)]
    rig.do(i.EditProtection("XAUUSD", take_profit=0))
    assert len(rig.working(Role.TARGET)) == 1


def test_a_stop_is_not_widened_beyond_what_the_position_may_lose() -> None:
    rig = opened(100, limits=replace(WIDE, position=Decimal("0.02")))
    assert "2.50 % of equity, the cap is 2" in rig.refusal(i.EditProtection("XAUUSD", BID - 2_500))
    rig.do(i.EditProtection("XAUUSD", BID - 1_900))
    assert exit_of(rig, Role.STOP).stop == BID - 1_900


def test_a_part_of_a_position_is_closed_and_then_the_rest() -> None:
    rig = opened()
    rig.do(i.ClosePosition("XAUUSD", 4))
    rig.quote(BID)
    assert rig.held == 6
    rig.do(i.ClosePosition("XAUUSD"))
    rig.quote(BID)
    assert (rig.held, rig.working()) == (0, [])


def test_more_than_is_held_is_not_closed() -> None:
    rig = opened()
    denied, refused = rig.do(i.ClosePosition("XAUUSD", 11))
    assert isinstance(denied, f.OrderDenied)
    assert isinstance(refused, f.IntentRefused)
    assert "larger than the position" in refused.reason


def test_what_is_being_closed_is_not_closed_again() -> None:
    rig = opened()
    rig.do(i.ClosePosition("XAUUSD", 4))
    rig.do(i.ClosePosition("XAUUSD"))
    assert "being closed already" in rig.refusal(i.ClosePosition("XAUUSD"))
    rig.quote(BID)
    assert rig.held == 0
    assert rig.fills()[1:] == [("sell", 4, BID), ("sell", 6, BID)]


def test_flatten_closes_what_a_partial_close_leaves() -> None:
    rig = opened()
    rig.buy(3, type="limit", price=BID - 800)
    rig.do(i.ClosePosition("XAUUSD", 4))
    rig.do(i.Flatten())
    rig.do(i.Flatten())
    rig.quote(BID)
    assert (rig.held, rig.working(), rig.facts(f.OrderDenied)) == (0, [], [])


def test_flatten_takes_resting_closes_along() -> None:
    rig = opened()
    rig.sell(10, type="limit", price=BID + 500, reduce_only=True)
    rig.do(i.Flatten())
    rig.quote(BID)
    assert (rig.held, rig.working()) == (0, [])


def test_a_reversal_opens_the_same_quantity_the_other_way_with_its_stop_mirrored() -> None:
    rig = opened()
    rig.do(i.ReversePosition("XAUUSD"))
    rig.quote(BID)
    assert rig.held == -10
    assert exit_of(rig, Role.STOP).stop == BID + 1_000
    assert rig.working(Role.TARGET) == []


def test_a_reversal_that_the_gate_stops_says_that_the_position_is_closed_only() -> None:
    rig = opened()
    rig.do(i.Halt())
    facts = rig.do(i.ReversePosition("XAUUSD"))
    refused = next(fact for fact in facts if isinstance(fact, f.IntentRefused))
    assert "closed, but not reversed" in refused.reason
    rig.quote(BID)
    assert rig.held == 0


def test_a_halt_cancels_entries_and_may_flatten() -> None:
    rig = opened()
    rig.buy(3, type="limit", price=BID - 800)
    rig.do(i.Halt())
    assert [order.role for order in rig.working()] == [Role.STOP, Role.TARGET]
    rig.do(i.Halt(flatten=True))
    rig.quote(BID)
    assert (rig.held, rig.working()) == (0, [])
    assert len(rig.facts(f.TradingStateChanged)) == 1


# --- cards ------------------------------------------------------------------------------------------------------------


def asked(side: Side = Side.BUY, *, mode: Mode = Mode.CONFIRM, **rig: Any) -> Rig:
    """A card waits for the owner: proposed at 2000.20 (or 2000.00), 5.00 to the stop and 10.00 to the target."""
    made = Rig(Scripted({30: side}), mode=mode, **rig)
    made.warm()
    made.close_bar()
    made.quote(BID)
    return made


def decided(rig: Rig) -> list[tuple[str, str]]:
    return [(fact.decision, fact.reason) for fact in rig.facts(f.CardDecided)]


def test_a_card_holds_the_signal_as_it_was_emitted() -> None:
    rig = asked()
    (card,) = rig.line.desk.cards.values()
    (signal,) = rig.facts(f.SignalEmitted)
    assert card.signal == signal
    assert (signal.reference, signal.stop, signal.target) == (ASK, ASK - 500, ASK + 1_000)
    assert rig.facts(f.SignalExplained)[0].signal == signal.signal
    assert rig.working() == []


def test_an_accepted_card_is_sized_now_and_traded_with_the_signal_s_own_exits() -> None:
    rig = asked()
    facts = rig.do(i.AcceptCard("S000001", "looks good"))
    assert facts[0] == f.CardDecided("S000001", "accepted", "looks good", 0)
    rig.quote(BID)
    assert rig.held == QUANTITY
    assert (exit_of(rig, Role.STOP).stop, exit_of(rig, Role.TARGET).limit) == (ASK - 500, ASK + 1_000)
    assert {order.signal for order in rig.working()} == {"S000001"}
    assert "does not wait" in rig.refusal(i.AcceptCard("S000001"))


def test_a_vetoed_card_trades_nothing_and_keeps_the_reason() -> None:
    rig = asked()
    assert kinds(rig.do(i.VetoCard("S000001", "news"))) == ["CardDecided"]
    rig.quote(BID)
    assert (rig.held, decided(rig)) == (0, [("vetoed", "news")])
    assert len(rig.facts(f.SignalEmitted)) == 1


def test_a_flipped_card_mirrors_the_distances() -> None:
    rig = asked()
    rig.do(i.FlipCard("S000001", "no"))
    rig.quote(BID)
    assert rig.held == -QUANTITY
    assert (exit_of(rig, Role.STOP).stop, exit_of(rig, Role.TARGET).limit) == (BID + 500, BID - 1_000)
    assert decided(rig) == [("flipped", "no")]
    assert rig.facts(f.SignalEmitted)[0].side == "buy"


def test_a_resized_card_trades_the_owner_s_quantity() -> None:
    rig = asked()
    assert "above zero" in rig.refusal(i.ResizeCard("S000001", 0))
    rig.do(i.ResizeCard("S000001", 7))
    rig.quote(BID)
    assert rig.held == 7
    assert rig.facts(f.CardDecided)[0].quantity == 7


@pytest.mark.parametrize("intent", [i.AcceptCard("S000001"), i.FlipCard("S000001"), i.ResizeCard("S000001", 1)])
def test_a_card_the_price_ran_away_from_waits_on(intent: i.Intent) -> None:
    rig = asked()
    rig.quote(BID + 251)
    assert "moved 2.51 since the signal" in rig.refusal(intent)
    assert list(rig.line.desk.cards) == ["S000001"]
    rig.quote(BID + 250)
    assert "CardDecided" in kinds(rig.do(intent))


def test_a_card_is_not_accepted_while_trading_is_halted() -> None:
    rig = asked()
    rig.do(i.Halt(reason="lunch"))
    assert "HALTED: lunch" in rig.refusal(i.AcceptCard("S000001"))
    assert list(rig.line.desk.cards) == ["S000001"]


def test_a_card_nobody_decides_on_expires_at_its_time() -> None:
    rig = asked(expiry=3)
    (card,) = rig.line.desk.cards.values()
    assert card.expires == rig.facts(f.SignalEmitted)[0].bar + 4 * MINUTE
    rig.pass_time(card.expires - 1)
    assert rig.line.desk.cards
    rig.pass_time(card.expires)
    assert decided(rig) == [("expired", "nobody decided in time")]


def test_a_newer_signal_of_the_other_side_replaces_the_card() -> None:
    rig = Rig(Scripted({30: Side.BUY, 32: Side.SELL}), mode=Mode.CONFIRM)
    rig.warm(34)
    assert [card.signal.side for card in rig.line.desk.cards.values()] == ["sell"]
    assert decided(rig) == [("expired", "a newer signal points the other way")]


def test_switching_to_auto_leaves_waiting_cards_waiting() -> None:
    rig = asked()
    rig.do(i.SetMode("AUTO"))
    rig.quote(BID)
    assert list(rig.line.desk.cards) == ["S000001"]
    assert rig.working() == []
    assert rig.do(i.SetMode("AUTO")) == []


def test_manual_shows_signals_and_drops_them() -> None:
    rig = asked(mode=Mode.MANUAL)
    assert [(fact.signal, fact.reason) for fact in rig.facts(f.SignalDropped)] == [("S000001", "the mode is MANUAL")]
    assert rig.working() == []


def test_auto_trades_at_once() -> None:
    assert asked(mode=Mode.AUTO).held == QUANTITY


def test_an_opposite_signal_closes_first_and_then_enters() -> None:
    rig = asked(Side.SELL)
    rig.buy(10, stop_loss=BID - 1_000)
    rig.quote(BID)
    rig.do(i.ClosePosition("XAUUSD", 3))
    rig.do(i.AcceptCard("S000001"))
    roles = [(order.role, order.side, order.quantity) for order in rig.working() if order.role in (Role.CLOSE, Role.ENTRY)]
    assert roles == [(Role.CLOSE, Side.SELL, 3), (Role.CLOSE, Side.SELL, 7), (Role.ENTRY, Side.SELL, SMALLER)]
    rig.quote(BID)
    assert (rig.held, rig.facts(f.OrderDenied)) == (-SMALLER, [])


def test_a_signal_too_small_to_size_is_dropped_in_auto_and_waits_in_confirm() -> None:
    rig = asked(balance=100_000_000, mode=Mode.AUTO)
    assert "no quantity fits" in rig.facts(f.SignalDropped)[0].reason
    rig = asked(balance=100_000_000)
    assert kinds(rig.do(i.AcceptCard("S000001"))) == ["IntentRefused"]
    assert "no quantity fits" in rig.facts(f.IntentRefused)[0].reason
    assert list(rig.line.desk.cards) == ["S000001"]


def test_an_answer_the_gate_would_deny_leaves_its_card_waiting() -> None:
    rig = asked(limits=Limits(leverage=Decimal("0.05")))
    assert "leverage" in rig.refusal(i.ResizeCard("S000001", 10))
    assert (list(rig.line.desk.cards), decided(rig), rig.facts(f.OrderDenied)) == (["S000001"], [], [])
    rig.do(i.ResizeCard("S000001", 2))
    rig.quote(BID)
    assert rig.held == 2


@pytest.mark.parametrize("held", [Side.BUY, Side.SELL, None])
@pytest.mark.parametrize("quantity", [0, 5, 30, 300])
def test_the_forecast_of_a_card_is_what_its_order_then_meets(held: Side | None, quantity: int) -> None:
    rig = asked(Side.SELL, limits=Limits(leverage=Decimal("1")))
    if held is not None:
        rig.buy(40, stop_loss=BID - 1_000) if held is Side.BUY else rig.sell(4, stop_loss=BID + 1_000)
        rig.quote(BID)
    (card,) = rig.line.desk.cards.values()
    forecast = rig.line.trader.forecast(card.signal, Side.SELL, card.signal.stop, card.signal.target, quantity)
    answer = i.ResizeCard("S000001", quantity) if quantity else i.AcceptCard("S000001")
    facts = rig.do(answer)
    assert bool(forecast.reasons) == isinstance(facts[-1], f.IntentRefused)
    if not forecast.reasons:
        entries = [fact for fact in facts if isinstance(fact, f.OrderIntended) and fact.role == Role.ENTRY.value]
        assert [fact.quantity for fact in entries] == [forecast.quantity]


# --- what the limits are held against ---------------------------------------------------------------------------------


def test_no_sequence_of_intents_leaves_an_entry_waiting_that_the_limits_would_deny() -> None:
    rig = opened(100, limits=Limits(duplicate_window_s=0))
    ticket = i.SubmitOrder("XAUUSD", "sell", "limit", 100, price=BID + 500, stop_loss=BID + 40_000)
    assert kinds(rig.do(ticket)) == ["OrderDenied", "IntentRefused"]
    rig.do(i.ClosePosition("XAUUSD"))
    rig.quote(BID)
    rig.quote(BID + 600)
    assert rig.held == 0


@pytest.mark.parametrize(("limit", "cap"), [("open_risk", "0.015"), ("worst_day_hard", "0.015"), ("position", "0.015")])
def test_a_stop_is_not_moved_further_away_than_a_limit_on_losses_allows(limit: str, cap: str) -> None:
    rig = opened(100, limits=replace(WIDE, **{limit: Decimal(cap)}))
    assert limit.removesuffix("_hard").replace("_", " ") in rig.refusal(i.EditProtection("XAUUSD", stop_loss=BID - 2_000))
    assert exit_of(rig, Role.STOP).stop == BID - 1_000
    rig.do(i.EditProtection("XAUUSD", stop_loss=BID - 900))
    assert exit_of(rig, Role.STOP).stop == BID - 900


def test_an_intent_that_cannot_be_dealt_with_is_refused_and_the_next_one_is_carried_out() -> None:
    rig = ready()
    assert kinds(rig.do(i.SubmitOrder("XAUUSD", "buy", "market", 10**18))) == ["OrderDenied", "IntentRefused"]
    for number in (10**19, float("nan"), 1.5, True, "2", None):
        # what is no number on purpose
        assert kinds(rig.do(i.SubmitOrder("XAUUSD", "buy", "market", number))) == ["IntentRefused"]  # type: ignore[arg-type]
    rig.buy(10)
    rig.quote(BID)
    assert rig.held == 10
