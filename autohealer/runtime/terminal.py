"""The agent's terminal while a dashboard has it: how it was before, and how it is given back in any case."""

from __future__ import annotations

import os
import select
import signal
import termios
from contextlib import suppress
from typing import Any

# What a full-screen program may have switched on: mouse, focus, paste and resize reports, no wrapping, another way to
# send keys, a hidden cursor, colours, and last the alternate screen.
LEAVE = (
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l\x1b[?1004l\x1b[?2004l\x1b[?2048l\x1b[?2026l"
    b"\x1b[?7h\x1b[0m\x1b[?25h\x1b[?1049l"
)


class SavedTerminal:
    """The modes of the terminal as they are now, to be restored any number of times."""

    def __init__(self, out: int = 1, into: int = 0) -> None:
        self._out, self._into = out, into
        self._modes: list[Any] | None = None
        with suppress(termios.error, OSError):
            self._modes = termios.tcgetattr(into)

    def is_in_foreground(self) -> bool:
        """Whether it is ours: a job in the background may neither draw nor read."""
        try:
            return os.tcgetpgrp(self._out) == os.getpgrp()
        except OSError:
            return False

    def restore(self, *, leave_screen: bool, patience_s: float = 0.0) -> bool:
        """Give it back; False where the terminal takes nothing now. ``leave_screen``: nobody has left it in order.

        Waits no longer than so for a terminal that is stopped. Another job that has taken the terminal has set modes of
        its own, which stay; who writes to it then would be stopped for that: SIGTTOU is blocked.
        """
        former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
        try:
            if self._modes is not None and self.is_in_foreground():
                with suppress(termios.error):
                    termios.tcsetattr(self._into, termios.TCSANOW, self._modes)
            if not leave_screen:
                return True
            if not select.select([], [self._out], [], patience_s)[1]:
                return False
            with suppress(OSError):  # it is gone; the end of a view is not the end of the agent
                os.write(self._out, LEAVE)
            return True
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, former)
