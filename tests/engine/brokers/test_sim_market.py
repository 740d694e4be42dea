"""The simulated venue on a market that shows sizes: books, queues, latency, price lists."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.brokers.sim.venues import VENUES, VenueTerms
from engine.core.clock import SECOND
from engine.domain import facts as f
from engine.domain.instrument import cash
from engine.domain.market import Depth, Quote, Trade
from engine.domain.order import OrderType, Role, TimeInForce
from tests.engine.brokers.venue import BUY, SELL, Venue, dealt
from tests.engine.rig import GOLD

MARKET, LIMIT, STOP = OrderType.MARKET, OrderType.LIMIT, OrderType.STOP


def book(venue: Venue, bids: tuple[tuple[int, int], ...] = (), asks: tuple[tuple[int, int], ...] = ()) -> None:
    """The venue's whole book, as of the last quote."""
    venue.broker.on_depth(Depth("XAUUSD", venue.at, bids, asks))


def trade(venue: Venue, price: int, size: int) -> list[tuple[str, int, int]]:
    """What of our orders a trade of others fills."""
    before = len(venue.said)
    venue.broker.on_trade(Trade("XAUUSD", venue.at, price, size))
    return dealt(venue.said[before:])


# --- sizes ------------------------------------------------------------------------------------------------------------


def test_no_more_is_filled_than_the_quote_shows_and_the_rest_waits_for_another() -> None:
    venue = Venue(sizes=True)
    venue.submit("a", BUY, MARKET, 10)
    assert venue.deals(1_000, 1_010, sizes=(50, 4)) == [("a", 4, 1_010)]
    assert venue.deals(1_000, 1_010, sizes=(50, 4)) == []
    assert venue.deals(1_000, 1_010, sizes=(50, 5)) == [("a", 5, 1_010)]
    assert venue.deals(1_000, 1_011, sizes=(50, 5)) == [("a", 1, 1_011)]


def test_what_is_shown_is_shared_by_the_orders_that_want_it() -> None:
    venue = Venue(sizes=True)
    venue.submit("first", SELL, MARKET, 3)
    venue.submit("second", SELL, MARKET, 3)
    assert venue.deals(1_000, 1_010, sizes=(5, 50)) == [("first", 3, 1_000), ("second", 2, 1_000)]


def test_a_quote_without_sizes_bounds_nothing() -> None:
    venue = Venue(sizes=True)
    venue.submit("a", BUY, MARKET, 10)
    assert venue.deals(1_000, 1_010) == [("a", 10, 1_010)]


def test_a_stop_that_finds_nothing_is_triggered_all_the_same() -> None:
    venue = Venue(sizes=True)
    venue.quote(1_000, 1_010, sizes=(9, 9))
    venue.submit("first", SELL, STOP, 9, stop=990)
    venue.submit("second", SELL, STOP, 9, stop=990)
    said = venue.quote(985, 995, sizes=(9, 9))
    assert dealt(said) == [("first", 9, 985)]
    assert said[-1] == f.OrderTriggered("second")
    assert venue.deals(1_000, 1_010, sizes=(9, 9)) == [("second", 9, 1_000)]


def test_fill_or_kill_counts_what_is_shown_within_its_limit() -> None:
    venue = Venue(sizes=True)
    venue.quote(1_000, 1_010, sizes=(9, 9))
    book(venue, asks=((1_010, 4), (1_012, 4), (1_020, 50)))
    venue.submit("narrow", BUY, LIMIT, 10, limit=1_012, tif=TimeInForce.FOK)
    venue.submit("wide", BUY, LIMIT, 10, limit=1_020, tif=TimeInForce.FOK)
    assert venue.deals(1_000, 1_010) == [("wide", 4, 1_010), ("wide", 4, 1_012), ("wide", 2, 1_020)]
    assert venue.last(f.OrderCancelled) == f.OrderCancelled("narrow", "fill or kill")


# --- books ------------------------------------------------------------------------------------------------------------


def test_a_market_order_walks_the_book_and_does_not_slip_beside_it() -> None:
    venue = Venue(sizes=True, slippage=5)
    venue.quote(1_000, 1_010)
    book(venue, asks=((1_010, 3), (1_013, 4), (1_020, 100)))
    venue.submit("a", BUY, MARKET, 10)
    assert venue.deals(1_000, 1_010) == [("a", 3, 1_010), ("a", 4, 1_013), ("a", 3, 1_020)]
    assert len({fill.execution for fill in venue.said if isinstance(fill, f.OrderFilled)}) == 3


