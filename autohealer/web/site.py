"""One pool at the endpoint: how it is looked at, what is asked of it, and who listens to it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from autohealer.errors import UnreachableError
from autohealer.web.feed import EventStream
from autohealer.web.pool import Pool
from autohealer.web.session import ClientThread

if TYPE_CHECKING:
    from autohealer.coordination.admin.pool_client import PoolClient
    from autohealer.core.incident import IncidentEntry
    from autohealer.views.status import Status
    from autohealer.web.agent import AgentView


class Sources(msgspec.Struct, frozen=True):
    """Where the endpoint gets from what the agent itself does not keep. All but ``pool`` may take a while.

    ``connect`` opens a connection to the pool's ZooKeeper, ``of_cluster`` makes the status of all its agents of it and
    of one's own; ``incidents`` gives the newest ones (of one worker, if it is named), ``output`` the last lines that
    the workers of a slot wrote.
    """

    pool: str
    connect: Callable[[], PoolClient]
    of_cluster: Callable[[PoolClient, Status], Status]
    incidents: Callable[[str | None, int], list[IncidentEntry]]
    output: Callable[[int, int], list[str]]


class Site:
    """``open`` is called once its agent can be looked at; until then it is not there for those who ask."""

    def __init__(self, sources: Sources) -> None:
        self.name, self.sources = sources.pool, sources
        self.session = ClientThread(sources.connect)
        self.feed = EventStream(secrets.token_hex(4))
        self._handle: AgentView | None = None
        self._status: Pool | None = None

    def open(self, handle: AgentView) -> None:
        """The agent is there."""
        self._handle = handle
        self._status = Pool(handle, self.session, self.sources.of_cluster)

    @property
    def is_open(self) -> bool:
        """Whether it can be looked at."""
        return self._handle is not None

    @property
    def handle(self) -> AgentView:
        """How to look at it. Raises UnreachableError where it is not there yet."""
        if self._handle is None:
            raise UnreachableError(f"pool {self.name} has not started", "see the agent's warnings")
        return self._handle

    @property
    def status(self) -> Pool:
        """Its status, made no more often than its price allows. Raises UnreachableError as `handle` does."""
        if self._status is None:
            raise UnreachableError(f"pool {self.name} has not started", "see the agent's warnings")
        return self._status

    def close(self) -> None:
        """Nothing more is asked."""
        self.session.close()
