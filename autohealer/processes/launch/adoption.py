"""Find the workers of an agent that is gone: those of its ledger, and those it had no time to write down."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

from autohealer.core.model import WorkerId
from autohealer.processes.launch.environment import AGENT, NUMBER, POOL, REVISION, WORKER_ID
from autohealer.processes.tree import procfs

if TYPE_CHECKING:
    from collections.abc import Container, Iterable


_EXEC_PAUSE_S = 0.01


class KnownWorker(Protocol):
    """A line of the ledger, under the boot id of today."""

    @property
    def worker(self) -> str:
        """Its id."""

    @property
    def slot(self) -> int | None:
        """Its place; None where it had none."""

    @property
    def pid(self) -> int:
        """Its process."""

    @property
    def start_time(self) -> int:
        """Clock ticks from boot to its start."""

    @property
    def started(self) -> str:
        """The same, RFC 3339."""

    @property
    def revision(self) -> int:
        """What it was started from."""


class FoundWorker(NamedTuple):
    """A living worker, verified; whoever gets it owns the pidfd."""

    worker: str
    slot: int | None
    pid: int
    pidfd: int
    start_time: int
    started: str
    revision: int
    """What it was started from; 0 where that cannot be told."""


def find_workers(
    agent_id: str, known: Iterable[KnownWorker], pool: str, users: Container[int] | None = None
) -> list[FoundWorker]:
    """Every living worker of this agent and pool, each once, by slot.

    A worker of the ledger is the process with its pid and start time. One that is not in it (spawned in the agent's
    last instant, or while the disk was full) is a session leader whose environment names it, and that belongs to one of
    the ``users`` that workers run as (our own): anybody can write an environment. Of several such, as a worker's own
    child may lead a session, the oldest. What bears the id of a worker that the ledger holds is only its offspring.
    """
    stats = procfs.all_stats()
    candidates: dict[str, tuple[procfs.ProcessStat, int | None, str, int]] = {}
    known = list(known)
    for entry in known:
        stat = stats.get(entry.pid)
        if stat is not None and stat.start_time == entry.start_time:
            candidates[entry.worker] = (stat, entry.slot, entry.started, entry.revision)
    in_ledger = {entry.worker for entry in known}
    leaders = [stat for stat in stats.values() if stat.pid == stat.session and not stat.is_gone]
    for stat in sorted(leaders, key=lambda stat: (stat.start_time, stat.pid)):
        marked = _marked_worker(stat, agent_id, pool, users or {os.getuid()})
        if marked is not None and marked[0] not in in_ledger and marked[0] not in candidates:
            worker, slot, revision = marked
            started = procfs.started_at(stat.start_time).isoformat().replace("+00:00", "Z")
            candidates[worker] = (stat, slot, started, revision)
    found = []
    for worker, (stat, slot, started, revision) in candidates.items():
        pidfd = _open_verified(stat)
        if pidfd is not None:
            found.append(FoundWorker(worker, slot, stat.pid, pidfd, stat.start_time, started, revision))
    return sorted(found, key=lambda one: (one.slot is None, one.slot or 0, one.start_time))


def _marked_worker(
    stat: procfs.ProcessStat, agent_id: str, pool: str, users: Container[int]
) -> tuple[str, int | None, int] | None:
    """The worker of this agent and pool that the process says it is, its slot and revision; None where it says none."""
    while not (environ := procfs.environment(stat.pid)):
        if environ is None or not procfs.may_be_in_exec(stat):
            return None
        time.sleep(_EXEC_PAUSE_S)
    if procfs.variable(environ, AGENT) != agent_id or procfs.variable(environ, POOL) != pool:
        return None
    if procfs.user(stat.pid) not in users:
        return None
    worker = procfs.variable(environ, WORKER_ID)
    if worker is None or WorkerId.agent_of(worker) != agent_id:
        return None
    return worker, _number(procfs.variable(environ, NUMBER)), _number(procfs.variable(environ, REVISION)) or 0


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 9 else None


def _open_verified(stat: procfs.ProcessStat) -> int | None:
    """A pidfd of this very process; None if it has ended. Raises OSError when out of descriptors."""
    try:
        pidfd = os.pidfd_open(stat.pid)
    except ProcessLookupError:
        return None
    again = procfs.read_stat(stat.pid)
    if again is None or again.is_gone or again.start_time != stat.start_time:
        os.close(pidfd)
        return None
    return pidfd
