"""What the venue says and what is on record are made to agree, whatever was lost in between."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from engine.core.clock import SECOND
from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.order import Role, State
from engine.execution.executions import revision
from engine.execution.look import ABSENCES
from engine.ports.venue import VenuePosition
from tests.engine.execution.counter import ACCOUNT, BID, OUNCES, Line, placed, unanswered


def arrive(line: Line) -> None:
    """Whatever left reaches the venue and rests there; nothing is answered."""
    for order in line.wire.submitted:
        line.counter.rest(order.id, order.side.value, order.quantity, order.limit, order.stop)
    line.wire.submitted.clear()


def kinds(reports: object) -> list[str]:
    return [type(report.fact).__name__ for report in reports]  # type: ignore[attr-defined]  # whatever has a fact


# --- lost answers -----------------------------------------------------------------------------------------------------


def test_fault_13_an_accepted_order_whose_answer_was_lost_is_found_by_its_client_id() -> None:
    line = Line()
    name = placed(line)
    arrive(line)
    unanswered(line)
    found = line.look()
    assert line.line.register[name].state is State.ACCEPTED
    assert line.line.register[name].broker_id == line.counter.id_of(name)
    assert (found.is_clean, line.look().reports) == (True, ())
    assert len(line.line.register.orders) == 2
    assert line.wire.submitted == []


def test_fault_14_an_order_that_never_arrived_is_rejected_only_after_it_was_absent_again_and_again() -> None:
    line = Line()
    name = placed(line)
    line.wire.submitted.clear()
    unanswered(line)
    for seen in range(1, ABSENCES):
        found = line.look()
        assert (line.line.register[name].state, line.absences[name]) == (State.UNKNOWN, seen)
        assert not found.is_clean
        assert name in found.trouble
    line.look()
    assert line.line.register[name].state is State.REJECTED
    assert line.line.register[name].filled == 0
    assert line.look().is_clean
    assert line.wire.submitted == []


def test_an_order_that_turns_up_in_between_is_counted_from_the_beginning() -> None:
    line = Line()
    name = placed(line)
    unanswered(line)
    line.looks(ABSENCES - 1)
    arrive(line)
    line.look()
    assert line.line.register[name].state is State.ACCEPTED
    assert name not in line.absences


def test_what_was_sent_a_moment_ago_is_its_adapters_to_wait_for() -> None:
    line = Line()
    name = placed(line)
    line.looks(ABSENCES + 1)
    assert line.line.register[name].state is State.SENT


def test_fault_15_an_order_that_filled_and_is_gone_is_found_through_its_executions() -> None:
    line = Line()
    name = placed(line)
    arrive(line)
    unanswered(line)
    at_venue = line.counter.id_of(name)
    line.counter.fill(at_venue, 10, BID - 100)
    del line.counter.ended[at_venue]
    line.look()
    assert line.line.register[name].state is State.FILLED
    assert (line.held, line.worth) == (10, line.counter.cash)


def test_an_intent_that_is_found_at_the_venue_was_sent() -> None:
    line = Line()
    name = placed(line)
    arrive(line)
    order = line.line.register[name]
    line.line.register.orders[name] = line.line.register.live["XAUUSD"][name] = order._replace(state=State.INTENT)
    assert kinds(line.look().reports)[:2] == ["OrderUnknown", "OrderAccepted"]


@pytest.mark.parametrize(("status", "state"), [("cancelled", "CANCELLED"), ("rejected", "REJECTED"), ("expired", "EXPIRED")])
def test_an_order_that_ended_unheard_ends_as_the_venue_says(status: str, state: str) -> None:
    line = Line()
    name = placed(line)
    arrive(line)
    unanswered(line)
    line.counter.end(line.counter.id_of(name), status)
    line.look()
    assert line.line.register[name].state.value == state


# --- fills ------------------------------------------------------------------------------------------------------------


def test_fault_21_a_fill_before_its_acknowledgement_and_partial_fills_out_of_order_are_booked_once() -> None:
    line = Line()
    name = placed(line)
    arrive(line)
    at_venue = line.counter.id_of(name)
    first, second = line.counter.fill(at_venue, 3, BID - 100), line.counter.fill(at_venue, 4, BID - 101)
    line.say(f.OrderFilled(name, second.execution_id, "XAUUSD", "buy", BID - 101, 4, 0))
    line.say(f.OrderFilled(name, first.execution_id, "XAUUSD", "buy", BID - 100, 3, 0))
    line.say(f.OrderAccepted(name, at_venue))
    assert "OrderFilled" not in kinds(line.look().reports)
    assert (line.held, line.line.register[name].state) == (7, State.PARTIALLY_FILLED)


def test_fault_22_an_execution_counts_once_and_a_correction_takes_its_place() -> None:
    line = Line()
    name = placed(line)
    arrive(line)
    at_venue = line.counter.id_of(name)
    line.counter.fill(at_venue, 10, BID - 100)
    line.look()
    new = line.counter.correct(0, 8, BID - 110)
    line.look()
    order = line.line.register[name]
    assert (line.held, order.filled, order.filled_value) == (8, 8, 8 * (BID - 110))
    assert line.worth == line.counter.cash
    assert line.line.register.knows(new.execution_id)
    assert line.line.register.fills == 1
    assert line.look().reports == ()


def test_a_correction_of_what_was_sold_since_moves_the_profit_only() -> None:
    line = Line()
    name = placed(line)
    arrive(line)
    line.counter.fill(line.counter.id_of(name), 10, BID - 100)
    line.look()
    line.line.on_intent(i.ClosePosition("XAUUSD"))
    arrive(line)
    close = next(order for order in line.line.register.all_live() if order.role is Role.CLOSE)
    line.counter.fill(line.counter.id_of(close.id), 10, BID)
    line.look()
    booked = line.line.ledger.realised
    line.counter.correct(0, 10, BID - 90)
    line.look()
    assert (line.held, line.line.ledger.realised - booked) == (0, -10 * 10 * line.line.ledger.holdings["XAUUSD"].tick_value)
    assert line.worth == line.counter.cash


def test_a_correction_that_was_superseded_is_not_taken_back() -> None:
    line = Line()
    name = placed(line)
    arrive(line)
    old = line.counter.fill(line.counter.id_of(name), 10, BID - 100)
    line.look()
    line.counter.correct(0, 10, BID - 110)
    line.look()
    stale = replace(line.counter.state(), executions=(old,))
    assert line.compare(stale).reports == ()


def test_what_an_execution_cost_may_be_told_later() -> None:
    line = Line()
    name = placed(line)
    arrive(line)
    line.counter.fill(line.counter.id_of(name), 10, BID - 100, commission=None)
    line.look()
    assert line.line.ledger.costs == 0
    line.counter.executions[0] = replace(line.counter.executions[0], commission=Decimal("1.25"))
    line.counter.cash -= Decimal("1.25")
    assert kinds(line.look().reports) == ["CommissionCharged", "Reconciled"]
    assert line.line.ledger.costs == 1_250_000
    assert line.look().reports == ()


def test_fault_23_a_fill_after_the_cancel_was_confirmed_is_booked() -> None:
    line = Line()
    name = placed(line)
    arrive(line)
    at_venue = line.counter.id_of(name)
    line.say(f.OrderAccepted(name, at_venue))
    line.say(f.OrderCancelled(name, "by the owner"))
    line.counter.end(at_venue, "cancelled")
    line.counter.fill(at_venue, 4, BID - 100)
    found = line.look()
    assert (line.held, line.line.register[name].filled) == (4, 4)
    assert any("though it was CANCELLED" in each for each in found.lines)


def test_a_fill_that_the_venue_counts_and_does_not_tell_is_booked_at_last_at_the_orders_price() -> None:
    line = Line()
    name = placed(line)
    arrive(line)
    line.counter.fill(line.counter.id_of(name), 10, BID - 100)
    line.counter.executions.clear()
    line.look()
    assert line.line.register[name].filled == 0
    line.looks(ABSENCES)
    assert (line.line.register[name].state, line.held) == (State.FILLED, 10)
    assert line.facts(f.PositionAdopted) == []


# --- terms ------------------------------------------------------------------------------------------------------------


def test_terms_that_were_changed_at_the_venue_are_taken_over_when_seen_twice() -> None:
    line = Line()
    name = placed(line)
    arrive(line)
    line.look()
    line.counter.change(line.counter.id_of(name), limit=Decimal("1990.5"), quantity=7 * OUNCES)
    assert not line.look().is_clean
    line.look()
    order = line.line.register[name]
    assert (order.limit, order.quantity) == (199_050, 7)
    assert line.look().is_clean


def test_a_change_and_a_cancel_that_did_nothing_are_said_to_have_done_nothing() -> None:
    line = Line()
    first, second = placed(line), placed(line, price=BID - 150)
    arrive(line)
    line.look()
    line.line.on_intent(i.ModifyOrder(first, price=BID - 120))
    line.line.on_intent(i.CancelOrder(second))
    found = line.looks(ABSENCES - 1)
    assert {line.line.register[name].state for name in (first, second)} == {State.PENDING_MODIFY, State.PENDING_CANCEL}
    assert found.is_clean
    line.look()
    assert {line.line.register[name].state for name in (first, second)} == {State.ACCEPTED}


# --- others -----------------------------------------------------------------------------------------------------------


def test_fault_27_two_orders_with_one_client_id_are_both_shown_and_trading_halts() -> None:
    line = Line()
    name = placed(line)
    arrive(line)
    line.look()
    first = line.counter.id_of(name)
    second = line.counter.rest(name, "buy", 10, limit=BID - 100)
    found = line.look()
    twin = line.line.register[f"EXT-{second}"]
    assert (twin.role, twin.state, line.line.register[name].broker_id) == (Role.EXTERNAL, State.ACCEPTED, first)
    assert line.line.guard.state == "HALTED"
    assert name in found.trouble
    assert second in found.trouble
    assert line.look().reports == ()


def test_fault_28_an_overfill_is_booked_and_halts() -> None:
    line = Line()
    name = placed(line)
    arrive(line)
    at_venue = line.counter.id_of(name)
    line.counter.fill(at_venue, 10, BID - 100)
    line.counter.fill(at_venue, 2, BID - 100)
    line.look()
    assert (line.held, line.line.guard.cause) == (12, "overfill")
    line.looks(3)
    assert line.held == 12


def test_an_overfill_takes_entries_back_and_leaves_stops_and_targets() -> None:
    line = Line()
    name, waiting = placed(line), placed(line, price=BID - 300)
    arrive(line)
    line.look()
    line.counter.fill(line.counter.id_of(name), 10, BID - 100)
    line.counter.fill(line.counter.id_of(name), 2, BID - 100)
    line.look()
    assert line.wire.cancelled == [waiting]
    assert line.line.protection.covered("XAUUSD") == 12


def test_a_position_that_nothing_explains_takes_entries_back_after_all_else_of_the_look_was_booked() -> None:
    line = Line()
    name, waiting = placed(line), placed(line, price=BID - 300)
    arrive(line)
    line.look()
    line.counter.fill(line.counter.id_of(name), 10, BID - 100)
    line.counter.held += 3
    line.looks(2)
    assert (line.held, line.line.guard.state) == (13, "HALTED")
    assert line.wire.cancelled == [waiting]
    assert line.line.protection.covered("XAUUSD") == 10


def test_a_twin_is_left_to_its_owner_with_the_order_it_is_of() -> None:
    line = Line()
    name = placed(line)
    arrive(line)
    line.look()
    line.counter.rest(name, "buy", 10, limit=BID - 100)
    line.look()
    assert (line.line.guard.state, line.line.guard.cause, line.wire.cancelled) == ("HALTED", "twin", [])


def test_an_order_the_venue_gave_a_new_id_is_still_ours() -> None:
    line = Line()
    name = placed(line)
    arrive(line)
    line.look()
    line.counter.end(line.counter.id_of(name), "cancelled")
    line.counter.rest(name, "buy", 10, limit=BID - 100)
    assert line.look().is_clean
    assert [order for order in line.line.register.all_live() if order.role is Role.EXTERNAL] == []
    assert line.line.register[name].is_live


def test_an_order_that_is_over_on_record_and_works_at_the_venue_is_shown_and_halts() -> None:
    line = Line()
    name = placed(line)
    arrive(line)
    line.look()
    line.say(f.OrderCancelled(name, "so it was said"))
    line.look()
    assert line.line.guard.state == "ACTIVE"
    line.look()
    assert line.line.guard.state == "HALTED"
    assert line.line.register[f"EXT-{line.counter.id_of(name)}"].is_live


def test_an_order_of_others_that_was_taken_for_filled_and_works_still_is_taken_over_anew() -> None:
    line = Line()
    at_venue = line.counter.rest("", "buy", 2, limit=BID - 100)
    line.look()
    line.say(f.OrderFilled(f"EXT-{at_venue}", "of another", "XAUUSD", "buy", BID - 100, 2, 0))
    found = line.looks(4)
    assert [order.id for order in line.line.register.all_live()] == [f"EXT-{at_venue}+"]
    assert line.line.guard.state == "HALTED"
    assert (found.is_clean, line.held) == (True, 0)


def test_fault_31_a_manual_order_is_adopted_once_and_followed_to_its_end() -> None:
    line = Line()
    manual = line.counter.rest("", "buy", 10, limit=BID - 500)
    found = line.look()
    order = line.line.register[f"EXT-{manual}"]
    assert (order.role, order.limit, order.quantity, order.state) == (Role.EXTERNAL, BID - 500, 10, State.ACCEPTED)
    assert found.reconciled.adopted == 1
    assert line.look().reports == ()
    line.counter.fill(manual, 4, BID - 500)
    line.look()
    assert (line.held, line.line.register[order.id].filled, line.worth) == (4, 4, line.counter.cash)
    line.counter.end(manual, "cancelled")
    line.look()
    assert line.line.register[order.id].state is State.CANCELLED
    assert line.line.guard.state == "ACTIVE"


def test_a_manual_order_that_filled_before_it_was_seen_is_adopted_with_the_rest_of_it() -> None:
    line = Line()
    manual = line.counter.rest("", "buy", 10, limit=BID - 500)
    line.counter.fill(manual, 4, BID - 500)
    line.look()
    order = line.line.register[f"EXT-{manual}"]
    assert (order.filled, order.state, line.held) == (4, State.PARTIALLY_FILLED, 4)
    assert line.look().reports == ()


def test_foreign_trades_are_booked_as_orders_of_others_and_do_not_halt() -> None:
    line = Line()
    manual = line.counter.rest("", "sell", 6)
    line.counter.fill(manual, 2, BID)
    line.counter.fill(manual, 4, BID - 1)
    assert not line.look().is_clean
    line.look()
    order = line.line.register[f"EXT-{manual}"]
    assert (line.held, order.state, order.role) == (-6, State.FILLED, Role.EXTERNAL)
    assert (line.worth, line.line.guard.state) == (line.counter.cash, "ACTIVE")
    assert line.look().reports == ()


def test_a_manual_order_that_comes_back_after_its_end_is_adopted_and_halts_once() -> None:
    line = Line()
    at_venue = line.counter.rest("", "buy", 3, limit=BID - 700)
    line.look()
    line.say(f.OrderCancelled(f"EXT-{at_venue}", "so it was said"))
    line.looks(2)
    said = len(line.journal.kept)
    found = line.looks(4)
    assert (found.is_clean, len(line.facts(f.OrderAdopted)), len(line.facts(f.TradingStateChanged))) == (True, 2, 1)
    assert line.journal.kept[said:] == []
    line.counter.fill(at_venue, 3, BID - 700)
    line.look()
    assert (line.held, list(line.line.register.all_live())) == (3, [])
    assert line.look().reports == ()


def test_of_what_may_explain_a_position_whole_orders_come_before_a_part_of_one() -> None:
    line = Line()
    sold = line.counter.rest("", "sell", 3, limit=BID - 700)
    bought = line.counter.rest("", "buy", 3, limit=BID + 700)
    line.counter.fill(sold, 2, BID)
    line.counter.fill(bought, 2, BID)
    line.counter.fill(bought, 1, BID)
    line.looks(3)
    filled = {order.id: order.filled for order in line.line.register.orders.values()}
    assert filled == {f"EXT-{sold}": 2, f"EXT-{bought}": 3}
    assert (line.held, line.line.guard.state, line.look().reports) == (1, "ACTIVE", ())


def test_fault_32_a_position_that_nothing_explains_is_adopted_halts_and_is_never_traded() -> None:
    line = Line()
    line.counter.held, line.counter.average = 5, Decimal("1999.995")
    line.counter.cash -= 5 * OUNCES * line.counter.average
    first = line.look()
    assert (line.held, first.is_clean) == (0, False)
    line.look()
    assert (line.held, line.line.guard.state, line.line.guard.cause) == (5, "HALTED", "reconciliation")
    assert line.line.ledger.open["XAUUSD"].basis == 5 * 1_999_995 * line.line.ledger.open["XAUUSD"].tick_value // 10
    assert line.wire.submitted == []
    assert line.compare().is_clean


def test_a_mismatch_of_a_moment_is_not_believed() -> None:
    line = Line()
    line.counter.held = 5
    line.look()
    line.counter.held = 0
    found = line.look()
    assert found.is_clean
    assert line.facts(f.PositionAdopted) == []


def test_orders_positions_and_amounts_that_cannot_be_counted_are_sentences() -> None:
    line = Line()
    line.counter.rest("", "buy", 10, limit=BID - 500)
    line.counter.change("P1", quantity=OUNCES / 3)
    state = replace(line.counter.state(), positions=(VenuePosition(ACCOUNT, "XAUUSD", "XAUUSD", OUNCES / 7, None),))
    found = line.compare(state)
    assert kinds(found.reports) == ["Reconciled"]
    assert len(found.reconciled.mismatches) == 2
    assert all("not a whole number" in each for each in found.reconciled.mismatches)


def test_an_execution_between_two_ticks_is_booked_at_the_nearest_and_said() -> None:
    line = Line()
    name = placed(line)
    arrive(line)
    line.counter.fill(line.counter.id_of(name), 10, BID - 100)
    line.counter.executions[0] = replace(line.counter.executions[0], price=Decimal("1998.996"))
    found = line.look()
    assert line.held == 10
    assert "between two ticks" in found.trouble
    assert line.look().is_clean


def test_what_is_not_traded_here_is_mentioned_and_left_alone() -> None:
    line = Line()
    state = replace(line.counter.state(), positions=(VenuePosition(ACCOUNT, "AAPL", None, Decimal(3), None),))
    found = line.compare(state)
    assert (found.is_clean, found.reports) == (True, ())
    assert any("AAPL" in each for each in found.lines)


# --- cash, and a new book ---------------------------------------------------------------------------------------------


def test_a_deposit_is_taken_over_when_nothing_else_moved() -> None:
    line = Line()
    line.counter.cash += 250
    found = line.look()
    assert kinds(found.reports) == ["CashAdopted", "Reconciled"]
    assert "Cash at the venue differs from the books by +250.00, more than fills and fees on record come to" in found.lines[1]
    assert found.lines[1].endswith("It is taken over.")
    assert (line.worth, line.line.guard.state) == (line.counter.cash, "ACTIVE")


def test_cash_that_follows_a_trade_late_is_waited_for() -> None:
    line = Line()
    name = placed(line)
    arrive(line)
    line.counter.fill(line.counter.id_of(name), 10, BID - 100)
    line.look()
    line.counter.cash += 1
    line.counter.executions[0] = replace(line.counter.executions[0], at=line.counter.at + 3_600 * SECOND)
    assert line.look().reports == ()


def test_a_large_sum_that_nothing_explains_halts() -> None:
    line = Line()
    line.counter.cash -= 20_000
    found = line.look()
    assert found.lines[1].endswith("It is taken over, and trading is halted, for it is more than a 20th of the account.")
    assert (line.worth, line.line.guard.state) == (line.counter.cash, "HALTED")


@pytest.mark.parametrize("average", [Decimal("1980.123"), None])
def test_a_new_book_begins_with_the_venues_cash_and_positions(average: Decimal | None) -> None:
    line = Line()
    line.counter.held, line.counter.average, line.counter.cash = -7, average, Decimal("64321.09")
    line.counter.rest("somebody's", "buy", 3, stop=BID + 900)
    found = line.compare(is_new_book=True)
    assert kinds(found.reports) == ["OrderAdopted", "PositionAdopted", "Reconciled"]
    assert found.is_clean
    line.line.emit(f.AccountOpened(ACCOUNT, "USD", found.opening))
    for report in found.reports:
        line.line.on_report(report)
    assert (line.held, line.worth) == (-7, line.counter.cash)
    assert line.line.register["EXT-P1"].stop == BID + 900
    assert line.look().reports == ()


def test_executions_of_before_a_book_are_not_booked_in_it() -> None:
    line = Line()
    line.counter.fill(line.counter.rest("", "buy", 4), 4, BID)
    found = line.compare(is_new_book=True)
    line.line.emit(f.AccountOpened(ACCOUNT, "USD", found.opening))
    for report in found.reports:
        line.line.on_report(report)
    assert (line.held, line.facts(f.OrderFilled), line.look().reports) == (4, [], ())


@pytest.mark.parametrize(("name", "parts"), [("a.b.02", ("a.b", 2)), ("77", ("77", 0)), (".5", (".5", 0)), ("T-X", ("T-X", 0))])
def test_corrections_are_told_by_the_last_number_of_their_id(name: str, parts: tuple[str, int]) -> None:
    assert revision(name) == parts
