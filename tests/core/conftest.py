"""What several files of the core's tests begin with."""

from __future__ import annotations

import pytest

from tests.core.slots_bench import Bench


@pytest.fixture
def bench() -> Bench:
    """Slots of an agent that has just been started."""
    return Bench()
