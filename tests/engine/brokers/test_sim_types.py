"""The simulated venue: stop-limit, trailing, fill or kill, post-only, groups of entries, several targets."""

from __future__ import annotations

import pytest

from engine.domain import facts as f
from engine.domain.order import OrderType, Role, Side, TimeInForce
from tests.engine.brokers.venue import BUY, SELL, Venue

# --- stop-limit -------------------------------------------------------------------------------------------------------


def test_a_stop_limit_triggers_and_fills_on_the_way_where_its_limit_allows() -> None:
    venue = Venue(slippage=3)
    venue.quote(1_000)
    venue.submit("a", BUY, OrderType.STOP_LIMIT, stop=1_010, limit=1_015)
    assert venue.quote(1_050, path=True) == [
        f.OrderTriggered("a"),
        f.OrderFilled("a", "a/1", "XAUUSD", "buy", 1_010, 10, 350_000),
    ]


def test_a_stop_limit_that_a_jump_carries_beyond_its_limit_rests_there() -> None:
    venue = Venue()
    venue.quote(1_000)
    venue.submit("a", SELL, OrderType.STOP_LIMIT, stop=990, limit=985)
    assert venue.quote(970) == [f.OrderTriggered("a")]
    assert venue.deals(984) == []
    assert venue.deals(986) == [("a", 10, 986)]


def test_a_stop_limit_that_did_not_trigger_is_no_limit_order() -> None:
    venue = Venue()
    venue.quote(1_000)
    venue.submit("a", BUY, OrderType.STOP_LIMIT, stop=1_010, limit=1_015)
    assert venue.deals(900) == []


# --- trailing ---------------------------------------------------------------------------------------------------------


def test_a_trailing_stop_follows_the_best_touch_and_never_goes_back() -> None:
    venue = Venue()
    venue.quote(1_000, 1_010)
    venue.submit("a", SELL, OrderType.TRAILING, trail=20)
    assert venue.last(f.OrderTrailed) == f.OrderTrailed("a", 980)
    venue.quote(1_030, 1_040, path=True)
    venue.quote(1_015, 1_025, path=True)
    assert venue.last(f.OrderTrailed) == f.OrderTrailed("a", 1_010)
    assert venue.deals(1_011, 1_021, path=True) == []
    assert venue.deals(1_000, 1_010, path=True) == [("a", 10, 1_010)]


def test_the_order_of_a_bar_s_vertices_decides_what_a_trailing_stop_does() -> None:
    """The same bar, 980 low and 1 040 high: up first, the way down from the high meets it; down first, it was never reached."""
    up_first, down_first = Venue(), Venue()
    for venue, way in ((up_first, (1_040, 980, 1_020)), (down_first, (980, 1_040, 1_020))):
        venue.quote(1_000)
        venue.submit("a", SELL, OrderType.TRAILING, trail=25)
        for price in way:
            venue.quote(price, path=True)
    fill = up_first.last(f.OrderFilled)
    assert (fill.price, fill.quantity) == (1_015, 10)
    assert not [fact for fact in down_first.said if isinstance(fact, f.OrderFilled)]
    assert down_first.last(f.OrderTrailed).stop == 1_015


def test_a_trailing_stop_keeps_millionths_of_the_price_away() -> None:
    venue = Venue()
    venue.quote(100_000)
    venue.submit("a", BUY, OrderType.TRAILING, trail_ppm=10_000)
    assert venue.last(f.OrderTrailed).stop == 101_000
    venue.quote(90_000)
    assert venue.last(f.OrderTrailed).stop == 90_900
    assert venue.deals(90_900) == [("a", 10, 90_900)]


def test_a_trailing_stop_stands_at_its_own_price_until_the_market_is_further() -> None:
    venue = Venue()
    venue.quote(1_000)
    venue.submit("a", SELL, OrderType.TRAILING, stop=990, trail=30)
    venue.quote(1_010)
    assert not [fact for fact in venue.said if isinstance(fact, f.OrderTrailed)]
    venue.quote(1_025)
    assert venue.last(f.OrderTrailed).stop == 995


def test_a_trailing_leg_begins_where_its_entry_filled() -> None:
    venue = Venue()
    venue.quote(1_000, 1_002)
    venue.submit("in", BUY, OrderType.LIMIT, limit=950)
    venue.submit("out", SELL, OrderType.TRAILING, role=Role.STOP, trail=20, parent="in", oco="o", reduce_only=True)
    assert not [fact for fact in venue.said if isinstance(fact, f.OrderTrailed)]
    venue.quote(938, 940, path=True)
    assert venue.last(f.OrderTrailed) == f.OrderTrailed("out", 928)
    assert venue.deals(900, 902, path=True) == [("out", 10, 928)]


