from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.domain.instrument import INSTRUMENTS
from engine.domain.market import Depth
from engine.domain.order import Order, OrderType, Role, Side, State
from widgets.depth.ladder import HEAD, ROW, DepthPanel
from widgets.depth.rows import Own, nearest, rows
from widgets.theme import load

PAXG = INSTRUMENTS["PAXGUSDT"]
BOOK = Depth("PAXGUSDT", 0, ((390_000, 10_000), (389_990, 5_000)), ((390_010, 2_000), (390_030, 40_000)))


def order(side: Side, price: int, quantity: int = 500, type_: OrderType = OrderType.LIMIT, filled: int = 0) -> Order:
    prices = {"limit": price} if type_ is OrderType.LIMIT else {"stop": price}
    return Order("o", "PAXGUSDT", side, type_, quantity, Role.ENTRY, state=State.ACCEPTED, filled=filled, **prices)


def test_the_ladder_has_asks_above_the_spread_and_bids_below(qtbot, dark):
    panel = DepthPanel(dark)
    qtbot.addWidget(panel)
    panel.resize(260, 400)
    panel.show_book(PAXG, BOOK, [], has_feed=True)
    assert panel.state()["rows"] == [
        ["", "3,900.30", "4.0000", ""],
        ["", "3,900.10", "0.2000", ""],
        ["", "spread 0.10 (0.26 bp)", "", ""],
        ["1.0000", "3,900.00", "", ""],
        ["0.5000", "3,899.90", "", ""],
    ]


def test_orders_of_one_s_own_are_marked_at_their_prices():
    asks, bids = rows(
        BOOK,
        [
            order(Side.BUY, 390_000, filled=100),
            order(Side.BUY, 390_000, 50),
            order(Side.SELL, 389_990, type_=OrderType.STOP),
            order(Side.SELL, 390_020),
        ],
    )
    assert [(row.price, row.own) for row in bids] == [(390_000, Own(450)), (389_990, Own(500, is_stop=True))]
    assert [(row.price, row.size, row.own) for row in asks] == [
        (390_010, 2_000, None),
        (390_020, 0, Own(500)),
        (390_030, 40_000, None),
    ]


def test_an_order_inside_the_spread_stands_on_its_own_side_and_one_beyond_the_levels_at_the_end():
    asks, bids = rows(BOOK, [order(Side.BUY, 390_005), order(Side.BUY, 380_000), order(Side.SELL, 400_000)])
    assert [row.price for row in bids] == [390_005, 390_000, 389_990, 380_000]
    assert [row.price for row in asks] == [390_010, 390_030, 400_000]


def test_where_there_is_no_room_the_nearest_order_of_one_s_own_is_seen_all_the_same():
    _, bids = rows(BOOK, [order(Side.BUY, 380_000), order(Side.BUY, 379_000)])
    assert [row.price for row in nearest(bids, 2)] == [390_000, 380_000]
    _, bids = rows(BOOK, [order(Side.BUY, 390_000), order(Side.BUY, 379_000)])
    assert [row.price for row in nearest(bids, 2)] == [390_000, 389_990]
    assert nearest(bids, 0) == []


def test_what_is_shown_up_to_a_price_is_told_on_hover(qtbot, dark):
    panel = DepthPanel(dark)
    qtbot.addWidget(panel)
    panel.resize(260, 400)
    panel.show_book(PAXG, BOOK, [order(Side.BUY, 389_990)], has_feed=True)
    assert panel.ladder._told(HEAD + 4 * ROW + 3) == ("0.5000 lots at 3,899.90; 1.5000 of the bids up to there; your own: 0.0500")
    assert panel.ladder._told(HEAD + 2 * ROW + 3) == ""
    assert panel.ladder._told(HEAD + 40 * ROW) == ""


def test_a_low_panel_shows_the_levels_next_to_the_spread(qtbot, dark):
    panel = DepthPanel(dark)
    qtbot.addWidget(panel)
    many = Depth(
        "PAXGUSDT",
        0,
        tuple((390_000 - number, 10) for number in range(20)),
        tuple((390_010 + number, 10) for number in range(20)),
    )
    panel.show_book(PAXG, many, [], has_feed=True)
    panel.ladder.resize(260, HEAD + 5 * ROW)
    assert [None if row is None else row.price for row in panel.ladder.visible()] == [390_011, 390_010, None, 390_000, 389_999]


def test_without_a_book_the_panel_says_why(qtbot, dark):
    panel = DepthPanel(dark)
    qtbot.addWidget(panel)
    panel.show_book(PAXG, None, [], has_feed=False)
    assert "start a session with --feed" in panel.state()["empty"]
    panel.show_book(PAXG, None, [], has_feed=True)
    assert panel.state()["empty"].startswith("PAXGUSDT: no order book is known now")
    panel.show_book(PAXG, BOOK, [], has_feed=True)
    assert panel.state()["empty"] == ""


def test_a_book_is_painted_in_both_themes(qtbot, dark):
    pictures = []
    for theme in (dark, load("light")):
        panel = DepthPanel(theme)
        qtbot.addWidget(panel)
        panel.resize(260, 400)
        panel.show_book(PAXG, BOOK, [order(Side.BUY, 389_990)], has_feed=True)
        pictures.append(panel.grab().toImage())
    assert pictures[0] != pictures[1]


LEVELS = st.lists(st.integers(1, 40), min_size=1, max_size=10, unique=True)


@given(LEVELS, LEVELS, st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 100), st.integers(1, 9)), max_size=6))
def test_no_level_of_the_book_is_lost_and_totals_only_grow(below, above, wanted):
    book = Depth(
        "PAXGUSDT",
        0,
        tuple((1_000 - away, away) for away in sorted(below)),
        tuple((1_000 + away, away) for away in sorted(above)),
    )
    orders = [order(side, 950 + price, quantity) for side, price, quantity in wanted]
    asks, bids = rows(book, orders)
    assert [(row.price, row.size) for row in asks if row.size] == list(book.asks)
    assert [(row.price, row.size) for row in bids if row.size] == list(book.bids)
    for side in (asks, bids):
        assert [row.total for row in side] == sorted(row.total for row in side)
    assert [row.price for row in asks] == sorted(row.price for row in asks)
