"""What several files of the server's tests begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.zkserver.journals import batches, life
from tests.zkserver.machine import Machine


@pytest.fixture
def machine() -> Machine:
    """A server's engine without sockets, and clients of it."""
    return Machine()


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A journal's directory with five nodes."""
    life(tmp_path, *batches(5))
    return tmp_path
