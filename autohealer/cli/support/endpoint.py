"""``run --http``: what has to be right before any worker is started, and how the endpoint is tied to the agent."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from autohealer.cli.support.asking import ANSWER_S
from autohealer.cli.support.late import Late
from autohealer.cli.support.pool_status import of_cluster
from autohealer.errors import UsageError
from autohealer.processes.output.files import OutputFiles
from autohealer.runtime.incident_reader import known_incidents
from autohealer.web.endpoint import Endpoint
from autohealer.web.guard import guard
from autohealer.web.listening import Listening, listen
from autohealer.web.site import Sources
from autohealer.web.token import Token, from_environment, from_file

if TYPE_CHECKING:
    from autohealer.coordination.admin.pool_client import connect
    from autohealer.coordination.session.access import Access
    from autohealer.runtime.agent_handle import AgentHandle
    from autohealer.runtime.state_dir import StateDir
else:  # kazoo, only once somebody asks
    connect = Late("autohealer.coordination.admin.pool_client").connect

NEEDED = ("aiohttp", "prometheus_client")


class AgentEndpoint:
    """The endpoint of the pools in this process, bound and not yet answering.

    ``say`` gets a line for people, ``warn`` one about what does not work. Raises UsageError.
    """

    def __init__(
        self,
        where: str,
        names: Sequence[str],
        states: Sequence[StateDir],
        access: Access,
        *,
        say: Callable[[str], None],
        warn: Callable[[str], None],
    ) -> None:
        if any(find_spec(name) is None for name in NEEDED):
            raise UsageError("--http needs an extra that is not installed", "pip install 'autohealer[http]'")
        self._names, self._states, self._say, self._warn = names, states, say, warn
        self._given = from_environment(os.environ)
        self._listening = _listen(where, states)
        self._zookeeper, self._access = "", access
        self._has_begun = False
        self._endpoint = Endpoint(self._listening, [self._sources(state) for state in states], warn=warn)
        self.take, self.noticed, self.close = self._endpoint.take, self._endpoint.noticed, self._endpoint.close
        self.address = self._listening.address

    def watch(self, handle: AgentHandle) -> None:
        """Answer for the pool behind this handle; the first one begins the endpoint."""
        self._zookeeper = handle.zookeeper
        self._endpoint.open(handle.pool, handle)
        if not self._has_begun:
            self._has_begun = True
            self._begin()

    def _begin(self) -> None:
        token = self._given or self._own_token()
        if not self._listening.is_loopback:
            self._warn("the HTTP endpoint can be reached from other hosts, and is not encrypted; see docs/http.md")
        host = socket.gethostname()
        self._endpoint.begin(
            guard(
                names=self._names,
                is_loopback=self._listening.is_loopback,
                own_names=(host, host.partition(".")[0], self._listening.host),
                token=token,
            )
        )
        self._say(f"page: {self._listening.url}" + (f"  token: in {token.source}" if token else ""))

    def _own_token(self) -> Token | None:
        path = self._states[0].path / "http-token"
        try:
            return from_file(path)
        except OSError as error:
            self._warn(f"cannot keep a token in {path}: {error.strerror}; nothing can be changed over HTTP")
            return None

    def _sources(self, state: StateDir) -> Sources:
        pool, output = state.pool, OutputFiles(state.output_dir, 0)
        return Sources(
            pool=pool,
            connect=lambda: connect(self._zookeeper, pool, ANSWER_S, self._access),
            of_cluster=lambda console, local: of_cluster(pool, console, local),
            incidents=lambda worker, most: known_incidents(state, worker=worker, most=most),
            output=output.tail,
        )


def _listen(where: str, states: Sequence[StateDir]) -> Listening:
    try:
        return listen(where)
    except UsageError:
        for state in states:
            if state.is_locked():
                state.lock()  # raises: that this pool is run already says more than that its port is taken
        raise
