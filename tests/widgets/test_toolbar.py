from __future__ import annotations

import math
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt

from engine.core.clock import SECOND
from engine.domain.instrument import cash
from engine.domain.intents import Halt, Resume, SetMode
from engine.domain.views import Gauge
from tests.widgets import samples
from widgets.format import Display
from widgets.toolbar.account_bar import AccountBar
from widgets.toolbar.replay_bar import SPEEDS, ReplayBar
from widgets.toolbar.status_bar import ERROR_MS, NOTE_MS, StatusBar

GAUGES = (Gauge("worst_day", 0.0168, 0.02, "warn", "All stops would cost 1.68 %."),)


@pytest.fixture
def bar(qtbot, dark):
    made = AccountBar(dark)
    qtbot.addWidget(made)
    made.resize(1366, 40)
    made.show()
    return made


def test_resume_is_offered_only_while_trading_is_held_back(bar):
    for state, offered in (("STARTING", False), ("REDUCING", True), ("HALTED", True), ("ACTIVE", False)):
        bar.show_state(state, "")
        assert bar.state()["buttons"]["Resume"] is offered


def test_the_focus_of_resume_does_not_fall_on_a_mode(bar, qtbot):
    bar.show_state("HALTED", "owner")
    bar.resume.setFocus()
    bar.show_state("ACTIVE", "")
    assert not any(button.hasFocus() for button in bar.mode.buttons.values())


@pytest.fixture
def asked(bar):
    intents = []
    bar.intent.connect(intents.append)
    return intents


def test_the_bar_says_whose_money_it_is_and_how_it_stands(bar):
    bar.set_badges(("PAPER", "SIMULATED"))
    bar.show_account(samples.ACCOUNT, GAUGES)
    state = bar.state()
    assert state["badges"] == ["PAPER", "SIMULATED"]
    assert state["equity"] == "100,412.30 USD"
    assert state["day"] == "+212.80 (+0.21\u00a0%)"
    assert state["risk"] == "84\u00a0%"
    assert "worst day" in bar.risk.toolTip()


def test_a_losing_day_has_its_sign_and_colour(bar):
    bar.show_account(replace(samples.ACCOUNT, equity=cash(100_000)))
    assert bar.day.text() == "−199.50 (−0.20\u00a0%)"
    assert bar.day.property("role") == "loss"


def test_the_frame_takes_the_accounts_colour(bar):
    bar.set_badges(("LIVE",))
    assert bar.property("account") == "live"
    bar.set_badges(("PAPER", "REPLAY"))
    assert bar.property("account") == "paper"


def test_the_mode_is_asked_for_and_shown_when_the_engine_has_it(bar, asked):
    bar.mode.buttons["CONFIRM"].click()
    assert asked == [SetMode("CONFIRM")]
    bar.show_mode("MANUAL")
    assert bar.state()["mode"] == "MANUAL"
    assert len(asked) == 1


def test_halt_takes_one_press_and_resume_appears(bar, asked):
    bar.halt.click()
    assert asked == [Halt(reason="owner")]
    bar.show_state("HALTED", "drawdown 15.1 % of 15 %")
    assert bar.state()["state"] == "HALTED: drawdown 15.1 % of 15 %"
    assert not bar.halt.isEnabled()
    bar.resume.click()
    assert asked[-1] == Resume()
    bar.show_state("ACTIVE", "")
    assert bar.state()["buttons"] == {"HALT": True, "Resume": False}


def test_halting_twice_asks_once(bar, asked):
    bar.show_state("HALTED", "owner")
    bar.stop()
    assert asked == []


def test_the_tooltip_of_halt_names_its_key(bar):
    assert "(Ctrl+Shift+H)" in bar.halt.toolTip()


@pytest.fixture
def replay(qtbot, dark):
    made = ReplayBar(dark)
    qtbot.addWidget(made)
    return made


def test_play_and_pause_share_a_button(replay, qtbot):
    with qtbot.waitSignal(replay.play):
        replay.toggle.click()
    replay.show_running(True)
    with qtbot.waitSignal(replay.pause):
        replay.toggle.click()
    with qtbot.waitSignal(replay.step):
        replay.one.click()


