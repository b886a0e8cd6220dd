"""Where the dashboard's news comes from, and where what is asked for goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from autohealer.core.notices import EventRecord
from autohealer.views.status import Changes, WatchedStatus


class AgentEnded(msgspec.Struct):
    """The agent has ended in order. ``left`` workers go on."""

    code: int = 0
    left: int = 0


class FeedLine(msgspec.Struct):
    """One line of the feed as it comes: one of these is there."""

    snapshot: WatchedStatus | None = None
    changes: Changes | None = None
    event: msgspec.Raw = msgspec.Raw()
    end: AgentEnded | None = None


class News(msgspec.Struct):
    """Something new: one of these is there."""

    snapshot: WatchedStatus | None = None
    changes: Changes | None = None
    event: EventRecord | None = None
    end: AgentEnded | None = None
    error: str | None = None


class PoolSource(Protocol):
    """One pool, live."""

    @property
    def is_local(self) -> bool:
        """Whether its agent is on this host, so that workers' output can be read."""

    @property
    def beats(self) -> bool:
        """Whether it tells something every second, so that silence means that something is wrong."""

    async def listen(self, hear: Callable[[News], None]) -> None:
        """Call ``hear`` with all news until there will be no more. Raises AutohealerError where there is no pool."""

    async def operate(self, verb: str, subject: str) -> str:
        """Ask the pool for an operation; what came of it, in words. Raises AutohealerError."""
