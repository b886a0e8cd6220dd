"""What signals to an agent process mean."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

# Not for an agent, and deadly by default: an operator's `kill -USR1`, a log rotator's habit, must not end it.
HARMLESS = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM)
# How systemd, and tools that stop containers by its convention, ask pid 1 to halt.
HALT = signal.SIGRTMIN + 3


def ending_signals() -> list[signal.Signals]:
    """Those by which a program is asked to end. SIGHUP is none where it was ignored at the start, as by nohup."""
    of_hangup = [] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [signal.SIGHUP]
    return [signal.SIGINT, signal.SIGTERM, *of_hangup]


def hear_signals(
    loop: asyncio.AbstractEventLoop,
    *,
    end: Callable[[str], None],
    quit_now: Callable[[], None],
    say: Callable[[str], None],
    pid: int | None = None,
) -> None:
    """Install the handlers. ``end`` gets the name of the signal, each time; call it in the main thread.

    As pid 1 the agent is what a container is stopped by: SIGQUIT ends it in order, and so does SIGRTMIN+3.
    """
    ending: dict[int, str] = {signum: signum.name for signum in ending_signals()}
    if (os.getpid() if pid is None else pid) == 1:
        ending |= {signal.SIGQUIT: "SIGQUIT", HALT: "SIGRTMIN+3"}
    else:
        loop.add_signal_handler(signal.SIGQUIT, quit_now)
    for signum, name in ending.items():
        loop.add_signal_handler(signum, partial(end, name))
    for harmless in HARMLESS:
        loop.add_signal_handler(harmless, partial(say, f"{harmless.name} means nothing to an agent: it goes on"))