def test_what_a_book_does_not_show_is_not_dealt() -> None:
    venue = Venue(sizes=True)
    venue.quote(1_000, 1_010)
    book(venue, bids=((1_000, 3), (999, 2)))
    venue.submit("a", SELL, MARKET, 10)
    assert venue.deals(1_000, 1_010) == [("a", 3, 1_000), ("a", 2, 999)]
    assert venue.deals(1_000, 1_010) == []
    book(venue, bids=((1_000, 3), (999, 4)))
    assert venue.deals(1_000, 1_010) == [("a", 4, 999)]


def test_levels_the_quote_has_passed_are_gone() -> None:
    venue = Venue(sizes=True)
    venue.quote(1_000, 1_010)
    book(venue, asks=((1_010, 3), (1_013, 4), (1_020, 100)))
    venue.submit("a", BUY, MARKET, 6)
    assert venue.deals(1_005, 1_013, sizes=(9, 5)) == [("a", 5, 1_013), ("a", 1, 1_020)]


def test_an_old_book_is_not_believed() -> None:
    venue = Venue(sizes=True)
    venue.quote(1_000, 1_010)
    book(venue, asks=((1_010, 1),))
    for _ in range(6):
        venue.quote(1_000, 1_010)
    venue.submit("a", BUY, MARKET, 6)
    assert venue.deals(1_000, 1_010, sizes=(0, 4)) == [("a", 4, 1_010)]


def test_a_book_that_is_not_known_any_more_leaves_the_quote_s_own_size() -> None:
    venue = Venue(sizes=True, slippage=5)
    venue.quote(1_000, 1_010)
    book(venue, asks=((1_010, 3), (1_013, 100)))
    book(venue)
    venue.submit("a", BUY, MARKET, 10)
    assert venue.deals(1_000, 1_010, sizes=(9, 4)) == [("a", 4, 1_015)]
    book(venue, asks=((1_010, 4), (1_013, 100)))
    assert venue.deals(1_000, 1_010, sizes=(9, 4)) == [("a", 6, 1_013)]


def test_a_book_much_newer_than_the_quote_is_believed_where_its_best_prices_are_the_quoted() -> None:
    venue = Venue(sizes=True, at_once=True)
    venue.quote(1_000, 1_010, sizes=(9, 2))
    venue.at += 60 * SECOND
    book(venue, bids=((1_000, 9),), asks=((1_011, 50),))
    venue.submit("a", BUY, MARKET, 3)
    assert dealt(venue.said) == [("a", 2, 1_010)]
    book(venue, bids=((1_000, 9),), asks=((1_010, 5), (1_012, 50)))
    assert dealt(venue.said) == [("a", 2, 1_010), ("a", 1, 1_010)]


# --- queues -----------------------------------------------------------------------------------------------------------


def test_a_limit_order_waits_behind_what_was_shown_at_its_price() -> None:
    venue = Venue(sizes=True, queue="trades")
    venue.quote(1_000, 1_010, sizes=(7, 9))
    venue.submit("a", BUY, LIMIT, 5, limit=1_000)
    assert trade(venue, 1_000, 6) == []
    assert trade(venue, 1_000, 3) == [("a", 2, 1_000)]
    assert trade(venue, 1_000, 9) == [("a", 3, 1_000)]


def test_who_cancels_was_behind_the_order() -> None:
    venue = Venue(sizes=True, queue="trades")
    venue.quote(1_000, 1_010, sizes=(7, 9))
    venue.submit("a", BUY, LIMIT, 5, limit=1_000)
    assert venue.deals(1_000, 1_010, sizes=(3, 9)) == []
    venue.quote(1_000, 1_010, sizes=(30, 9))
    assert trade(venue, 1_000, 4) == [("a", 1, 1_000)]


