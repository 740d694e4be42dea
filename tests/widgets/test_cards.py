from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from engine.core.clock import SECOND
from engine.domain.intents import AcceptCard, FlipCard, ResizeCard, VetoCard
from engine.domain.views import SignalView
from tests.widgets import samples
from widgets.cards.card import SignalCard
from widgets.cards.queue import CardQueue
from widgets.cards.recent import columns
from widgets.format import Display

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
    qtbot.waitUntil(made.hasFocus, timeout=30_000)
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


@pytest.mark.parametrize(
    ("probability", "words", "role"),
    [(0.4, "0.00\u00a0R expected", "hint"), (0.45, "+0.12\u00a0R expected", "hint"), (0.324, "expected −0.19\u00a0R", "loss")],
)
def test_a_card_says_what_the_signal_brings_on_average(qtbot, dark, probability, words, role):
    made = SignalCard(samples.card(signal=replace(samples.signal(), probability=probability)), dark)
    qtbot.addWidget(made)
    assert made.state()["expected"] == words
    assert made.expected.property("role") == role
    assert "before costs" in made.expected.toolTip()


def test_a_signal_without_a_probability_promises_nothing(qtbot, dark):
    made = SignalCard(samples.card(signal=replace(samples.signal(), policy="sma_cross")), dark)
    qtbot.addWidget(made)
    assert made.state()["expected"] == ""
    assert made.expected.isHidden()


def test_a_recent_signals_tooltip_says_what_it_would_bring_on_average():
    column = next(column for column in columns() if column.name == "probability")
    told = column.why(SignalView(replace(samples.signal(), probability=0.324), samples.NOW, "auto"), Display())
    assert told == "probability 0.324, acts from 0.560, expected −0.19\u00a0R"


SOFT = samples.LINE._replace(name="worst_day_soft", cap=0.02, after_fill=0.031, hard=False, passed=False)


def test_a_soft_limit_that_is_not_passed_is_a_warning(queue):
    queue.update_cards((samples.card(lines=(samples.LINE, SOFT._replace(sentence="worst day: too much (a warning)"))),), 0)
    made = queue.cards["s1"]
    assert made.verdict.text() == "Passes, with a warning: worst day: too much (a warning)."
    assert made.verdict.property("role") == "warn"
    assert all(made.state()["buttons"].values())


def test_only_hard_limits_count_for_the_tightest(queue):
    queue.update_cards((samples.card(lines=(samples.LINE, SOFT._replace(after_fill=0.019, after_stop=0.03, passed=True))),), 0)
    made = queue.cards["s1"]
    assert made.verdict.text() == "Passes every limit; tightest position at 26\u00a0%."
    assert made.verdict.property("role") == "good"


def test_a_card_refused_for_its_size_may_still_be_resized_or_flipped(queue):
    lines = (samples.LINE._replace(after_fill=0.061, passed=False),)
    queue.update_cards((samples.card(lines=lines, reasons=("Position would be 6.1 %.",)),), samples.NOW)
    assert queue.cards["s1"].state()["buttons"] == {"Accept": False, "Veto": True, "Flip": True, "Resize": True}


def test_a_card_refused_for_another_reason_is_not_helped_by_another_size(queue):
    queue.update_cards((samples.card(reasons=("The quote is 40 s old.",)),), samples.NOW)
    assert queue.cards["s1"].state()["buttons"] == {"Accept": False, "Veto": True, "Flip": True, "Resize": False}


def test_a_card_too_small_for_the_sizer_may_be_given_a_size_by_hand(queue):
    queue.update_cards((samples.card(quantity=0, reasons=("One lot step risks more than 0.5 %.",)),), samples.NOW)
    assert queue.cards["s1"].state()["buttons"] == {"Accept": False, "Veto": True, "Flip": True, "Resize": True}


def test_nothing_but_a_veto_answers_a_closed_card(queue, card, asked, qtbot):
    lines = (samples.LINE._replace(after_fill=0.061, passed=False),)
    queue.update_cards((samples.card(lines=lines, reasons=("Trading is HALTED.",), closed=True),), samples.NOW)
    for key in (Qt.Key.Key_A, Qt.Key.Key_F, Qt.Key.Key_R):
        qtbot.keyClick(card, key)
    assert asked == []
    assert not card.quantity.hasFocus()
    assert card.state()["buttons"] == {"Accept": False, "Veto": True, "Flip": False, "Resize": False}
    qtbot.keyClick(card, Qt.Key.Key_V)
    assert asked == [VetoCard("s1")]


def test_a_refused_answer_opens_only_what_can_be_carried_out(queue, card):
    card.veto()
    queue.update_cards((samples.card(reasons=("Trading is HALTED.",), closed=True),), samples.NOW)
    assert not any(card.state()["buttons"].values())
    queue.reopen("s1")
    assert card.state()["buttons"] == {"Accept": False, "Veto": True, "Flip": False, "Resize": False}


def test_the_countdown_says_whose_time_it_counts(queue):
    assert "market time" in queue.cards["s1"].left.toolTip()


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


def test_a_card_that_goes_takes_no_focus_from_where_the_owner_types(qtbot, queue, card):
    window = QWidget()
    qtbot.addWidget(window)
    box, column = QLineEdit(), QVBoxLayout(window)
    for part in (queue, box):
        column.addWidget(part)
    window.show()
    queue.update_cards((card.card, samples.card(2, "sell")), samples.NOW)
    card.setFocus()
    box.setFocus()
    queue.update_cards((samples.card(2, "sell"),), samples.NOW)
    focused = window.focusWidget()
    queue.setParent(None)
    assert focused is box


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
    qtbot.waitUntil(lambda: not queue.below.isVisible(), timeout=30_000)
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


def test_a_decimal_comma_in_the_quantity_is_refused_and_resize_is_dead(queue, qtbot):
    queue.update_cards((samples.card(),), samples.NOW)
    card = queue.cards["s1"]
    card.quantity.clear()
    qtbot.keyClicks(card.quantity, "0,05")
    assert card.verdict.text() == "'0,05' has a comma; write 0.05 with a point."
    assert not card.buttons["Resize"].isEnabled()
    card.quantity.clear()
    qtbot.keyClicks(card.quantity, "0.05")
    assert card.buttons["Resize"].isEnabled()
    assert "comma" not in card.verdict.text()
