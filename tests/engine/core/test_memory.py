"""The garbage collector beside a busy session."""

from __future__ import annotations

import gc

import pytest

from engine.core.memory import YOUNG, long_lived


def test_the_collector_is_as_it_was_once_the_session_is_over() -> None:
    threshold = gc.get_threshold()
    with long_lived():
        assert gc.get_threshold()[0] == YOUNG
        assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == threshold
    assert gc.get_freeze_count() == 0


def test_a_crash_gives_the_collector_back_too() -> None:
    threshold = gc.get_threshold()
    with pytest.raises(ZeroDivisionError), long_lived():
        _ = 1 / 0
    assert gc.get_threshold() == threshold