def test_an_order_behind_the_market_stands_behind_what_the_book_shows_there() -> None:
    venue = Venue(sizes=True, queue="trades")
    venue.quote(1_000, 1_010, sizes=(7, 9))
    venue.submit("early", BUY, LIMIT, 5, limit=998)
    book(venue, bids=((1_000, 7), (998, 6), (990, 50)), asks=((1_010, 9),))
    venue.submit("between", BUY, LIMIT, 5, limit=995)
    book(venue, bids=((1_000, 7), (998, 4), (995, 30), (990, 50)), asks=((1_010, 9),))
    venue.quote(998, 1_010, sizes=(12, 9))
    assert trade(venue, 998, 5) == [("early", 1, 998)]
    venue.quote(995, 1_010, sizes=(30, 9))
    assert trade(venue, 995, 2) == [("early", 2, 998)]


def test_an_order_at_an_empty_price_inside_the_book_is_the_first_there() -> None:
    venue = Venue(sizes=True, queue="trades")
    venue.quote(1_000, 1_010, sizes=(7, 9))
    book(venue, bids=((1_000, 7), (990, 50)), asks=((1_010, 9),))
    venue.submit("a", BUY, LIMIT, 5, limit=995)
    venue.quote(995, 1_010, sizes=(30, 9))
    assert trade(venue, 995, 2) == [("a", 2, 995)]


@pytest.mark.parametrize("is_quoted_first", [True, False])
def test_a_trade_counts_once_whether_it_or_the_smaller_size_is_told_first(is_quoted_first: bool) -> None:
    venue = Venue(sizes=True, queue="trades")
    venue.quote(1_000, 1_010, sizes=(7, 9))
    venue.submit("a", BUY, LIMIT, 5, limit=1_000)
    if is_quoted_first:
        venue.quote(1_000, 1_010, sizes=(3, 9))
    assert trade(venue, 1_000, 4) == []
    if not is_quoted_first:
        venue.quote(1_000, 1_010, sizes=(3, 9))
    venue.at += SECOND
    assert trade(venue, 1_000, 3) == []
    assert trade(venue, 1_000, 2) == [("a", 2, 1_000)]


def test_a_trade_that_used_up_a_price_before_the_quote_said_so_serves_what_was_left_of_it() -> None:
    venue = Venue(sizes=True, queue="trades")
    venue.quote(1_000, 1_010, sizes=(7, 9))
    venue.submit("a", BUY, LIMIT, 5, limit=1_000)
    venue.quote(999, 1_010, sizes=(20, 9))
    assert trade(venue, 1_000, 9) == [("a", 2, 1_000)]


@given(st.integers(0, 20), st.integers(1, 20), st.lists(st.integers(1, 8), max_size=8), st.data())
def test_an_order_gets_what_traded_beyond_what_stood_ahead_in_whatever_order_it_is_told(
    ahead: int, behind: int, sizes: list[int], data: st.DataObject
) -> None:
    """Quotes show what is left of ahead and behind; each may be told before or after the trades it shows, or not at all."""
    venue = Venue(sizes=True, queue="trades")
    venue.broker.on_market(Quote("XAUUSD", venue.at, 1_000, 1_010, bid_size=ahead, ask_size=9))
    if not ahead:
        venue.broker.on_market(Quote("XAUUSD", venue.at, 999, 1_010, bid_size=9, ask_size=9))
    venue.submit("a", BUY, LIMIT, 30, limit=1_000)
    traded = told = 0
    for size in sizes:
        if traded + size >= ahead + behind:
            break
        traded += size
        told += 0 if data.draw(st.booleans(), "the quote first") else _told(venue, traded - told)
        if data.draw(st.booleans(), "a quote"):
            venue.broker.on_market(Quote("XAUUSD", venue.at, 1_000, 1_010, bid_size=ahead + behind - traded, ask_size=9))
        told += _told(venue, traded - told)
    assert sum(quantity for _, quantity, _ in dealt(venue.said)) == min(30, max(0, traded - ahead))


def _told(venue: Venue, size: int) -> int:
    if size:
        venue.broker.on_trade(Trade("XAUUSD", venue.at, 1_000, size))
    return size


def test_trades_before_an_order_came_are_no_business_of_it() -> None:
    venue = Venue(sizes=True, queue="trades")
    venue.quote(1_000, 1_010, sizes=(1, 9))
    venue.submit("a", BUY, LIMIT, 5, limit=1_000)
    venue.broker.on_trade(Trade("XAUUSD", venue.at - 1, 999, 5))
    assert dealt(venue.said) == []
    assert trade(venue, 999, 5) == [("a", 5, 1_000)]


