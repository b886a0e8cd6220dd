"""What is asked in the background comes back, and keeps nobody."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from autohealer.tui.background import in_background

LEFT = """
import asyncio, threading
from autohealer.tui.background import in_background

async def main():
    try:
        await asyncio.wait_for(in_background(threading.Event().wait), 0.01)
    except TimeoutError:
        print("left")

asyncio.run(main())
"""


def test_what_comes_back() -> None:
    """What it returns; what it raises."""

    async def ask() -> None:
        assert await in_background(lambda: 42) == 42
        with pytest.raises(OSError, match="gone"):
            await in_background(_fail)

    asyncio.run(ask())


def test_a_call_that_never_returns_keeps_no_process() -> None:
    """It ends all the same."""
    done = subprocess.run([sys.executable, "-c", LEFT], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == "left\n"


def _fail() -> None:
    raise OSError("gone")
