"""The garbage collector, kept from walking what will live to the end again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG = 50_000
"""New objects between two looks of the collector (Python's own 700 would cost a busy replay a third of its time)."""


@contextmanager
def long_lived() -> Iterator[None]:
    """All that lives when this is entered (modules, models, bars) is left out of collections until it is left."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(YOUNG, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
