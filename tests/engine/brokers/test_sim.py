"""The simulated venue: what fills, where, in which order, and what becomes of the rest."""

from __future__ import annotations

import pytest

from engine.domain import facts as f
from engine.domain.order import OrderType, Role, TimeInForce
from tests.engine.brokers.venue import BUY, SELL, Venue

# --- one order --------------------------------------------------------------------------------------------------------


def test_an_order_is_accepted_at_once_and_meets_the_next_quote_at_the_earliest() -> None:
    venue = Venue()
    venue.quote(1_000, 1_010)
    venue.submit("a", BUY, OrderType.MARKET)
    assert venue.said == [f.OrderAccepted("a", "sim-a")]
    assert venue.deals(1_020, 1_030) == [("a", 10, 1_030)]


def test_a_second_submit_with_the_same_id_makes_no_second_order() -> None:
    venue = Venue()
    venue.submit("a", BUY, OrderType.MARKET)
    venue.submit("a", BUY, OrderType.MARKET, 99)
    assert venue.deals(1_000) == [("a", 10, 1_000)]
    assert len(venue.said) == 2


def test_a_market_order_slips_against_its_owner() -> None:
    venue = Venue(slippage=3)
    venue.submit("a", BUY, OrderType.MARKET)
    venue.submit("b", SELL, OrderType.MARKET)
    assert venue.deals(1_000, 1_010) == [("a", 10, 1_013), ("b", 10, 997)]


def test_a_market_order_placed_on_the_way_deals_where_the_way_begins() -> None:
    venue = Venue()
    venue.quote(1_000, 1_010)
    venue.submit("a", BUY, OrderType.MARKET)
    assert venue.deals(1_100, 1_110, path=True) == [("a", 10, 1_010)]


def test_a_sell_stop_triggers_on_the_bid_and_a_buy_stop_on_the_ask() -> None:
    venue = Venue()
    venue.quote(1_000, 1_010)
    venue.submit("low", SELL, OrderType.STOP, stop=990)
    venue.submit("high", BUY, OrderType.STOP, stop=1_020)
    assert venue.deals(991, 1_019) == []
    assert venue.deals(990, 1_019) == [("low", 10, 990)]
    assert venue.deals(1_000, 1_020) == [("high", 10, 1_020)]


def test_a_stop_on_the_path_fills_at_its_price_and_after_a_gap_at_the_open() -> None:
    venue = Venue(slippage=2)
    venue.quote(1_000)
    venue.submit("path", SELL, OrderType.STOP, stop=990)
    assert venue.deals(950, path=True) == [("path", 10, 988)]
    venue.submit("gap", SELL, OrderType.STOP, stop=940)
    assert venue.deals(900) == [("gap", 10, 898)]


def test_a_limit_fills_on_touch_or_by_option_only_when_passed() -> None:
    touch, through = Venue(), Venue(through=2)
    for venue in (touch, through):
        venue.quote(1_000)
        venue.submit("a", BUY, OrderType.LIMIT, limit=990)
    assert touch.deals(990, path=True) == [("a", 10, 990)]
    assert through.deals(989, path=True) == []
    assert through.deals(988, path=True) == [("a", 10, 990)]


def test_a_limit_the_market_jumped_over_fills_at_the_better_price() -> None:
    venue = Venue()
    venue.quote(1_000)
    venue.submit("a", BUY, OrderType.LIMIT, limit=990)
    assert venue.deals(970) == [("a", 10, 970)]


def test_a_limit_that_could_deal_when_placed_deals_where_the_way_begins() -> None:
    venue = Venue()
    venue.quote(1_000, 1_010)
    venue.submit("a", BUY, OrderType.LIMIT, limit=1_050)
    assert venue.deals(900, 910, path=True) == [("a", 10, 1_010)]


# --- brackets ---------------------------------------------------------------------------------------------------------


def test_legs_rest_until_the_entry_fills() -> None:
    venue = Venue()
    venue.quote(1_000)
    venue.bracket(type_=OrderType.LIMIT, limit=950)
    assert venue.deals(1_200) == []
    assert venue.deals(960) == []


def test_one_tick_that_hits_stop_and_target_takes_the_stop() -> None:
    venue = Venue()
    venue.bracket(SELL, stop=1_005, target=1_015)
    entry, stop, target = venue.quote(1_000, 1_010)
    assert entry == f.OrderFilled("in", "in/1", "XAUUSD", "sell", 1_000, 10, 350_000)
    assert stop == f.OrderFilled("out", "out/1", "XAUUSD", "buy", 1_010, 10, 350_000)
    assert target == f.OrderCancelled("win", "the other leg filled")


