"""Chaos in your own tests: a real pool of your own worker, whose workers are killed while your test looks on.

    story   what a pool's events tell: who lives, how quick the heals were, and what must never have happened
    pool    a pool under test: `autohealer run` as a process, its events, and kills by a seed
    plugin  the fixture ``autohealer_pool`` of pytest

The pool runs in a process of its own.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autohealer.testing.pool import PoolFailedError, PoolUnderTest

__all__ = ["PoolFailedError", "PoolUnderTest"]


def __getattr__(name: str) -> object:
    # Imported when asked for: pytest imports this package for its plugin, in projects that may never use it.
    if name in __all__:
        return getattr(import_module("autohealer.testing.pool"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
