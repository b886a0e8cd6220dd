"""Whose is this process? Tells what dead workers have left behind.

A orphan of a dead worker is

- a member of the session or process group that the worker led (each worker leads one of each);
- a process whose environment bears the worker's id, whatever session it went to;
- a descendant of one of these.

Where the agent is a child subreaper, whatever a child worker leaves hangs from an orphan that has become the agent's
own child, so that one look at the agent's children tells that nothing was left. An adopted worker is init's child, and
its orphans are, too: for it all processes are looked at.

One escapes: a process that has left the session, the environment and its parents behind, all three. A cgroup would hold
it, and not every user may have one.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from autohealer.processes.launch.environment import WORKER_ID
from autohealer.processes.tree import procfs

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping


class DeadWorker(NamedTuple):
    """A worker whose process has ended."""

    worker: str
    pid: int
    is_child: bool


class Orphan(NamedTuple):
    """A living process that a dead worker has left behind."""

    stat: procfs.Stat
    worker: str


class Look(NamedTuple):
    """What one look has found."""

    orphans: list[Orphan]
    ended: list[int]
    """Children of ours that have ended, and that nobody waits for."""

    is_sure: bool
    """False if some process cannot be told yet: then look again."""


def look_for_orphans(
    dead: Iterable[DeadWorker],
    known: Mapping[int, str],
    own: Container[int],
    *,
    orphans_come: bool,
) -> Look:
    """Find every orphan of the dead.

    ``known`` are orphans found before, pid by worker, ``own`` processes that are none: the workers that are not
    released yet, and children that somebody else here waits for. ``orphans_come`` says that we are a subreaper.
    """
    dead = list(dead)
    family = _Family(own)
    if not (orphans_come and all(worker.is_child for worker in dead)):
        family.read_all()
    owners = _Owners(dead)
    orphans: dict[int, Orphan] = {}
    ended = []
    for stat in family.roots(known):
        if stat.is_gone:
            if stat.parent == os.getpid():
                ended.append(stat.pid)
        elif (worker := known.get(stat.pid) or owners.owner(stat)) is not None:
            for member in family.tree(stat):
                orphans.setdefault(member.pid, Orphan(member, worker))
    return Look(list(orphans.values()), ended, not owners.is_undecided)


class _Family:
    """Processes and their children, from the kernel's lists of children, or from a walk through /proc."""

    def __init__(self, own: Container[int]) -> None:
        self._me = os.getpid()
        self._own = own
        self._is_whole = False
        self._stats: dict[int, procfs.Stat] | None = None
        self._children: dict[int, list[int]] = {}
        self._orphans = procfs.children(self._me)
        if self._orphans is None:
            self._walk()

    def read_all(self) -> None:
        """Look at every process, not only at our own children."""
        self._is_whole = True
        if self._stats is None:
            self._walk()

    def roots(self, known: Iterable[int]) -> Iterator[procfs.Stat]:
        """The processes to ask about: our orphans, orphans known before, or all there are."""
        if self._stats is not None and self._is_whole:
            pids: Iterable[int] = self._stats
        else:
            orphans = self._children.get(self._me, []) if self._orphans is None else self._orphans
            pids = {*orphans, *known}
        for pid in pids:
            if pid not in self._own and (stat := self._stat(pid)) is not None and stat.session:
                yield stat  # a session of 0 is the kernel's own threads

    def tree(self, root: procfs.Stat) -> Iterator[procfs.Stat]:
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

    def _stat(self, pid: int) -> procfs.Stat | None:
        return procfs.read_stat(pid) if self._stats is None else self._stats.get(pid)

    def _children_of(self, pid: int) -> list[int]:
        if self._stats is not None:
            return self._children.get(pid, [])
        return procfs.children(pid) or []


class _Owners:
    """Which of the dead a process belongs to."""

    def __init__(self, dead: Iterable[DeadWorker]) -> None:
        dead = list(dead)
        self._workers = {worker.worker for worker in dead}
        self._by_pid = {worker.pid: worker.worker for worker in dead}
        self._is_free: dict[int, bool] = {}
        self.is_undecided = False

    def owner(self, stat: procfs.Stat) -> str | None:
        for leader in (stat.session, stat.group):
            if leader in self._by_pid and self._is_still_theirs(leader):
                return self._by_pid[leader]
        environ = procfs.environment(stat.pid)
        if environ == b"" and procfs.may_be_in_exec(stat):
            self.is_undecided = True
        marker = procfs.variable(environ, WORKER_ID) if environ else None
        return marker if marker in self._workers else None

    def _is_still_theirs(self, leader: int) -> bool:
        """Is the session or group still the dead worker's?

        Its members keep the number from being given away, and so does the worker's zombie. If a living process
        has it, then all that was the worker's had ended before.
        """
        if leader not in self._is_free:
            stat = procfs.read_stat(leader)
            self._is_free[leader] = stat is None or stat.is_gone
        return self._is_free[leader]