def test_a_trailing_stop_without_a_distance_is_refused() -> None:
    venue = Venue()
    venue.submit("a", SELL, OrderType.TRAILING, stop=900)
    assert venue.said == [f.OrderRejected("a", "a trailing stop needs the distance it trails at")]


# --- fill or kill, post-only ------------------------------------------------------------------------------------------


def test_fill_or_kill_takes_all_of_it_or_nothing() -> None:
    venue = Venue(fill_steps=4)
    venue.submit("much", BUY, OrderType.MARKET, 10, tif=TimeInForce.FOK)
    venue.submit("little", BUY, OrderType.MARKET, 4, tif=TimeInForce.FOK)
    venue.submit("dear", BUY, OrderType.LIMIT, 4, limit=900, tif=TimeInForce.FOK)
    assert venue.deals(1_000) == [("little", 4, 1_000)]
    ended = [(fact.order, fact.reason) for fact in venue.said if isinstance(fact, f.OrderCancelled)]
    assert ended == [("much", "fill or kill"), ("dear", "fill or kill")]


@pytest.mark.parametrize(("side", "limit", "refused"), [(BUY, 1_010, True), (BUY, 1_009, False), (SELL, 1_000, True)])
def test_post_only_is_refused_where_it_would_deal_at_once(side: Side, limit: int, refused: bool) -> None:
    venue = Venue()
    venue.quote(1_000, 1_010)
    venue.submit("a", side, OrderType.LIMIT, limit=limit, post_only=True)
    assert isinstance(venue.said[-1], f.OrderRejected if refused else f.OrderAccepted)


def test_post_only_deals_at_its_own_price_though_the_market_jumps_over_it() -> None:
    venue = Venue()
    venue.quote(1_000, 1_010)
    venue.submit("a", BUY, OrderType.LIMIT, limit=990, post_only=True)
    assert venue.deals(960, 970) == [("a", 10, 990)]


def test_post_only_is_not_moved_to_where_it_would_deal() -> None:
    venue = Venue()
    venue.quote(1_000, 1_010)
    venue.submit("a", BUY, OrderType.LIMIT, limit=990, post_only=True)
    venue.broker.modify("a", 10, 1_010, None)
    assert venue.last(f.ModifyRejected).order == "a"


@pytest.mark.parametrize("type_", [OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT])
def test_an_order_without_its_price_is_refused(type_: OrderType) -> None:
    venue = Venue()
    venue.submit("a", BUY, type_)
    assert "needs its" in venue.last(f.OrderRejected).reason


def test_legs_of_a_refused_entry_are_refused_with_it() -> None:
    venue = Venue()
    venue.quote(1_000)
    venue.bracket(type_=OrderType.LIMIT, limit=1_000, post_only=True)
    assert [(type(fact), fact.order) for fact in venue.said if isinstance(fact, f.OrderFact)] == [
        (f.OrderRejected, "in"),
        (f.OrderRejected, "out"),
        (f.OrderRejected, "win"),
    ]


# --- groups -----------------------------------------------------------------------------------------------------------


def test_of_two_entries_the_first_that_fills_in_part_ends_the_other_with_its_legs() -> None:
    venue = Venue(fill_steps=4)
    venue.quote(1_000)
    venue.submit("up", BUY, OrderType.STOP, stop=1_020, oco="pair")
    venue.submit("down", SELL, OrderType.STOP, stop=980, oco="pair")
    venue.submit("guard", BUY, OrderType.STOP, role=Role.STOP, stop=1_000, parent="down", oco="g", reduce_only=True)
    assert venue.deals(1_020) == [("up", 4, 1_020)]
    ended = [(fact.order, fact.reason) for fact in venue.said if isinstance(fact, f.OrderCancelled)]
    assert ended == [("down", "the other entry filled"), ("guard", "the entry never opened")]
    assert venue.deals(970) == [("up", 4, 970)]


def test_two_targets_close_their_shares_and_each_takes_its_stop_along() -> None:
    venue = Venue()
    venue.submit("in", BUY, OrderType.MARKET, 10)
    for word, price, share in (("", 1_050, 4), ("2", 1_100, 6)):
        ties = {"parent": "in", "oco": f"o{word}", "reduce_only": True}
        venue.submit(f"out{word}", SELL, OrderType.STOP, share, Role.STOP, stop=950, **ties)
        venue.submit(f"win{word}", SELL, OrderType.LIMIT, share, Role.TARGET, limit=price, **ties)
    venue.quote(1_000)
    assert venue.deals(1_060, path=True) == [("win", 4, 1_050)]
    assert venue.last(f.OrderCancelled).order == "out"
    assert venue.deals(900, path=True) == [("out2", 6, 950)]
    assert venue.last(f.OrderCancelled).order == "win2"
