"""The garbage collector beside a busy session."""

from __future__ import annotations

import gc

import pytest

from engine.core.memory import YOUNG, long_lived


def test_the_collector_is_as_it_was_once_the_session_is_over() -> None:
    threshold, frozen = gc.get_threshold(), gc.get_freeze_count()
    with pytest.raises(KeyError), long_lived():
        assert gc.get_threshold()[0] == YOUNG
        assert gc.get_freeze_count() > frozen
        raise KeyError
    assert gc.get_threshold() == threshold
    assert gc.get_freeze_count() == 0
