"""Which pool a command means, and whom it can ask about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from autohealer.cli.support.asking import ANSWER_S, Local, Remote, local, operation
from autohealer.cli.support.late import Late
from autohealer.cli.support.where import Where
from autohealer.config.schema import DEFAULT_POOL
from autohealer.errors import UnreachableError, UsageError
from autohealer.processes.tree import procfs
from autohealer.runtime.ledger import Ledger
from autohealer.runtime.state_dir import StateDir, pools_running
from autohealer.views.status import Status
from autohealer.views.units import count

if TYPE_CHECKING:
    from autohealer.cli.support.access import access_of
    from autohealer.coordination.admin.pool_client import PoolClient, connect
    from autohealer.coordination.session.access import Access
    from autohealer.core.operations import Options
else:  # kazoo, only where ZooKeeper is asked
    access_of = Late("autohealer.cli.support.access").access_of
    connect = Late("autohealer.coordination.admin.pool_client").connect


def of_the_process(where: Where) -> PoolAddress:
    """A pool of the agent process here, for what concerns all of its pools. UsageError where several processes run."""
    names = pools_running(where.state_dir) if where.pool is None and where.zk is None else []
    if not names:
        return PoolAddress(where)
    processes: dict[int | None, list[str]] = {}
    for name in names:
        processes.setdefault(StateDir(where.state_dir, name).holder_pid(), []).append(name)
    if len(processes) > 1:
        listed = ", ".join(f"pid {pid} ({', '.join(pools)})" for pid, pools in processes.items())
        raise UsageError(f"several agents run here: {listed}", "name a pool of the one that is meant, by --pool")
    return PoolAddress(where._replace(pool=names[0]))


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
        try:
            return Ledger.read(self.state.ledger_path)
        except OSError as error:
            raise UsageError(f"cannot read the ledger {self.state.ledger_path}: {error.strerror}") from error

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
        left = self._left()
        if left:
            return UnreachableError(
                f"no agent runs pool {self.name} {where}; {count(left, 'worker')} that it left"
                f" {'goes' if left == 1 else 'go'} on, and {'is' if left == 1 else 'are'} not healed",
                "the same `autohealer run` takes them over, `autohealer stop` ends them",
            )
        options = "--zk, --pool or --state-dir" if self._where.zk else "--pool or --state-dir"
        return UnreachableError(
            f"no agent runs pool {self.name} {where}",
            f"start one with: autohealer run N -- CMD, or name the right {options}",
        )

    def _left(self) -> int:
        """How many workers of the last agent here live: as far as its ledger names them."""
        ledger = self.ledger() if not self.runs_here else None
        written = ledger.workers.values() if ledger is not None else ()
        return sum(procfs.start_time(entry.pid) == entry.start_time for entry in written)

    @contextmanager
    def local(self) -> Iterator[Local | None]:
        """The agent on this host; None where none runs here, or where another ZooKeeper is meant.

        Raises UnreachableError where it is frozen.
        """
        meant = self._where.zk
        with local(self.state) as found:
            try:
                # Asked also where any will do: what a frozen agent is sent it would carry out when it wakes.
                hosts = None if found is None else found.ask("zookeeper")
                elsewhere = meant is not None and hosts != meant
            except (OSError, ValueError):
                elsewhere = True  # it ends this moment
            yield None if elsewhere else found

    def status(self) -> Status | None:
        """How the pool stands, as the agent on this host knows it. None, and raises, as `ask`."""
        try:
            return msgspec.convert(self.ask("status"), Status | None)
        except msgspec.ValidationError as error:
            raise UnreachableError(
                f"the agent of pool {self.name} tells its status in a way that makes no sense: {error}",
                "use the `autohealer` of the agent's own version",
            ) from error

    def away_since(self) -> str | None:
        """Since when the agent here has had no answer of ZooKeeper; None where it has, or none of it is known."""
        since = self.ask("away_since")
        return since if isinstance(since, str) else None

    def ask(self, question: str) -> object:
        """The answer of the agent on this host, None where there is none. Raises UnreachableError if it is frozen."""
        with self.local() as found:
            try:
                return None if found is None else found.ask(question)
            except (OSError, ValueError):
                return None

    @contextmanager
    def asked(self, verb: str, subject: str = "", options: Options | None = None) -> Iterator[Local | Remote]:
        """Ask the pool for something: by the agent here, or else by ZooKeeper. Once it is sent it is sent one way only.

        Raises UsageError where it makes no sense, UnreachableError where nobody can be asked.
        """
        wanted = operation(verb, subject, options)
        with self.local() as found:
            if found is not None:
                found.begin(wanted)
                yield found
                return
        with self.console() as console:
            remote = Remote(console)
            remote.begin(wanted)
            yield remote

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
