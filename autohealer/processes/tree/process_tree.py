"""Whose is this process? Tells what dead workers have left behind.

An orphan of a dead worker is

- a member of the session or process group that the worker led (each worker leads one of each);
- a process whose environment bears the worker's id, whatever session it went to;
- a process that writes to the worker's output file;
- where the agent is a child subreaper, a child of ours that nobody waits for and that this worker left (`Strays`);
- a descendant of one of these.

Where the agent is a child subreaper, whatever a child worker leaves hangs from an orphan that has become the agent's
own child, so that one look at the agent's children tells that nothing was left. An adopted worker is init's child, and
its orphans are, too: for it all processes are looked at, and those count that were seen below it while it lived.

One escapes: a process that left an adopted worker's session, environment, output and parents behind, all four, and that
nobody saw below it. Anybody can write an environment: the marker of a process that is no child of ours counts only if
it belongs to the user that the workers run as.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from autohealer.processes.launch.environment import WORKER_ID
from autohealer.processes.tree import procfs

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from autohealer.processes.tree.strays import Strays


class DeadWorker(NamedTuple):
    """A worker whose process has ended."""

    worker: str
    pid: int
    is_child: bool
    ended: int = 0
    """When that was noticed, in `reaper.ticks`."""
    output: str | None = None
    """The file that it wrote to."""
    seen_below: Container[tuple[int, int]] = ()
    """Descendants that were seen while it lived, by pid and start time."""


class Orphan(NamedTuple):
    """A living process that a dead worker has left behind."""

    stat: procfs.ProcessStat
    worker: str


class OrphanScan(NamedTuple):
    """What one look has found."""

    orphans: list[Orphan]
    ended: list[int]
    """Children of ours that have ended, and that nobody waits for."""

    is_sure: bool
    """False if some process cannot be told yet: then look again."""


def look_for_orphans(
    dead: Iterable[DeadWorker],
    known: Mapping[int, str],
    strays: Strays,
    users: Container[int],
) -> OrphanScan:
    """Find every orphan of the dead.

    ``known`` are orphans found before, worker by pid; ``users`` those that workers run as. Raises OSError for want of
    descriptors: then nothing is known.
    """
    dead = list(dead)
    family = _Descendants(strays.own)
    if not (strays.come and all(worker.is_child for worker in dead)):
        family.read_all()
    owners = _Owners(dead, strays, users)
    orphans: dict[int, Orphan] = {}
    ended = []
    for stat in family.roots(known):
        if stat.is_gone:
            if stat.parent == os.getpid():
                ended.append(stat.pid)
        elif (worker := known.get(stat.pid) or owners.owner(stat)) is not None:
            for member in family.tree(stat):
                orphans.setdefault(member.pid, Orphan(member, worker))
    return OrphanScan(list(orphans.values()), ended, not owners.is_undecided)


class _Descendants:
    """Processes and their children, from the kernel's lists of children, or from a walk through /proc."""

    def __init__(self, own: Container[int]) -> None:
        self._me = os.getpid()
        self._own = own
        self._is_whole = False
        self._stats: dict[int, procfs.ProcessStat] | None = None
        self._children: dict[int, list[int]] = {}
        self._orphans = procfs.children(self._me)
        if self._orphans is None:
            self._walk()

    def read_all(self) -> None:
        """Look at every process, not only at our own children."""
        self._is_whole = True
        if self._stats is None:
            self._walk()

    def roots(self, known: Iterable[int]) -> Iterator[procfs.ProcessStat]:
        """The processes to ask about: our orphans, orphans known before, or all there are."""
        if self._stats is not None and self._is_whole:
            pids: Iterable[int] = self._stats
        else:
            orphans = self._children.get(self._me, []) if self._orphans is None else self._orphans
            pids = {*orphans, *known}
        for pid in pids:
            if pid not in self._own and (stat := self._stat(pid)) is not None and stat.session:
                yield stat  # a session of 0 is the kernel's own threads

    def tree(self, root: procfs.ProcessStat) -> Iterator[procfs.ProcessStat]:
        """A process and all its living descendants."""
        waiting = [root]
        seen = {root.pid}
        while waiting:
            stat = waiting.pop()
            yield stat
            for pid in self._children_of(stat.pid):
                if pid not in seen and pid not in self._own:
                    seen.add(pid)
                    child = self._stat(pid)
                    if child is not None and not child.is_gone:
                        waiting.append(child)

    def _walk(self) -> None:
        self._stats = procfs.all_stats(without=self._own)
        self._stats.pop(self._me, None)
        for stat in self._stats.values():
            self._children.setdefault(stat.parent, []).append(stat.pid)

    def _stat(self, pid: int) -> procfs.ProcessStat | None:
        return procfs.read_stat(pid) if self._stats is None else self._stats.get(pid)

    def _children_of(self, pid: int) -> list[int]:
        if self._stats is not None:
            return self._children.get(pid, [])
        return procfs.children(pid) or []


