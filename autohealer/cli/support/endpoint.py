"""``run --http``: what has to be right before any worker is started, and how the endpoint is tied to the agent."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from autohealer.cli.support.asking import ANSWER_S
from autohealer.cli.support.late import Late
from autohealer.cli.support.pool_status import of_cluster
from autohealer.errors import UsageError
from autohealer.web.endpoint import Endpoint
from autohealer.web.guard import guard
from autohealer.web.listening import Listening, listen
from autohealer.web.token import Token, from_environment, from_file

if TYPE_CHECKING:
    from autohealer.coordination.admin.pool_client import PoolClient, connect
    from autohealer.coordination.session.access import Access
    from autohealer.runtime.agent_handle import AgentHandle
    from autohealer.runtime.state_dir import StateDir
else:  # kazoo, only once somebody asks
    connect = Late("autohealer.coordination.admin.pool_client").connect

NEEDED = ("aiohttp", "prometheus_client")


class AgentEndpoint:
    """The endpoint of the agent in this process, bound and not yet answering.

    ``say`` gets a line for people, ``warn`` one about what does not work. Raises UsageError.
    """

    def __init__(
        self,
        where: str,
        names: Sequence[str],
        state: StateDir,
        access: Access,
        *,
        say: Callable[[str], None],
        warn: Callable[[str], None],
    ) -> None:
        if any(find_spec(name) is None for name in NEEDED):
            raise UsageError("--http needs an extra that is not installed", "pip install 'autohealer[http]'")
        self._names, self._state, self._say, self._warn = names, state, say, warn
        self._given = from_environment(os.environ)
        self._listening = _listen(where, state)
        self._zookeeper, self._access = "", access
        self._endpoint = Endpoint(self._listening, connect=self._connect, of_cluster=self._of_cluster, warn=warn)
        self.take, self.noticed, self.close = self._endpoint.take, self._endpoint.noticed, self._endpoint.close
        self.address = self._listening.address

    def watch(self, window: AgentHandle) -> None:
        """Answer for the agent behind this window."""
        self._zookeeper = window.zookeeper
        token = self._given or self._own_token()
        if not self._listening.is_loopback:
            self._warn("the HTTP endpoint can be reached from other hosts, and is not encrypted; see docs/http.md")
        host = socket.gethostname()
        self._endpoint.begin(
            window,
            guard(
                names=self._names,
                is_loopback=self._listening.is_loopback,
                own_names=(host, host.partition(".")[0], self._listening.host),
                token=token,
            ),
        )
        self._say(f"page: {self._listening.url}" + (f"  token: in {token.source}" if token else ""))

    def _own_token(self) -> Token | None:
        path = self._state.path / "http-token"
        try:
            return from_file(path)
        except OSError as error:
            self._warn(f"cannot keep a token in {path}: {error.strerror}; nothing can be changed over HTTP")
            return None

    def _connect(self) -> PoolClient:
        return connect(self._zookeeper, self._state.pool, ANSWER_S, self._access)

    def _of_cluster(self, console: PoolClient, local: dict[str, Any]) -> dict[str, Any]:
        return of_cluster(self._state.pool, console, local)


def _listen(where: str, state: StateDir) -> Listening:
    try:
        return listen(where)
    except UsageError:
        if state.is_locked():
            state.lock()  # raises: that this pool is run already says more than that its port is taken
        raise
