"""The pools that run on this host, each asked by its control socket. Blocking: for a thread of its own."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from autohealer.errors import AutohealerError
from autohealer.runtime.control_client import Conversation
from autohealer.runtime.state_dir import StateDir, pools_running
from autohealer.tui.state import PoolState, Status

ANSWER_S = 2.0


class PoolSummary(NamedTuple):
    """One pool; ``state`` is None where its agent does not answer."""

    name: str
    pid: int | None
    state: PoolState | None


class PoolsOfHost:
    """What is in one state directory."""

    def __init__(self, base: Path) -> None:
        self._base = base

    def names(self) -> list[str]:
        """The pools that run, by name."""
        with suppress(AutohealerError):
            return pools_running(self._base)
        return []

    def folder(self, name: str) -> StateDir:
        """Where a pool keeps its state."""
        return StateDir(self._base, name)

    def look(self) -> list[PoolSummary]:
        """How each of them stands."""
        return [self._summary(name) for name in self.names()]

    def beside(self, name: str) -> list[str]:
        """The pools that run in the same process as this one did; that one itself is not among them."""
        pid = self.folder(name).holder_pid()
        return [other for other in self.names() if other != name and self.folder(other).holder_pid() == pid]

    def _summary(self, name: str) -> PoolSummary:
        folder = self.folder(name)
        state = None
        with suppress(OSError, ValueError), folder.connect_control(ANSWER_S) as connection:
            told = Conversation(connection).ask("status", ANSWER_S)
            state = PoolState()
            state.replace(msgspec.convert(told, Status), None)
        return PoolSummary(name, folder.holder_pid(), state)
