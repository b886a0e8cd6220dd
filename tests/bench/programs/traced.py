"""traced.py FILE ARGUMENT...: the command line of autohealer, in which each step of a heal notes its time.

Steps are written to FILE at the end, each with its nanoseconds of the monotonic clock. A note takes a quarter of a
microsecond, so that what is measured is hardly changed by it.
"""

import atexit
import os
import selectors
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autohealer.__main__ import main
from autohealer.core.pool.supervisor import Supervisor
from autohealer.processes.launch.exits import ExitWatcher

notes: list[tuple[str, int]] = []
note, clock = notes.append, time.monotonic_ns


def trace(owner: Any, name: str, *, before: str | None = None, after: str | None = None) -> None:
    """Note when this is called, and when it returns."""
    function: Callable[..., object] = getattr(owner, name)

    def traced(*arguments: object, **named: object) -> object:
        if before is not None:
            note((before, clock()))
        result = function(*arguments, **named)
        if after is not None:
            note((after, clock()))
        return result

    setattr(owner, name, traced)


def write(path: str) -> None:
    Path(path).write_text("".join(f"{name} {ns}\n" for name, ns in notes))


trace(selectors.EpollSelector, "select", after="awake")
trace(ExitWatcher, "_look", before="seen")
trace(Supervisor, "react", before="decide", after="decided")
trace(os, "posix_spawn", before="spawn")
atexit.register(write, sys.argv.pop(1))
main()
