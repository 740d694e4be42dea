"""Learners: one file each; a new one is a module with `LEARNER` and its name here. Nothing is imported before it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from engine.core.errors import ConfigError

if TYPE_CHECKING:
    from engine.models.learners.base import Learner

LEARNERS = ("lightgbm", "catboost")


def learner_of(name: str) -> Learner:
    """The learner called `name`; ConfigError names those that exist."""
    if name not in LEARNERS:
        raise ConfigError(f"learner {name!r} is not known; use one of {', '.join(LEARNERS)}")
    return cast("Learner", import_module(f"{__name__}.{name}").LEARNER)