class _Owners:
    """Which of the dead a process belongs to."""

    def __init__(self, dead: list[DeadWorker], strays: Strays, users: Container[int]) -> None:
        self._dead = dead
        self._strays, self._users = strays, users
        self._by_worker = {worker.worker: worker for worker in dead}
        self._by_pid = {worker.pid: worker for worker in dead}
        self._by_output = {worker.output: worker for worker in dead if worker.output is not None}
        self._children = {worker.pid: worker.ended for worker in dead if worker.is_child}
        self._folders = {path.rpartition("/")[0] for path in self._by_output}
        self._is_free: dict[int, bool] = {}
        self.is_undecided = False

    def owner(self, stat: procfs.ProcessStat) -> str | None:
        """The worker's id, or None."""
        for leader in (stat.session, stat.group):
            if leader in self._by_pid and self._is_still_theirs(leader):
                return self._by_pid[leader].worker
        for worker in self._dead:
            if (stat.pid, stat.start_time) in worker.seen_below:
                return worker.worker
        is_ours = self._strays.come and stat.parent == os.getpid()
        marker = self._marker(stat, is_trusted=is_ours)
        if marker in self._by_worker:
            return marker
        if not is_ours:
            return self._by_outputs(stat) if self._by_output else None
        return self._stray_of(stat, marker)

    def _marker(self, stat: procfs.ProcessStat, *, is_trusted: bool) -> str | None:
        environ = procfs.environment(stat.pid)
        if environ == b"" and procfs.may_be_in_exec(stat):
            self.is_undecided = True
        marker = procfs.variable(environ, WORKER_ID) if environ else None
        if marker is not None and not is_trusted and procfs.user(stat.pid) not in self._users:
            return None
        return marker

    def _by_outputs(self, stat: procfs.ProcessStat) -> str | None:
        for path in procfs.outputs(stat.pid):
            if path in self._by_output:
                return self._by_output[path].worker
        return None

    def _stray_of(self, stat: procfs.ProcessStat, marker: str | None) -> str | None:
        """Whose child of ours is it, that nobody waits for? It may be one that a living worker has let go."""
        for leader in (stat.session, stat.group):
            if leader in self._strays.own and leader not in self._by_pid:
                self._strays.bind(stat, leader)
                return None
        if marker is not None and (living := self._living(marker)) is not None:
            self._strays.bind(stat, living)
            return None
        suspects = self._strays.suspects(stat, self._children)
        outputs = procfs.outputs(stat.pid)
        for path in outputs:
            if path in self._by_output and self._by_output[path].pid in suspects:
                return self._by_output[path].worker
            if path not in self._by_output and path.rpartition("/")[0] in self._folders:
                self._strays.bind(stat, None)  # another slot's
                return None
        mine = suspects & self._children.keys()
        return None if not mine or self._strays.lives(suspects, self._by_pid) else self._by_pid[max(mine)].worker

    def _living(self, marker: str) -> int | None:
        """The living process that leads a session and bears this worker's id."""
        for pid in self._strays.own:
            if pid not in self._by_pid:
                environ = procfs.environment(pid)
                if environ and procfs.variable(environ, WORKER_ID) == marker:
                    return pid
        return None

    def _is_still_theirs(self, leader: int) -> bool:
        """Is the session or group still the dead worker's?

        Its members keep the number from being given away, and so does the worker's zombie. If a living process
        has it, then all that was the worker's had ended before.
        """
        if leader not in self._is_free:
            stat = procfs.read_stat(leader)
            self._is_free[leader] = stat is None or stat.is_gone
        return self._is_free[leader]
