"""Every broker, every sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.brokers.conformance.cases import CASES, Case
from tests.brokers.conformance.settings import SETTINGS, play
from tests.brokers.conformance.stage import Setting

TOGETHER = {"binance": pytest.mark.xdist_group("ccxt")}
"""Its library takes seconds to import."""


@pytest.mark.parametrize("setting", [pytest.param(it, marks=TOGETHER.get(it.name, ()), id=it.name) for it in SETTINGS])
@pytest.mark.parametrize("case", CASES, ids=lambda it: it.name)
def test_conformance(setting: Setting, case: Case, record_property: Callable[[str, object], None]) -> None:
    record_property("held by the", play(setting, case))
