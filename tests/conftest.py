"""For all tests: Qt without a screen, chosen before Qt is loaded; no verdict on a slow machine; nothing left behind."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from hypothesis import HealthCheck, settings

from tests.strays import nothing_is_left_behind

__all__ = ["nothing_is_left_behind"]

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
