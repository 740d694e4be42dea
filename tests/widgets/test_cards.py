from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from engine.core.clock import SECOND
from engine.domain.intents import AcceptCard, FlipCard, ResizeCard, VetoCard
from engine.domain.views import SignalView
from tests.widgets import samples
from widgets.cards.queue import CardQueue

KEYS = {"A": AcceptCard("s1"), "V": VetoCard("s1"), "F": FlipCard("s1")}


@pytest.fixture
def queue(qtbot, dark):
    made = CardQueue(dark)
    qtbot.addWidget(made)
    made.resize(320, 500)
    made.show()
    made.update_cards((samples.card(),), samples.NOW)
    return made


@pytest.fixture
def asked(queue):
    intents = []
    queue.intent.connect(intents.append)
    return intents


@pytest.fixture
def card(queue, qtbot):
    queue.activateWindow()
    queue.focus_first()
    made = queue.cards["s1"]
    qtbot.waitUntil(made.hasFocus, timeout=3000)
    return made


def test_a_card_shows_the_signal_untouched(queue):
    state = queue.state()["cards"][0]
    assert state["title"] == "LONG ▲ XAUUSD"
    assert state["probability"] == "0.63"
    assert state["prices"] == {"Entry": "2,412.20", "Stop": "2,405.80", "Target": "2,421.80"}
    assert state["why"] == ["rsi 14 +0.31", "spread −0.05"]
    assert state["quantity"] == "0.42"
    assert state["verdict"] == "Passes every limit; tightest position at 26\u00a0%."


def test_the_distances_are_told_in_r(queue):
    rewards = queue.cards["s1"].rewards
    assert rewards["Stop"].text() == "Stop −1.00\u00a0R"
    assert rewards["Target"].text() == "Target +1.50\u00a0R"


@pytest.mark.parametrize("key", list(KEYS))
def test_one_key_answers_the_focused_card(card, asked, qtbot, key):
    qtbot.keyClick(card, getattr(Qt.Key, f"Key_{key}"))
    assert asked == [KEYS[key]]


def test_a_card_is_answered_once(card, asked, qtbot):
    card.veto()
    card.accept()
    card.flip()
    assert asked == [VetoCard("s1")]
    assert not any(card.state()["buttons"].values())


def test_a_refused_answer_may_be_given_again(queue, card, asked):
    card.accept()
    queue.reopen("s1")
    card.veto()
    assert asked == [AcceptCard("s1"), VetoCard("s1")]


def test_the_reason_goes_with_the_answer(card, asked):
    card.reason.setCurrentText("news ahead")
    card.veto()
    assert asked == [VetoCard("s1", "news ahead")]


def test_keys_typed_into_the_reason_answer_nothing(card, asked, qtbot):
    card.reason.lineEdit().setFocus()
    qtbot.keyClicks(card.reason.lineEdit(), "vaf")
    assert asked == []
    assert card.reason.currentText() == "vaf"


def test_resize_first_goes_to_the_quantity_then_sends_it(card, asked, qtbot):
    qtbot.keyClick(card, Qt.Key.Key_R)
    assert asked == []
    assert card.quantity.hasFocus()
    qtbot.keyClicks(card.quantity, "0.20")
    qtbot.keyClick(card.quantity, Qt.Key.Key_Return)
    assert asked == [ResizeCard("s1", 20)]


def test_a_quantity_off_the_grid_is_marked_and_not_sent(card, asked):
    card.quantity.setText("0.205")
    card.resize_order()
    assert asked == []
    assert card.quantity.property("wrong") is True
    assert "multiple of the lot step" in card.quantity.toolTip()


def test_a_quantity_being_typed_is_not_overwritten_by_the_next_frame(queue, card, qtbot):
    card.quantity.selectAll()
    qtbot.keyClicks(card.quantity, "0.20")
    queue.update_cards((samples.card(quantity=37),), samples.NOW)
    assert card.quantity.text() == "0.20"


def test_the_sizers_quantity_follows_the_market_while_untouched(queue):
    queue.update_cards((samples.card(quantity=37),), samples.NOW)
    assert queue.state()["cards"][0]["quantity"] == "0.37"


def test_a_card_the_gate_stands_against_cannot_be_accepted(queue, asked):
    queue.update_cards((samples.card(reasons=("Position would be 6.1 %.",)),), samples.NOW)
    made = queue.cards["s1"]
    assert made.state()["verdict"] == "Position would be 6.1 %."
    made.accept()
    assert asked == []
    made.veto()
    assert asked == [VetoCard("s1")]


def test_the_countdown_follows_the_sessions_time(queue):
    made = queue.cards["s1"]
    assert made.left.text() == "expires 3:00"
    queue.update_cards((made.card,), samples.NOW + 160 * SECOND)
    assert made.left.text() == "expires 0:20"
    assert made.left.property("role") == "warn"
    made.count_down(samples.NOW + 180 * SECOND)
    assert made.left.text() == "expired"


def test_a_decided_card_leaves_and_the_next_takes_the_focus(queue, card, qtbot):
    queue.update_cards((card.card, samples.card(2, "sell")), samples.NOW)
    card.setFocus()
    queue.update_cards((samples.card(2, "sell"),), samples.NOW)
    assert list(queue.cards) == ["s2"]
    assert queue.cards["s2"].hasFocus()


def test_an_empty_queue_says_what_the_mode_does_with_signals(queue, qtbot):
    queue.update_cards((), samples.NOW)
    queue.set_mode("AUTO")
    assert queue.state()["empty"]["sentence"].startswith("In AUTO signals are traded as they come")
    with qtbot.waitSignal(queue.mode_wanted) as wanted:
        queue.empty.button.click()
    assert wanted.args == ["CONFIRM"]


def test_recent_signals_show_what_became_of_them(queue):
    queue.update_signals(
        (
            SignalView(samples.signal(1), samples.NOW, "vetoed", "news ahead"),
            SignalView(samples.signal(2, "sell"), samples.NOW + 1, "auto"),
        )
    )
    rows = queue.state()["recent"]["rows"]
    assert [row[1:] for row in rows] == [
        ["XAUUSD", "SHORT", "0.63", "auto", ""],
        ["XAUUSD", "LONG", "0.63", "vetoed", "news ahead"],
    ]


def test_cards_have_the_room_when_there_is_little(queue, qtbot):
    assert queue.below.isVisible()
    queue.resize(320, 220)
    qtbot.waitUntil(lambda: not queue.below.isVisible(), timeout=2000)
    queue.update_cards((), samples.NOW)
    assert queue.below.isVisible()


def test_a_split_made_by_hand_is_kept(queue):
    queue.split.splitterMoved.emit(200, 1)
    queue.split.setSizes([300, 190])
    sizes = queue.split.sizes()
    queue.update_cards((samples.card(), samples.card(2)), samples.NOW)
    assert queue.split.sizes() == sizes
    assert queue.save_state()["split"] == sizes


def test_cards_change_their_theme_at_run_time(queue, qtbot):
    from widgets import theme

    before = queue.cards["s1"].probability.grab().toImage()
    queue.set_theme(theme.load("light"))
    assert queue.cards["s1"].probability.grab().toImage() != before
