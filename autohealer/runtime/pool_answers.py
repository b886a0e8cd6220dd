"""What a pool answers to those who ask for it here: by the control socket, the page, or the dashboard."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import asdict

from autohealer.runtime.clock import now
from autohealer.runtime.event_log import timestamp
from autohealer.runtime.feed import Feed
from autohealer.runtime.incident_store import INCIDENTS
from autohealer.runtime.operations import ignore

if TYPE_CHECKING:
    from autohealer.config.drift import Drift
    from autohealer.core.incident import IncidentEntry
    from autohealer.core.operations import Answer, Operation
    from autohealer.core.pool.snapshot import Snapshot
    from autohealer.core.pool.supervisor import Identity
    from autohealer.runtime.pool_parts import PoolParts
    from autohealer.runtime.shared import Shared
    from autohealer.views.status import Status, WatchedStatus

DRILL_AWAY_S = 10.0
DRIFT_WITHIN_S = 0.5


class PoolAnswers:
    """A `control.PoolService`."""

    def __init__(self, me: Identity, parts: PoolParts, shared: Shared) -> None:
        self._me, self._parts, self._shared, self._hosts = me, parts, shared, parts.cluster.hosts
        self._drift: Drift | None = None
        self.feed = Feed(
            shared.loop, self.look, self._described, lambda: parts.inbox.handled, parts.cluster.show_agents
        )
        self._questions: dict[str, Callable[[], object]] = {
            "status": self._status,
            "away_since": self._away_since,
            "zookeeper": lambda: self._hosts,
            "agent": lambda: me.agent,
            INCIDENTS: self._news_of_incidents,
            "drill": lambda: shared.options.allow_drill,
        }
        if shared.options.allow_drill:
            from autohealer.runtime.drill.leak import leak  # noqa: PLC0415 - only where drills are allowed

            self._questions["drill zk-away"] = lambda: parts.cluster.cut(DRILL_AWAY_S)
            self._questions["drill leak"] = lambda: leak(parts.spec, self._parts.snapshot(), parts.inbox.post)

    async def prepare(self, question: str) -> None:
        """A status says what workers use now, and whether the configuration file is still what runs.

        A disk that stalls keeps nobody waiting.
        """
        if question == "status":
            self._parts.senses.refresh()
            with suppress(TimeoutError):
                self._drift = await asyncio.wait_for(self._shared.drift(), DRIFT_WITHIN_S)

    def answer(self, question: str) -> object:
        """What is known. KeyError for a question that is not known."""
        return self._questions[question]()

    def do(
        self, operation: Operation, answered: Callable[[Answer], object], stepped: Callable[[object], object] = ignore
    ) -> None:
        """Carry it out, or say why not."""
        self._parts.operations.do(operation, answered, stepped)

    def look(self) -> Snapshot:
        """How the pool stands, for who goes on looking: what workers use is measured for a while."""
        self._parts.senses.watch()
        return self._parts.snapshot()

    def _status(self) -> Status:
        from autohealer.views.status import Config  # noqa: PLC0415 - not before somebody asks

        found = self._status_of(self._parts.snapshot())
        if self._drift is not None:
            found.config = Config(*self._drift)
        return found

    def _status_of(self, snapshot: Snapshot) -> Status:
        from autohealer.views.status_of import status  # noqa: PLC0415 - not before somebody asks

        return status(snapshot, self._hosts, self._me.host)

    def _news_of_incidents(self) -> list[IncidentEntry]:
        """What nobody can read from the disk: what is not written yet, and how those stand that are open."""
        told = {one.id: one for one in self._parts.incidents.unwritten}
        told |= {one.id: self._parts.effects.incidents.entry(one) for one in self._parts.supervisor.open_incidents}
        return list(told.values())

    def _described(self, snapshot: Snapshot) -> WatchedStatus:
        """For a dashboard: its status, and this agent itself. May be called from any thread."""
        from autohealer.views.status import Here, WatchedStatus  # noqa: PLC0415 - not before somebody looks

        here = Here(
            agent=self._me.agent,
            host=self._me.host,
            pid=self._me.pid,
            version=self._me.version,
            draining=snapshot.draining,
            away_since=_since(snapshot),
            http=self._me.http,
        )
        return WatchedStatus(**asdict(self._status_of(snapshot)), here=here)

    def _away_since(self) -> str | None:
        """Since when ZooKeeper has not answered; None where it does, or never has."""
        return _since(self._parts.snapshot())


def _since(snapshot: Snapshot) -> str | None:
    # To the second: it is worked out from two clocks anew, and is to be the same each time.
    if not snapshot.away_since:
        return None
    return timestamp(round(time.time() - (now() - snapshot.away_since)))
