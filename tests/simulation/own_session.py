"""A worker that registers itself: a session of its own, which outlives it until ZooKeeper hears that it has not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kazoo.protocol.states import KazooState

from autohealer.coordination.session.access import Access
from tests.simulation.client import SimulatedClient

if TYPE_CHECKING:
    from tests.simulation.clock import Call
    from tests.simulation.host import Host
    from tests.simulation.network import Network
    from tests.simulation.pools import Process

AGAIN_S = 1.0


class OwnSession:
    """It registers in each session that it has. ``Site`` of its client: a worker that hangs does nothing any more."""

    def __init__(self, host: Host, process: Process) -> None:
        self._host, self._process = host, process
        self.clock, self.dice = host.world.clock, host.world.dice
        self.pings_are_short = host.world.pings_are_short
        self.session_id: int | None = None
        self._client = SimulatedClient(self, host.world.session_s, turned=self._turned)
        self._client.start()

    @property
    def network(self) -> Network:
        """The host's."""
        return self._host.network

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """In the worker's process, soon."""
        self.later(0.0, function, *arguments)

    def later(self, seconds: float, function: Callable[..., object], *arguments: object) -> Call:
        """In the worker's process, after so long."""
        return self.clock.later(seconds, self._run, function, arguments)

    def end(self) -> None:
        """The process is gone, and its kernel closes what it had open."""
        self.network.close_all(self)

    def _run(self, function: Callable[..., object], arguments: tuple[object, ...]) -> None:
        if self._host.processes.get(self._process.worker) is self._process and not self._process.is_silent:
            function(*arguments)

    def _turned(self, _client: Any, state: str, session: tuple[int, bytes] | None, _granted_s: float, _: bool) -> None:
        if state == KazooState.CONNECTED and session is not None:
            self.session_id = session[0]
            self._register()

    def _register(self) -> None:
        path = f"{self._process.pool.paths.workers}/{self._process.worker}"
        asked = self._client.create(path, b"", Access().acl, ephemeral=True, sequence=False)
        asked.rawlink(self._registered)

    def _registered(self, answer: Any) -> None:
        """What stands of a former session goes with that; and /workers may have to be made again first."""
        if answer.exception is not None and self._client.connected:
            self.later(AGAIN_S, self._register)
