"""Which ends of a worker are success: ``--ok-exit``."""

from __future__ import annotations

import signal

from autohealer.config.kinds import Kind

LAST_CODE = 255


class Exits(Kind[tuple[int | str, ...]]):
    """Exit codes and names of signals, with commas: ``0,3,SIGTERM``."""

    name = "LIST"
    takes_numbers = True
    expected = "a list of exit codes and signals such as 0,3,SIGTERM"

    def parse(self, text: str) -> tuple[int | str, ...]:
        """The codes and the names, in their order; a signal's name with SIG."""
        return tuple(self._one(word.strip()) for word in text.split(","))

    def _one(self, word: str) -> int | str:
        if word.isascii() and word.isdigit() and len(word) <= 3 and int(word) <= LAST_CODE:
            return int(word)
        name = f"SIG{word.upper().removeprefix('SIG')}"
        if name in signal.Signals.__members__:
            return name
        raise ValueError(f"{word!r} is neither an exit code from 0 to {LAST_CODE} nor a signal such as SIGTERM")

    def show(self, value: tuple[int | str, ...]) -> str:
        """With commas."""
        return ",".join(map(str, value))
