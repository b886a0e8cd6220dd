"""A fixture for tests of one's own worker: ``autohealer_pool``, a real pool that ends with the test.

    def test_my_worker_survives(autohealer_pool):
        pool = autohealer_pool(4, "python", "my_worker.py")
        with pool.kill_every(0.2, seed=7):
            ...
        pool.check(heal_ms=500)

It is there wherever this package is installed.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from autohealer.testing.pool import PoolUnderTest


@pytest.fixture
def autohealer_pool(tmp_path: Path) -> Iterator[Callable[..., PoolUnderTest]]:
    """Starts a pool (number, command, and `PoolUnderTest`'s other settings by name), and ends it with the test."""
    from autohealer.testing.pool import PoolUnderTest  # noqa: PLC0415  # whoever has no use for it pays nothing

    with ExitStack() as stack:
        started = 0

        def start(workers: int, *command: str, **settings: object) -> PoolUnderTest:
            nonlocal started
            started += 1
            folder = tmp_path / f"autohealer-{started}"
            return stack.enter_context(PoolUnderTest(workers, *command, folder=folder, **settings))  # type: ignore[arg-type]  # as given

        yield start
