"""The pool's status, as ``status --json`` has it, made no more often than its price allows, however many look."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import asdict

from autohealer.errors import UnreachableError
from autohealer.views.status_of import status
from autohealer.web.agent import snapshot_of

if TYPE_CHECKING:
    from autohealer.coordination.admin.pool_client import PoolClient
    from autohealer.views.status import Status
    from autohealer.web.agent import AgentView
    from autohealer.web.session import ClientThread

LEAST_S = 0.2
BUDGET = 0.02
"""The part of one core that it may take."""


class StatusBody(NamedTuple):
    """A status as it is sent; ``tag`` is another one for another status."""

    body: bytes
    tag: str


class Pool:
    """``of_cluster`` makes of one agent's status and a ZooKeeper that of all agents."""

    def __init__(
        self, window: AgentView, session: ClientThread, of_cluster: Callable[[PoolClient, Status], Status]
    ) -> None:
        self._window, self._session, self._of_cluster = window, session, of_cluster
        self._lock = asyncio.Lock()
        self._answer: StatusBody | None = None
        self._again_at = 0.0

    async def status(self) -> StatusBody:
        """How things stand now, or a moment ago. Raises UnreachableError."""
        async with self._lock:
            if self._answer is None or time.monotonic() >= self._again_at:
                self._answer, cost_s = await self._ask()
                self._again_at = time.monotonic() + max(LEAST_S, cost_s / BUDGET)
            return self._answer

    async def _ask(self) -> tuple[StatusBody, float]:
        snapshot, cost_s = await snapshot_of(self._window)
        began = time.thread_time()
        found = status(snapshot, self._window.zookeeper, self._window.host)
        cost_s += time.thread_time() - began
        if len(snapshot.agents) > 1 and snapshot.connected:
            found, more_s = await self._complete(found)
            cost_s += more_s
        began = time.thread_time()
        body = encode(found)
        answer = StatusBody(body, f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"')
        return answer, cost_s + time.thread_time() - began

    async def _complete(self, local: Status) -> tuple[Status, float]:
        def ask(console: PoolClient) -> tuple[Status, float]:
            began = time.thread_time()
            return self._of_cluster(console, local), time.thread_time() - began

        try:
            return await self._session.call(ask)
        except UnreachableError:
            # It went away this moment; what the agent itself knows is the next best thing.
            return local, 0.0


def encode(found: Status) -> bytes:
    """The same as ``json.dumps``, in steps: in one it would hold the interpreter for longer than a heal takes."""
    head = json.dumps({name: msgspec.to_builtins(value) for name, value in asdict(found).items() if name != "workers"})
    workers = ", ".join([json.dumps(msgspec.to_builtins(row)) for row in found.workers])
    return f'{head[:-1]}, "workers": [{workers}]}}'.encode()