def test_where_no_trades_are_told_a_smaller_size_may_count_as_traded() -> None:
    venue = Venue(sizes=True, queue="sizes")
    venue.quote(1_000, 1_010, sizes=(7, 9))
    venue.submit("a", BUY, LIMIT, 5, limit=1_000)
    assert venue.deals(1_000, 1_010, sizes=(2, 9)) == []
    venue.quote(1_000, 1_010, sizes=(20, 9))
    assert venue.deals(1_000, 1_010, sizes=(15, 9)) == [("a", 3, 1_000)]


def test_an_order_in_front_of_the_market_has_nobody_before_it() -> None:
    venue = Venue(queue="trades")
    venue.quote(1_000, 1_010, sizes=(7, 9))
    venue.submit("a", BUY, LIMIT, 5, limit=1_004)
    assert trade(venue, 1_004, 3) == [("a", 3, 1_004)]


def test_an_order_behind_the_market_learns_its_place_when_the_market_comes() -> None:
    venue = Venue(queue="trades")
    venue.quote(1_000, 1_010, sizes=(7, 9))
    venue.submit("a", BUY, LIMIT, 5, limit=990)
    assert trade(venue, 990, 50) == []
    venue.quote(990, 1_000, sizes=(4, 9))
    assert trade(venue, 990, 6) == [("a", 2, 990)]


def test_a_trade_beyond_an_order_s_price_goes_through_it() -> None:
    venue = Venue(queue="trades")
    venue.quote(1_000, 1_010, sizes=(7, 9))
    venue.submit("a", BUY, LIMIT, 5, limit=1_000)
    assert trade(venue, 999, 4) == [("a", 4, 1_000)]


def test_one_trade_serves_no_more_than_itself() -> None:
    venue = Venue(queue="trades")
    venue.quote(1_000, 1_010, sizes=(2, 9))
    for name in ("first", "second"):
        venue.submit(name, BUY, LIMIT, 5, limit=1_000)
    assert trade(venue, 1_000, 9) == [("first", 5, 1_000), ("second", 2, 1_000)]


def test_an_order_that_rests_deals_at_its_price_for_what_comes_to_it() -> None:
    venue = Venue(sizes=True, queue="trades")
    venue.quote(1_000, 1_010, sizes=(7, 9))
    venue.submit("a", BUY, LIMIT, 5, limit=1_000)
    assert venue.deals(990, 998, sizes=(9, 3)) == [("a", 3, 1_000)]


# --- latency ----------------------------------------------------------------------------------------------------------