def test_the_slider_runs_from_real_time_to_as_fast_as_it_goes(replay, qtbot):
    with qtbot.waitSignal(replay.speed_changed) as fastest:
        replay.speed.setValue(len(SPEEDS) - 1)
    assert math.isinf(fastest.args[0])
    assert replay.state()["speed"] == "max"
    with qtbot.waitSignal(replay.speed_changed) as slowest:
        replay.speed.setValue(0)
    assert slowest.args == [1.0]


@pytest.mark.parametrize(("speed", "text"), [(1.0, "1×"), (60.0, "60×"), (math.inf, "max"), (75.0, "75×")])
def test_the_speed_in_force_is_shown_without_asking_for_it(replay, qtbot, speed, text):
    with qtbot.assertNotEmitted(replay.speed_changed):
        replay.show_speed(speed)
    assert replay.state()["speed"] == text


def test_the_position_is_shown_with_its_zone(replay):
    replay.set_display(Display("Asia/Bangkok"))
    replay.show_position(samples.NOW, 0.4371)
    assert replay.state()["time"] == "2026-11-20 14:03:12 Bangkok"
    assert replay.state()["progress"] == "43.7\u00a0%"
    replay.show_position(samples.NOW + SECOND, None)
    assert replay.state()["progress"] == ""


@pytest.fixture
def status(qtbot, dark):
    made = StatusBar(dark)
    qtbot.addWidget(made)
    return made


def test_the_lights_say_what_is_connected(status):
    status.show_light("feed", "SIMULATED 12 ms")
    status.show_light("broker", "reconnecting", "warn", "No heartbeat for 20 s.")
    assert status.state()["lights"] == {"feed": "SIMULATED 12 ms", "broker": "reconnecting", "journal": "not started"}
    assert status.lights["broker"].toolTip() == "No heartbeat for 20 s."


def test_the_clocks_show_utc_and_the_users_zone(status):
    status.show_time(samples.NOW, "Asia/Bangkok")
    assert status.state()["clocks"] == ["2026-11-20 07:03:12 UTC", "14:03:12 Bangkok"]
    status.show_time(samples.NOW + SECOND, "Etc/UTC")
    assert status.state()["clocks"] == ["2026-11-20 07:03:13 UTC"]


def test_at_the_end_of_a_run_there_is_nothing_left_to_decide_or_stop(qtbot, dark):
    bar = AccountBar(dark)
    qtbot.addWidget(bar)
    bar.end()
    bar.show_state("HALTED", "drawdown")
    bar.show_state("ACTIVE", "")
    assert bar.state()["buttons"] == {"HALT": False, "Resume": False}
    assert not bar.mode.isEnabled()
    with qtbot.assertNotEmitted(bar.intent):
        bar.stop()


@pytest.mark.parametrize(("role", "stays"), [("error", ERROR_MS), ("good", NOTE_MS), ("label", NOTE_MS)])
def test_every_note_passes_and_an_error_last(status, role, stays):
    status.say("Order denied.", role)
    assert status._calm.isActive()
    assert status._calm.interval() == stays
    status._calm.timeout.emit()
    assert status.state()["note"] == ""
    assert ERROR_MS > NOTE_MS


def test_an_error_is_forgiven_when_a_later_wish_is_done_and_a_note_is_kept(status):
    status.say("Order denied.", "error")
    status.forgive()
    assert status.state()["note"] == ""
    status.say("Saved.")
    status.forgive()
    assert status.state()["note"] == "Saved."


def test_only_a_slow_frame_is_told(status):
    status.show_frame(7.2)
    assert status.frame.isHidden()
    status.show_frame(120)
    assert status.frame.text() == "120 ms"
    assert not status.frame.isHidden()


def test_nothing_that_acts_on_trading_takes_a_focus_that_falls(bar, qtbot, dark):
    replay = ReplayBar(dark)
    qtbot.addWidget(replay)
    parts = [*bar.mode.buttons.values(), bar.resume, bar.halt, replay.toggle, replay.one, replay.speed]
    assert not any(part.focusPolicy() & Qt.FocusPolicy.TabFocus for part in parts)
