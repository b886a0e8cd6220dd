"""Which pool a command means, and whom it can ask about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from autohealer.cli.support.late import Late
from autohealer.cli.support.where import Where
from autohealer.config.schema import DEFAULT_POOL
from autohealer.errors import UnreachableError
from autohealer.runtime.control import ask
from autohealer.runtime.ledger import Ledger
from autohealer.runtime.state_dir import StateDir, pools_running

if TYPE_CHECKING:
    from autohealer.cli.support.access import access_of
    from autohealer.coordination.admin.pool_client import PoolClient, connect
    from autohealer.coordination.session.access import Access
else:  # kazoo, only where ZooKeeper is asked
    access_of = Late("autohealer.cli.support.access").access_of
    connect = Late("autohealer.coordination.admin.pool_client").connect

ANSWER_S = 5.0


class PoolAddress:
    """A pool as seen from this host: its state directory, and its ZooKeeper if one is known.

    Without ``--pool`` it is the only one that runs here, else ``default``; without ``--zk`` the address is the one
    that the agent here wrote down.
    """

    def __init__(self, where: Where) -> None:
        pool = where.pool
        if pool is None:
            running = pools_running(where.state_dir)
            pool = running[0] if len(running) == 1 else DEFAULT_POOL
        self.name = pool
        self.state = StateDir(where.state_dir, pool)
        self._where = where

    @property
    def runs_here(self) -> bool:
        """Whether an agent on this host has the pool."""
        return self.state.is_locked()

    @property
    def is_embedded(self) -> bool:
        """Whether the pool's ZooKeeper is inside the agent here, and ends with it."""
        ledger = self.ledger() if self._where.zk is None else None
        return ledger is not None and ledger.facts.server_port is not None

    def ledger(self) -> Ledger | None:
        """What the agent here wrote down, the last one if none runs."""
        return Ledger.read(self.state.ledger_path)

    def zookeeper(self) -> str | None:
        """The pool's connection string: as given, or as the agent here wrote it down; None where neither is."""
        ledger = self.ledger() if self._where.zk is None and self.runs_here else None
        return self._where.zk if ledger is None else ledger.facts.zookeeper

    def access(self) -> Access:
        """As whom, and how, that is spoken to."""
        return access_of(self._where)

    def nobody(self) -> UnreachableError:
        """The error for a pool without an agent."""
        where = f"at {self._where.zk}" if self._where.zk else f"in {self.state.base}"
        return UnreachableError(
            f"no agent runs pool {self.name} {where}",
            "start one with: autohealer run N -- CMD, or name the right --zk, --pool or --state-dir",
        )

    def ask(self, question: str) -> Any:
        """The answer of the agent on this host; None where none runs here, or where another ZooKeeper is meant."""
        if not self.runs_here:
            return None
        try:
            with self.state.connect_control(ANSWER_S) as connection:
                answer = ask(connection, question)
        except (OSError, ValueError, KeyError):
            return None
        meant = self._where.zk
        elsewhere = meant is not None and isinstance(answer, dict) and answer.get("zookeeper") != meant
        return None if elsewhere else answer

    @contextmanager
    def console(self) -> Iterator[PoolClient]:
        """The pool in ZooKeeper. Raises UnreachableError where no agent runs, or ZooKeeper does not answer."""
        hosts = self.zookeeper()
        if hosts is None:
            raise self.nobody()
        with self.connected(hosts) as console:
            if not console.agents():
                raise self.nobody()
            yield console

    @contextmanager
    def connected(self, hosts: str) -> Iterator[PoolClient]:
        """The pool in this ZooKeeper, whether an agent runs it or not."""
        console = connect(hosts, self.name, ANSWER_S, self.access())
        try:
            yield console
        finally:
            console.close()
