"""When things are done: the loop in whose thread all of a cluster runs, and its clocks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec


class Scheduler(msgspec.Struct, frozen=True):
    """Calls later, and tells the time."""

    call_soon: Callable[..., Any]
    """From any thread: in the loop's thread, soon."""

    call_later: Callable[..., Any]
    """From the loop's thread: after so many seconds."""

    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    """Unix time, as this host's clock has it."""
