"""The pools that run on this host, each asked by its control socket. Blocking: for a thread of its own."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from autohealer.errors import AutohealerError
from autohealer.runtime.control_client import Conversation
from autohealer.runtime.state_dir import StateDir, pools_running
from autohealer.tui.past import past_events
from autohealer.tui.state import PoolState
from autohealer.views.crashing import last_words
from autohealer.views.status import WatchedStatus

ANSWER_S = 2.0
LAST_WORDS_BYTES = 1 << 16
"""The words of those that crash again and again stand near the end."""


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
        return self._summaries(self.names())

    def look_beside(self, name: str) -> list[PoolSummary]:
        """How each stands that runs in the same process as this one."""
        return self._summaries(self.beside(name))

    def beside(self, name: str) -> list[str]:
        """The pools that run in the same process as this one did; that one itself is not among them."""
        pid = self.folder(name).holder_pid()
        return [other for other in self.names() if other != name and self.folder(other).holder_pid() == pid]

    def _summaries(self, names: Iterable[str]) -> list[PoolSummary]:
        """Of a process that has let one question wait in vain nothing more is asked: it is frozen."""
        found: list[PoolSummary] = []
        frozen: set[int | None] = set()
        for name in names:
            folder = self.folder(name)
            pid, state = folder.holder_pid(), None
            if pid not in frozen:
                try:
                    state = _state(folder)
                except TimeoutError:
                    frozen.add(pid)
                except (OSError, ValueError):
                    pass  # it is about to end
            found.append(PoolSummary(name, pid, state))
        return found


def _state(folder: StateDir) -> PoolState:
    with folder.connect_control(ANSWER_S) as connection:
        told = Conversation(connection).ask("status", ANSWER_S)
    state = PoolState()
    state.replace(msgspec.convert(told, WatchedStatus), None)
    if any(row.state == "backoff" for row in state.rows.values()):
        state.history.last_words |= last_words(past_events(folder.events_path, LAST_WORDS_BYTES))
    return state