def test_what_is_asked_takes_effect_when_it_arrives() -> None:
    venue = Venue(latency=3 * SECOND // 2)
    venue.quote(1_000)
    venue.submit("a", BUY, MARKET)
    assert venue.quote(1_001) == []
    accepted, filled = venue.quote(1_002)
    assert accepted == f.OrderAccepted("a", "sim-a")
    assert dealt([filled]) == [("a", 10, 1_002)]


def test_an_order_under_way_is_not_made_twice() -> None:
    venue = Venue(latency=SECOND)
    venue.quote(1_000)
    venue.submit("a", BUY, MARKET)
    venue.submit("a", BUY, MARKET)
    assert [type(fact) for fact in venue.quote(1_001)] == [f.OrderAccepted, f.OrderFilled]


def test_a_cancel_under_way_can_come_too_late() -> None:
    venue = Venue(latency=3 * SECOND // 2)
    venue.quote(1_000)
    venue.submit("a", BUY, LIMIT, limit=990)
    venue.quote(1_000)
    venue.broker.cancel("a")
    venue.quote(1_000)
    assert venue.deals(990) == [("a", 10, 990)]
    venue.quote(990)
    assert venue.last(f.CancelRejected).order == "a"


def test_requests_arrive_while_the_market_is_silent() -> None:
    venue = Venue(latency=SECOND)
    venue.quote(1_000)
    venue.submit("a", BUY, LIMIT, limit=990)
    venue.broker.modify("a", 5, 980, None)
    venue.broker.on_time(venue.at + SECOND)
    assert venue.said == [f.OrderAccepted("a", "sim-a"), f.OrderModified("a", 5, 980, None)]


def test_by_option_an_order_meets_the_quote_that_stands() -> None:
    venue = Venue(sizes=True, at_once=True)
    venue.quote(1_000, 1_010, sizes=(9, 4))
    venue.submit("a", BUY, MARKET, 6, tif=TimeInForce.IOC)
    assert dealt(venue.said) == [("a", 4, 1_010)]
    assert venue.last(f.OrderCancelled) == f.OrderCancelled("a", "immediate or cancel")


def test_a_quote_that_is_too_old_or_of_before_this_process_is_none_that_stands() -> None:
    for is_old in (True, False):
        venue = Venue(sizes=True, at_once=True)
        if is_old:
            venue.quote(1_000, 1_010, sizes=(9, 4))
            venue.at += (GOLD.stale_after_s + 1) * SECOND
            venue.broker.on_time(venue.at)
        else:
            venue.broker.mark(Quote("XAUUSD", venue.at, 1_000, 1_010, False, 9, 4))
        venue.submit("a", BUY, MARKET, 4)
        book(venue, bids=((1_000, 9),), asks=((1_010, 50),))
        assert dealt(venue.said) == []
        assert venue.deals(1_200, 1_210, sizes=(9, 4)) == [("a", 4, 1_210)]


# --- price lists ------------------------------------------------------------------------------------------------------


def commissions(venue: Venue) -> list[int]:
    return [fact.commission for fact in venue.said if isinstance(fact, f.OrderFilled)]


def test_taking_and_making_are_charged_apart() -> None:
    venue = Venue(venue=VenueTerms("x", maker_ppm=1_000, taker_ppm=4_000))
    venue.quote(200_000, 200_010)
    venue.submit("takes", BUY, LIMIT, 10, limit=200_010)
    venue.submit("makes", BUY, LIMIT, 10, limit=199_000)
    venue.submit("posts", BUY, LIMIT, 10, limit=198_000, post_only=True)
    venue.quote(200_000, 200_010)
    venue.quote(197_000, 198_000, path=True)
    notional = [200_010, 199_000, 198_000]
    value = 10 * 10_000
    assert commissions(venue) == [notional[0] * value * 4 // 1_000, notional[1] * value // 1_000, notional[2] * value // 1_000]


def test_the_least_commission_is_paid_once_an_order() -> None:
    venue = Venue(fill_steps=1, venue=VenueTerms("x", taker_ppm=1_000, maker_ppm=1_000, least=cash("5")))
    venue.submit("a", BUY, MARKET, 4)
    for _ in range(4):
        venue.quote(200_000)
    each = cash("2")
    assert commissions(venue) == [cash("5"), 0, cash("1"), each]


def test_a_charge_by_the_lot_knows_no_least() -> None:
    venue = Venue(venue=VENUES["ib"])
    venue.submit("a", BUY, MARKET, 1)
    venue.quote(200_000)
    assert commissions(venue) == [35_000]


def test_a_venue_without_shorts_sells_what_is_held_and_no_more() -> None:
    venue = Venue(venue=VENUES["kraken"])
    venue.submit("short", SELL, MARKET, 1)
    assert venue.last(f.OrderRejected).reason == "kraken does not sell short: 0 lot steps are held and not on offer"
    venue.submit("in", BUY, MARKET, 10)
    venue.quote(1_000)
    venue.submit("offer", SELL, LIMIT, 7, limit=1_100)
    venue.submit("more", SELL, LIMIT, 4, limit=1_100)
    assert venue.last(f.OrderRejected).order == "more"
    venue.submit("rest", SELL, LIMIT, 3, limit=1_100, role=Role.CLOSE)
    assert venue.deals(1_100) == [("offer", 7, 1_100), ("rest", 3, 1_100)]


@pytest.mark.parametrize(("name", "charged"), [("", 1), ("ib", 1), ("binance", 0)])
def test_a_spot_exchange_finances_nothing(name: str, charged: int) -> None:
    venue = Venue(venue=VENUES[name])
    venue.submit("in", BUY, MARKET, 10)
    venue.quote(1_000)
    venue.broker.on_night(1, ["XAUUSD"])
    assert sum(isinstance(fact, f.FinancingCharged) for fact in venue.said) == charged


def test_every_price_list_is_named_as_it_is_asked_for() -> None:
    told: dict[str, Any] = {name: terms.name for name, terms in VENUES.items()}
    assert told == {name: name for name in VENUES}
