"""Brokers are tried with their real libraries, one of which changes how the whole thread rounds decimals."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import localcontext

import pytest


@pytest.fixture(autouse=True)
def rounding_of_its_own() -> Iterator[None]:
    """What a test's libraries do to the decimal context ends with the test."""
    with localcontext():
        yield
