"""The rulebook: pure numba functions for fills, costs, sizing, limits, stops and labels, used by every life of the engine."""

from engine.core.cache import prepare_numba_cache

prepare_numba_cache()