def test_on_a_path_the_nearer_comes_first_and_the_other_leg_goes() -> None:
    venue = Venue()
    venue.bracket(stop=950, target=1_050)
    venue.quote(1_000)
    assert venue.deals(1_060, path=True) == [("win", 10, 1_050)]
    assert venue.deals(900, path=True) == []
    assert venue.last(f.OrderCancelled).order == "out"


def test_an_entry_and_its_own_stop_in_one_move_deal_in_the_order_of_the_path() -> None:
    venue = Venue()
    venue.quote(1_000)
    venue.bracket(type_=OrderType.LIMIT, limit=980, stop=960, target=1_050)
    assert venue.deals(950, path=True) == [("in", 10, 980), ("out", 10, 960)]


def test_a_target_behind_the_entry_on_the_path_is_not_met_by_the_way_that_led_there() -> None:
    venue = Venue()
    venue.quote(1_000)
    venue.submit("in", BUY, OrderType.STOP, stop=1_010)
    venue.submit("out", SELL, OrderType.STOP, role=Role.STOP, stop=1_005, parent="in", oco="o", reduce_only=True)
    assert venue.deals(1_030, path=True) == [("in", 10, 1_010)]
    assert venue.deals(1_004, path=True) == [("out", 10, 1_005)]


def test_a_stop_that_the_spread_triggers_at_the_entry_s_fill_deals_at_the_touch_there() -> None:
    """The bid at the moment of the fill lies below the stop already; the rest of the way up is not the stop's to have."""
    venue = Venue()
    venue.quote(990, 1_010)
    venue.submit("in", BUY, OrderType.STOP, stop=1_020)
    venue.submit("out", SELL, OrderType.STOP, role=Role.STOP, stop=1_005, parent="in", oco="o", reduce_only=True)
    assert venue.deals(1_090, 1_110, path=True) == [("in", 10, 1_020), ("out", 10, 1_000)]


def test_cancelling_an_entry_takes_its_legs_along() -> None:
    venue = Venue()
    venue.bracket(type_=OrderType.LIMIT, limit=950)
    venue.broker.cancel("in")
    ended = [(fact.order, fact.reason) for fact in venue.said if isinstance(fact, f.OrderCancelled)]
    assert ended == [("in", "as asked"), ("out", "the entry never opened"), ("win", "the entry never opened")]


def test_an_entry_cancelled_half_way_leaves_legs_of_what_it_filled() -> None:
    venue = Venue(fill_steps=4)
    venue.bracket()
    venue.quote(1_000)
    venue.broker.cancel("in")
    modified = [(fact.order, fact.quantity) for fact in venue.said if isinstance(fact, f.OrderModified)]
    assert modified == [("out", 4), ("win", 4)]
    assert venue.deals(890) == [("out", 4, 890)]


# --- partial fills ----------------------------------------------------------------------------------------------------


def test_by_option_a_quote_fills_no_more_than_so_much_of_an_order() -> None:
    venue = Venue(fill_steps=4)
    venue.submit("a", BUY, OrderType.MARKET)
    assert [venue.deals(1_000 + n) for n in range(4)] == [[("a", 4, 1_000)], [("a", 4, 1_001)], [("a", 2, 1_002)], []]
    assert venue.last(f.OrderFilled).execution == "a/3"


def test_legs_cover_what_the_entry_filled_so_far() -> None:
    venue = Venue(fill_steps=4)
    venue.bracket(type_=OrderType.LIMIT, limit=1_000)
    venue.quote(1_000)
    assert venue.deals(1_100) == [("win", 4, 1_100)]
    assert venue.deals(1_100) == []


def test_a_stop_that_triggered_and_filled_in_part_goes_on_at_the_market() -> None:
    venue = Venue(fill_steps=4)
    venue.bracket(quantity=8, stop=990)
    venue.quote(1_000)
    venue.quote(1_000)
    assert venue.deals(980, path=True) == [("out", 4, 990)]
    assert venue.deals(1_040) == [("out", 4, 1_040)]


def test_a_target_filled_in_part_leaves_the_stop_over_the_rest() -> None:
    venue = Venue(fill_steps=4)
    venue.bracket(quantity=8)
    venue.quote(1_000)
    venue.quote(1_000)
    assert venue.deals(1_100) == [("win", 4, 1_100)]
    assert venue.deals(890) == [("out", 4, 890)]
    assert venue.last(f.OrderCancelled).order == "win"


