"""Features of bars: one numba step, used by training in batch and by the live line bar by bar."""

from engine.core.cache import prepare_numba_cache

prepare_numba_cache()
