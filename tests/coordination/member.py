"""One agent's cluster in a test: an event loop in a thread of its own, and every event it was told."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from kazoo.client import KazooClient

from autohealer.coordination.pool.cluster import Cluster
from autohealer.coordination.pool.joining import Joining
from autohealer.coordination.pool.paths import Paths, split_hosts
from autohealer.coordination.session.access import Access
from autohealer.coordination.session.ensemble import Ensemble
from autohealer.coordination.session.kazoo_session import KazooSession
from autohealer.coordination.session.scheduler import Scheduler
from autohealer.core.events import Event, SessionOpened
from autohealer.core.model import AgentEntry
from tests.support.processes import eventually

E = TypeVar("E", bound=Event)

WITHIN_S = 20.0
CLOSE_WITHIN_S = 1.0


def entry(running: int = 0) -> AgentEntry:
    """What an agent may say of itself."""
    return AgentEntry(host="host", pid=1, version="0", running=running)


class Member:
    """An agent that has joined, seen from outside its loop."""

    def __init__(
        self,
        hosts: str,
        agent: str,
        *,
        pool: str = "default",
        session_timeout: float = 10.0,
        prior_session: tuple[int, bytes] | None = None,
        auth: str | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.agent = agent
        self.paths = Paths(split_hosts(hosts)[1], pool)
        self.events: list[Event] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.cluster = Cluster(
            Ensemble(hosts, session_timeout, Access.parse(auth)),
            Joining(pool, agent, prior_session),
            Scheduler(self._loop.call_soon_threadsafe, self._loop.call_later, wall=wall),
            post=self.events.append,
        )

    def join(self, *, running: int = 0) -> Member:
        """Connect, and say something."""
        self.do(self.cluster.connect)
        self.do(self.cluster.publish_agent, entry(running))
        return self

    def do(self, order: Callable[..., Any], *arguments: object) -> Any:
        """Give an order in the loop's thread."""

        async def given() -> Any:
            return order(*arguments)

        return asyncio.run_coroutine_threadsafe(given(), self._loop).result(WITHIN_S)

    def of(self, kind: type[E]) -> list[E]:
        """All events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    def wait(
        self, kind: type[E], matches: Callable[[E], bool] = lambda _: True, *, after: int = 0, within: float = WITHIN_S
    ) -> E:
        """The first such event, not counting the first ``after`` of all events."""
        found: list[E] = eventually(
            lambda: [e for e in list(self.events)[after:] if isinstance(e, kind) and matches(e)],
            within,
            f"{kind.__name__} at {self.agent}, which was told {self.events[-30:]}",
        )
        return found[0]

    def settle(self) -> None:
        """Until everything ordered so far has been answered: answers come in the order of the questions."""
        done = threading.Event()
        self.do(lambda: None)
        self.do(lambda: self.cluster._link.exists("/", lambda *_: done.set()))
        assert done.wait(WITHIN_S)
        self.do(lambda: None)

    @property
    def session(self) -> tuple[int, bytes]:
        """The session that it lives in."""
        self.wait(SessionOpened)
        session = self.cluster.session
        assert session is not None
        return session

    @property
    def kazoo(self) -> KazooClient:
        """The client that it asks ZooKeeper by."""
        session = self.cluster._link._old
        assert isinstance(session, KazooSession)
        return session.kazoo

    def end(self) -> None:
        """Close it as an agent does that exits."""
        if self._thread.is_alive():
            if (ending := self.do(self.cluster.begin_close)) is not None:
                ending.join(CLOSE_WITHIN_S)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(WITHIN_S)
            self._loop.close()


def expire(hosts: str, session: tuple[int, bytes]) -> None:
    """End somebody's session behind their back: whoever knows its id and password may move in, and close it.

    Its owner moves in again at once, so this is tried until the server knows no such session any more.
    """

    def ended() -> bool:
        client = KazooClient(hosts=split_hosts(hosts)[0], client_id=session)
        client.start_async().wait(WITHIN_S)
        found = client.client_id
        client.stop()
        client.close()
        return found is not None and found[0] != session[0]

    eventually(ended)