def test_a_partly_filled_limit_fills_on_at_the_start_of_the_way_back() -> None:
    venue = Venue(fill_steps=4)
    venue.quote(1_000)
    venue.submit("a", BUY, OrderType.LIMIT, 6, limit=990)
    assert venue.deals(985, path=True) == [("a", 4, 990)]
    assert venue.deals(1_000, path=True) == [("a", 2, 985)]


# --- reduce only, time in force ---------------------------------------------------------------------------------------


def test_a_reduce_only_order_never_turns_a_position_round() -> None:
    venue = Venue()
    venue.submit("in", BUY, OrderType.MARKET, 6)
    venue.quote(1_000)
    venue.submit("out", SELL, OrderType.MARKET, 10, Role.CLOSE, reduce_only=True)
    assert venue.deals(1_000) == [("out", 6, 1_000)]
    assert venue.last(f.OrderCancelled) == f.OrderCancelled("out", "nothing left to reduce")


def test_two_exits_hit_together_close_once() -> None:
    venue = Venue()
    venue.submit("in", BUY, OrderType.MARKET, 6)
    venue.quote(1_000)
    for name in ("one", "two"):
        venue.submit(name, SELL, OrderType.STOP, 6, Role.STOP, stop=950, reduce_only=True)
    assert venue.deals(940) == [("one", 6, 940)]


def test_immediate_or_cancel_takes_what_the_next_quote_gives() -> None:
    venue = Venue(fill_steps=4)
    venue.submit("part", BUY, OrderType.MARKET, 10, tif=TimeInForce.IOC)
    venue.submit("none", BUY, OrderType.LIMIT, 10, limit=500, tif=TimeInForce.IOC)
    assert venue.deals(1_000) == [("part", 4, 1_000)]
    ended = [fact.order for fact in venue.said if isinstance(fact, f.OrderCancelled)]
    assert ended == ["part", "none"]


def test_a_day_order_ends_at_the_roll_and_one_with_a_date_at_its_time() -> None:
    venue = Venue()
    venue.submit("day", BUY, OrderType.LIMIT, limit=500, tif=TimeInForce.DAY)
    venue.submit("date", BUY, OrderType.LIMIT, limit=500, tif=TimeInForce.GTD, expires=50)
    venue.submit("good", BUY, OrderType.LIMIT, limit=500)
    venue.broker.on_time(49)
    assert not [fact for fact in venue.said if isinstance(fact, f.OrderExpired)]
    venue.broker.on_time(50)
    assert venue.last(f.OrderExpired).order == "date"
    venue.broker.on_roll()
    assert venue.last(f.OrderExpired).order == "day"
    assert venue.deals(400) == [("good", 10, 400)]


def test_holding_over_the_roll_is_charged_and_wednesday_three_times() -> None:
    venue = Venue()
    venue.submit("in", BUY, OrderType.MARKET, 10)
    venue.quote(1_000)
    for weekday in (1, 2, 5):
        venue.broker.on_night(weekday, ["XAUUSD"])
    charged = [fact for fact in venue.said if isinstance(fact, f.FinancingCharged)]
    assert [(c.nights, c.amount) for c in charged] == [(1, 10 * 120_000), (3, 30 * 120_000)]


# --- asking for changes -----------------------------------------------------------------------------------------------


def test_a_modified_order_deals_at_its_new_terms() -> None:
    venue = Venue()
    venue.quote(1_000)
    venue.submit("a", BUY, OrderType.LIMIT, limit=900)
    venue.broker.modify("a", 3, 950, None)
    assert venue.last(f.OrderModified) == f.OrderModified("a", 3, 950, None)
    assert venue.deals(940, path=True) == [("a", 3, 950)]


@pytest.mark.parametrize("quantity", [4, 3])
def test_an_order_cannot_shrink_to_what_it_filled(quantity: int) -> None:
    venue = Venue(fill_steps=4)
    venue.submit("a", BUY, OrderType.LIMIT, limit=1_000)
    venue.quote(1_000)
    venue.broker.modify("a", quantity, 1_000, None)
    assert venue.last(f.ModifyRejected).order == "a"


def test_what_came_too_late_is_answered_with_a_refusal() -> None:
    venue = Venue()
    venue.submit("a", BUY, OrderType.MARKET)
    venue.quote(1_000)
    venue.broker.cancel("a")
    venue.broker.modify("a", 5, 1, None)
    venue.broker.cancel("never seen")
    assert [type(fact) for fact in venue.said[-3:]] == [f.CancelRejected, f.ModifyRejected, f.CancelRejected]
