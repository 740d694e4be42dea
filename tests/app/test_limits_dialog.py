"""The dialog of limits: tighter at once, looser with a reason, nonsense not at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QWidget

from app.dialogs.limits import ChangeLimit
from engine.domain.facts import LimitsRequested
from engine.domain.intents import ChangeLimits
from engine.domain.limits import Limits


@pytest.fixture
def dialog(qtbot) -> Iterator[ChangeLimit]:
    parent = QWidget()
    qtbot.addWidget(parent)
    asked = LimitsRequested("leverage", "", "5", "3", "a calmer market", 1_717_416_000_000_000_000)
    yield ChangeLimit(Limits(), [asked], ("XAUUSD",), "UTC", parent)
    assert parent.children()


def fill(dialog: ChangeLimit, name: str, value: str, reason: str = "") -> None:
    dialog.name.setCurrentText(name)
    dialog.value.setText(value)
    dialog.reason.setText(reason)


def test_a_tighter_limit_needs_no_reason_and_holds_at_once(dialog: ChangeLimit, qtbot) -> None:
    fill(dialog, "daily_loss", "0.01")
    assert dialog.now.text() == "0.02"
    assert dialog.effect.text() == "Tighter: in force at once."
    with qtbot.waitSignal(dialog.changed) as asked:
        dialog.accept_button.click()
    assert asked.args == [ChangeLimits("daily_loss", "0.01")]


def test_a_looser_limit_needs_a_reason_and_says_when_it_holds(dialog: ChangeLimit) -> None:
    fill(dialog, "daily_loss", "0.03")
    assert "after it was asked for" in dialog.effect.text()
    assert not dialog.accept_button.isEnabled()
    dialog.reason.setText("a wider stop")
    assert dialog.accept_button.isEnabled()


@pytest.mark.parametrize(("value", "word"), [("1,5", "not a"), ("-1", "out of range"), ("0.02", "in force")])
def test_what_cannot_be_set_is_said_and_cannot_be_asked_for(dialog: ChangeLimit, value: str, word: str) -> None:
    fill(dialog, "daily_loss", value, "because")
    assert word in dialog.effect.text()
    assert not dialog.accept_button.isEnabled()


def test_only_some_limits_may_be_an_instruments_own(dialog: ChangeLimit) -> None:
    dialog.name.setCurrentText("leverage")
    assert not dialog.where.isEnabled()
    dialog.name.setCurrentText("order_lots")
    assert dialog.where.isEnabled()
    dialog.where.setCurrentText("XAUUSD")
    dialog.value.setText("5")
    assert dialog.effect.text() == "Tighter: in force at once."


def test_what_waits_is_shown(dialog: ChangeLimit) -> None:
    assert "leverage 3 → 5" in dialog.waiting.text()
