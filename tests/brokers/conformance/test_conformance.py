"""Every broker, every sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.brokers.conformance.cases import CASES, Case
from tests.brokers.conformance.settings import SETTINGS, play
from tests.brokers.conformance.stage import Setting


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda it: it.name)
@pytest.mark.parametrize("case", CASES, ids=lambda it: it.name)
def test_conformance(setting: Setting, case: Case, record_property: Callable[[str, object], None]) -> None:
    record_property("held by the", play(setting, case))
