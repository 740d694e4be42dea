"""Between an order's intent and its leaving there is a while in which its owner may think better of it."""

from __future__ import annotations

import pytest

from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.order import Role, State
from tests.engine.execution.away import BID, MARGIN, Away


@pytest.fixture
def waiting() -> tuple[Away, list[list[str]]]:
    """A line whose orders wait for the journal's word."""
    away, kept = Away(MARGIN), list[list[str]]()
    away.line.manager.release = lambda orders, _safety: kept.append(orders)
    return away, kept


def test_an_order_that_was_cancelled_before_it_left_never_leaves(waiting: tuple[Away, list[list[str]]]) -> None:
    away, kept = waiting
    entry = away.buy(5, "limit", price=BID - 50, stop_loss=BID - 1_000)
    away.do(i.CancelOrder(entry.id))
    away.line.on_written(kept[0])
    assert away.venue.submitted == []
    assert away.line.register[entry.id].state is State.CANCELLED
    assert away.orders(Role.STOP) == []


def test_an_order_that_could_not_be_recorded_never_leaves(waiting: tuple[Away, list[list[str]]]) -> None:
    away, kept = waiting
    entry = away.buy(5, "limit", price=BID - 50, stop_loss=BID - 1_000)
    away.line.on_written(kept[0], "the disk is full")
    assert away.venue.submitted == []
    assert away.line.register[entry.id].state is State.REJECTED
    assert away.facts(f.OrderSent) == []
