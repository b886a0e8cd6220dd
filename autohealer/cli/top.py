"""``autohealer top``."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import asdict

from autohealer.cli.support.asking import settled
from autohealer.cli.support.file_tail import FileTail
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.pool_status import pool_status
from autohealer.cli.support.terminals import can_draw
from autohealer.cli.support.where import Where
from autohealer.core.notices import EventRecord
from autohealer.errors import UsageError
from autohealer.runtime.state_dir import pools_running
from autohealer.tui.agent_source import AgentSource
from autohealer.tui.cluster_source import ClusterSource
from autohealer.tui.show import show
from autohealer.views.reading import read_event
from autohealer.views.status import Here, WatchedStatus

if TYPE_CHECKING:
    from autohealer.coordination.admin.pool_client import PoolClient
    from autohealer.tui.source import PoolSource

PAST_EVENTS = 2000
ASK_S = 3600.0


def run(where: Where) -> int:
    """Show the pool live, from any host: what the dashboard of `run` shows, as far as it can be known there.

    Where none is named and several run here, they are listed.
    """
    address = PoolAddress(where)
    is_any = where.pool is None and where.zk is None and not address.runs_here
    listed = pools_running(where.state_dir) if is_any else []
    if listed:
        address = PoolAddress(where._replace(pool=listed[0]))
    if not can_draw():
        raise UsageError(
            "stdout is no terminal that can be drawn on", "see `autohealer status` and `autohealer events -f` instead"
        )
    local = address.status()
    with ExitStack() as stack:
        session = _KeptClient(address)
        stack.callback(session.end)
        source: PoolSource
        if local is not None and len(local.agents) == 1:
            source = AgentSource(address.state)
        else:
            looking = _Looking(address, session)
            looking.look()  # where there is nothing to see, better now than on another screen
            source = ClusterSource(
                looking.look,
                _Happenings(address).read if address.runs_here else list,
                partial(_operate, address),
                is_local=address.runs_here,
            )
        return show(source, address.state, leaves=True, lists_pools=bool(listed))


def _operate(address: PoolAddress, verb: str, subject: str) -> str:
    """Have it done; what came of it. Raises AutohealerError."""
    with address.asked(verb, subject) as pending:
        answer = settled(pending.wait(ASK_S), f"nobody has answered yet; {verb} may still be done")
        return answer.detail or f"{verb}: {answer.outcome}"


class _KeptClient:
    """A client of the pool that is kept until it breaks: to look once a second, none has to be made each time."""

    def __init__(self, address: PoolAddress) -> None:
        self._address = address
        self._stack = ExitStack()
        self._client: PoolClient | None = None

    def client(self) -> PoolClient:
        """The one that is kept. Raises UnreachableError."""
        if self._client is None:
            self._client = self._stack.enter_context(self._address.console())
        return self._client

    def end(self) -> None:
        """Let it go; the next one is a new one."""
        self._client = None
        self._stack.close()


class _Looking:
    """The status of the whole pool, with what the agent here adds."""

    def __init__(self, address: PoolAddress, session: _KeptClient) -> None:
        self._address, self._session = address, session

    def look(self) -> WatchedStatus:
        """Raises UnreachableError."""
        try:
            found = pool_status(self._address, self._session.client)
        except Exception:
            self._session.end()
            raise
        ledger = self._address.ledger() if self._address.runs_here else None
        me = None if ledger is None else next((row for row in found.agents if row.agent == ledger.facts.agent), None)
        here = None
        if me is not None:
            away = None if found.connected else self._address.away_since()
            here = Here(me.agent, me.host, me.pid, draining=bool(me.draining), away_since=away, http=me.http)
        return WatchedStatus(**asdict(found), here=here)


class _Happenings:
    """What has happened on this host, from the event log of its agent."""

    def __init__(self, address: PoolAddress) -> None:
        self._tail = FileTail(address.state.events_path)
        self._is_first = True

    def read(self) -> list[EventRecord]:
        """Since the last time; at the first, the last that happened before."""
        lines = list(self._tail.lines())
        if self._is_first:
            lines, self._is_first = lines[-PAST_EVENTS:], False
        return [record for line in lines if (record := read_event(line)) is not None]
