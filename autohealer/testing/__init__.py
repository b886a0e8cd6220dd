"""Chaos in your own tests: a real pool of your own worker, whose workers are killed while your test looks on.

    story   what a pool's events tell: who lives, how quick the heals were, and what must never have happened
    pool    a pool under test: `autohealer run` as a process, its events, and kills by a seed
    plugin  the fixture ``autohealer_pool`` of pytest

Standard library alone: the pool runs in a process of its own.
"""

from autohealer.testing.pool import PoolFailedError, PoolUnderTest

__all__ = ["PoolFailedError", "PoolUnderTest"]
