"""A terminal that is borrowed: its alternate screen, its keys one by one, and everything as before afterwards."""

from __future__ import annotations

import os
import select
import signal
import termios
import threading
from contextlib import suppress
from typing import Any

LFLAG, CC = 3, 6
LAST_WORD_S = 0.5


class Terminal:
    """One terminal to write to, and perhaps to read keys from. ``leave`` may be called from any thread, and twice.

    Ctrl-C stays a signal. ``keys`` is the descriptor to read keys from; None where stdin is something else: then it
    is not ours to read.
    """

    def __init__(self, out: int, into: int, *, enter: str, leave: str) -> None:
        self._out, self._into = out, into
        self._enter, self._leave = enter.encode(), leave.encode()
        self.keys = into if os.isatty(into) else None
        self._former: list[Any] | None = None
        self._entered = False
        self._lock = threading.Lock()

    def is_in_foreground(self) -> bool:
        """Whether it is ours now: a job in the background may neither draw nor read."""
        try:
            return os.tcgetpgrp(self._out) == os.getpgrp()
        except OSError:
            return False

    def size(self) -> tuple[int, int]:
        """Columns and lines, as they are now; never nothing."""
        try:
            columns, lines = os.get_terminal_size(self._out)
        except OSError:
            columns, lines = 80, 24
        return max(1, columns or 80), max(1, lines or 24)

    def enter(self) -> bool:
        """Take the screen, and keys as they are pressed, unseen; False where it is taken already."""
        with self._lock:
            if self._entered:
                return False
            self._entered = True
            if self.keys is not None:
                with suppress(termios.error):
                    self._former = termios.tcgetattr(self.keys)
                    mode = termios.tcgetattr(self.keys)
                    mode[LFLAG] &= ~(termios.ICANON | termios.ECHO)
                    # As a key it lets the screen be left in order before the process stops.
                    mode[CC][termios.VSUSP] = b"\0"
                    mode[CC][termios.VMIN], mode[CC][termios.VTIME] = 1, 0
                    termios.tcsetattr(self.keys, termios.TCSANOW, mode)
            self._send(self._enter)
            return True

    def leave(self) -> None:
        """Give back what was taken. Never waits for a terminal that is stopped, nor for who waits for it."""
        mine = self._lock.acquire(timeout=LAST_WORD_S)
        try:
            if not self._entered:
                return
            self._entered = False
            if select.select([], [self._out], [], LAST_WORD_S)[1]:
                self._send(self._leave)
            if self._former is not None:
                # Who has lost the terminal to another job would be stopped here for touching it.
                former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
                with suppress(termios.error):
                    termios.tcsetattr(self._into, termios.TCSANOW, self._former)
                signal.pthread_sigmask(signal.SIG_SETMASK, former)
        finally:
            if mine:
                self._lock.release()

    def write(self, data: bytes) -> None:
        """Send a change of what stands there, if the screen is still ours. Waits where the terminal is stopped."""
        with self._lock:
            if self._entered:
                self._send(data)

    def read(self) -> bytes:
        """What was typed. Empty where nothing more can come: then there are no keys from now on."""
        data = b""
        if self.keys is not None:
            with suppress(OSError):
                data = os.read(self.keys, 1024)
        if not data:
            self.keys = None
        return data

    def _send(self, data: bytes) -> None:
        with suppress(OSError):  # it is gone; the end of a view is not the end of the agent
            while data:
                data = data[os.write(self._out, data) :]
