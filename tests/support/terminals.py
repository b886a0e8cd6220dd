"""A terminal for a program under test: a real pseudo-terminal, and a screen that shows what a person would see."""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO, Any

import pyte

from tests.support.processes import BIN, ROOT, Processes

PATIENCE_S = 20.0
KEYS = {"up": "\x1b[A", "down": "\x1b[B", "home": "\x1b[H", "end": "\x1b[F", "escape": "\x1b", "enter": "\r",
        "ctrl-c": "\x03", "ctrl-z": "\x1a", "ctrl-\\": "\x1c"}  # fmt: skip
# A new session has no terminal until it takes one.
TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(1, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
ALTERNATE = re.compile(rb"\x1b\[\?1049([hl])")
COLOR = re.compile(rb"\x1b\[(?:[0-9]+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[0-9;]*m")


class Terminal:
    """One terminal with one program in its foreground; ``sent`` is all that it has ever sent."""

    def __init__(self, processes: Processes, columns: int = 100, lines: int = 30) -> None:
        self._processes = processes
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.sent = b""
        self._ours, self._theirs = os.openpty()
        self._is_open = True
        self.resize(columns, lines)
        self._former = termios.tcgetattr(self._theirs)
        self.process: subprocess.Popen[bytes]

    def start(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        stdin: int | None = None,
        stderr: IO[bytes] | None = None,
        program: str = str(BIN / "autohealer"),
    ) -> None:
        """Run the command line that users type; the terminal is its stdin, too, unless another one is given."""
        inherited = {k: v for k, v in self._processes.environment().items() if k not in {"NO_COLOR", "COLORTERM"}}
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKE_TERMINAL, program, *arguments],
            env={**inherited, "TERM": "xterm-256color", **(env or {})},
            cwd=ROOT,
            stdin=self._theirs if stdin is None else stdin,
            stdout=self._theirs,
            stderr=self._theirs if stderr is None else stderr,
            start_new_session=True,
        )

    def resize(self, columns: int, lines: int) -> None:
        """Pull at a corner of the window."""
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.resize(lines, columns)

    def type(self, *keys: str) -> None:
        """Press keys, by name or as characters."""
        for key in keys:
            self.send(KEYS.get(key, key).encode())

    def send(self, data: bytes) -> None:
        """What a terminal sends by itself, or somebody who pastes."""
        os.write(self._ours, data)

    def read(self, timeout_s: float = 0.02) -> None:
        """Take in what has been sent."""
        while select.select([self._ours], [], [], timeout_s)[0]:
            data = os.read(self._ours, 65536)
            self.sent += data
            self._stream.feed(data)

    @property
    def lines(self) -> list[str]:
        """What stands on the screen now."""
        self.read()
        return [line.rstrip() for line in self.screen.display]

    def until(self, seen: str | Callable[[list[str]], bool], timeout: float = PATIENCE_S) -> list[str]:
        """Wait until this text, or something of this kind, stands on the screen."""
        deadline = time.monotonic() + timeout
        while True:
            lines = self.lines
            if seen in "\n".join(lines) if isinstance(seen, str) else seen(lines):
                return lines
            assert time.monotonic() < deadline, f"never seen: {seen}\n" + "\n".join(lines)

    def ended(self, timeout: float = PATIENCE_S) -> int:
        """The exit code of the program, which is about to end; what it still has to say is taken in."""
        deadline = time.monotonic() + timeout
        while (code := self.process.poll()) is None:
            self.read()
            assert time.monotonic() < deadline, "it does not end\n" + "\n".join(self.lines)
        self.read()
        return code

    @property
    def is_alternate(self) -> bool:
        """Whether the program has the screen for itself."""
        switches = ALTERNATE.findall(self.sent)
        return bool(switches) and switches[-1] == b"h"

    @property
    def is_clean(self) -> bool:
        """Whether the terminal is as it was before: screen, cursor, echo."""
        self.read()
        return (
            not self.is_alternate and not self.screen.cursor.hidden and termios.tcgetattr(self._theirs) == self._former
        )

    def modes(self) -> list[Any]:
        """As the kernel has them now, as ``termios`` gives them."""
        return termios.tcgetattr(self._theirs)

    @property
    def echoes(self) -> bool:
        """Whether what is typed is shown."""
        return bool(termios.tcgetattr(self._theirs)[3] & termios.ECHO)

    def after(self) -> str:
        """What was printed once the screen was given back."""
        return self.sent[self.sent.rfind(b"\x1b[?1049l") :].decode().replace("\x1b[?1049l", "").replace("\r\n", "\n")

    def hang_up(self) -> None:
        """Close the window."""
        if self._is_open:
            self._is_open = False
            os.close(self._ours)
            os.close(self._theirs)

    def close(self) -> None:
        """Kill what is left of it."""
        with suppress(ProcessLookupError, AttributeError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with suppress(AttributeError):
            self.process.wait()
        self.hang_up()
