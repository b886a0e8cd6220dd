r"""The terminal: Ctrl-C stays the kernel's signal to the agent, whatever the dashboard is doing.

Textual's driver turns all signals of the terminal off, and asks some terminals to send Ctrl-C as another sequence. Here
ISIG stays on, and only Ctrl-Z and Ctrl-\ are keys; drawing is done on stdout; where stdin is no terminal there are no
keys, and it is left alone. Nor is a terminal read that another job has in the foreground: the kernel would stop the
whole group for it, and with it the agent.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
from typing import TYPE_CHECKING, Any

from textual import constants
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from autohealer.tui.keyboard import Keyboard

if TYPE_CHECKING:
    from textual.app import App

CC = 6
PAUSE_S = 0.1
MOST_BYTES = 4096
_OFF = b"\0"
# Read when a driver starts: with this protocol a terminal sends Ctrl-C as a sequence, and no signal comes of it.
constants.DISABLE_KITTY_KEY = True  # type: ignore[misc]  # final for who only reads it


class TerminalDriver(LinuxDriver):
    """One terminal, in the process group of the agent or in one of its own."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._file = sys.__stdout__
        self._out = sys.__stdout__.fileno() if sys.__stdout__ is not None else 1

    def is_in_foreground(self) -> bool:
        """Whether the terminal is ours now: a job in the background may not draw."""
        try:
            return os.tcgetpgrp(self._out) == os.getpgrp()
        except OSError:
            return True  # not our controlling terminal: nobody else's, either

    def start_application_mode(self) -> None:
        """Take the screen."""
        former = self._modes()
        if former is not None:
            keys: list[Any] = [*former[:CC], [*former[CC]]]
            keys[CC][termios.VSUSP] = keys[CC][termios.VQUIT] = _OFF
            termios.tcsetattr(self.fileno, termios.TCSANOW, keys)
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual gives it no type
        if former is not None:
            self.attrs_before = former
        # Who has lost the terminal would be stopped for giving it back in order, and its group for reading.
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)

    def stop_application_mode(self) -> None:
        """Give it back. Who has it now has set its modes already."""
        if not self.is_in_foreground():
            self.attrs_before = None
        super().stop_application_mode()

    def run_input_thread(self) -> None:
        """Read keys, where there is somebody to press them and they are ours to read."""
        keyboard, parser = Keyboard(), XTermParser(self._debug)
        while not self.exit_event.is_set():
            if not (self.input_tty and self.is_in_foreground()):
                self.exit_event.wait(PAUSE_S)
                continue
            typed = ""
            if select.select([self.fileno], [], [], PAUSE_S)[0]:
                try:
                    data = os.read(self.fileno, MOST_BYTES)
                except OSError:
                    continue  # lost a moment ago
                if not data:
                    return
                typed = keyboard.text(data)
            for event in (*(parser.feed(typed) if typed else ()), *parser.tick()):
                self.process_message(event)

    def _modes(self) -> list[Any] | None:
        if not self.input_tty:
            return None
        try:
            return termios.tcgetattr(self.fileno)
        except termios.error:
            return None

    def _get_terminal_size(self) -> tuple[int, int]:
        try:
            columns, lines = os.get_terminal_size(self._out)
        except OSError:
            columns, lines = 80, 24
        return columns or 80, lines or 24

    @classmethod
    def _patch_lflag(cls, attrs: int) -> int:
        return super()._patch_lflag(attrs) | termios.ISIG
