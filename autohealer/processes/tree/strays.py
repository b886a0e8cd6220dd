"""Children of ours that nobody waits for, and which of our workers each of them may have come from.

We are the subreaper of all that we start: when a process dies, its children become ours. One that bears no mark of its
worker any more (`su -`, `env -i setsid`, a daemon that has cleaned up behind itself) is still one of ours, and some
worker has left it. Which one is told by when it was first seen: at the exit of a worker, before anything is started in
its place, every new child of ours comes from that worker. One that is first seen at another time has been let go by a
worker that lives, and is kept as long as one of those lives that may have started it.

What nobody of ours has started is left alone: children that we had before we began, as a shell script has that ends in
``exec autohealer``, and while one of these lives, what it may have left us; as pid 1, also what came into the container
from outside. At our own end all goes but the first.
"""

from __future__ import annotations

import contextlib
import enum
import os
import signal
import time
from typing import TYPE_CHECKING, NamedTuple

from autohealer.processes.reaper import LATE, reap, ticks
from autohealer.processes.tree import procfs

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from autohealer.processes.reaper import Reaper

# What a list of all our children may cost for each replacement that waits for it; of several hundred it costs more.
_AFFORDABLE_S = 60e-6
_SHARE = 10
_END_PAUSE_S = 0.005
_OUTSIDE = 0
# As much as the kernel gives at once of its list of children.
_CHUNK = 4096
_LIVING_IN_GROUP = os.WSTOPPED | os.WNOHANG | os.WNOWAIT


class Left(enum.Enum):
    """What a process that has just ended left behind."""

    NOTHING = "nothing"
    SOMETHING = "something"
    UNKNOWN = "unknown"
    """Nothing in its process group; elsewhere a look at all processes has to tell, later."""


class _StrayProcess(NamedTuple):
    start_time: int
    suspects: set[int]
    """The children that may have left it, by pid; those that are gone are not taken out."""


class Strays:
    """One in a process, beside its `Reaper`. ``come`` says that orphans become our children (`become_subreaper`)."""

    def __init__(self, reaper: Reaper, *, come: bool) -> None:
        self.come = come
        self._reaper = reaper
        self._known: dict[int, _StrayProcess] = {}
        self._inherited = set(procfs.children(os.getpid()) or ())
        self._outside = {_OUTSIDE} if os.getpid() == 1 else set()
        # Held open: to look the path up each time would take most of what a look takes.
        self._list: int | None = None
        with contextlib.suppress(OSError):
            self._list = os.open(f"/proc/self/task/{os.getpid()}/children", os.O_RDONLY | os.O_CLOEXEC)
        self._looked_at: tuple[bytes, int] | None = None
        self._next_list = 0.0
        self._list_cost_s = 0.0
        self._listed: tuple[frozenset[int], list[int]] | None = None
        """All children, and those that nobody waits for, as they were at the look with this number."""
        self._listed_at = -1
        self._have_escaped = False

    @property
    def own(self) -> Mapping[int, int]:
        """The processes that are no strays: somebody waits for them."""
        return self._reaper.pids

    def left_by(self, pid: int, *, is_child: bool) -> Left:
        """What this process left, which has just ended and is not reaped. Ask before anything else is started."""
        if not is_child or not self.come:
            # Its orphans are init's, and so may be its zombie, which is a member of its group.
            return Left.SOMETHING if not is_child and _has_group_without_leader(pid) else Left.UNKNOWN
        children, unknown = self._children_at_this_look() or ((), ())
        if pid not in children:  # not listed, or the list is another thread's
            return Left.SOMETHING if _lives_in_group(pid) else Left.UNKNOWN
        try:
            orphans = [child for child in unknown if self._is_new_orphan(child, pid)]
        except OSError:  # out of descriptors
            return Left.UNKNOWN
        self._have_escaped = self._have_escaped or bool(orphans)
        return Left.SOMETHING if orphans else Left.NOTHING

    def suspects(self, stat: procfs.ProcessStat, dead: Mapping[int, int]) -> set[int]:
        """The children of ours that may have left this one, by pid; those that are gone are not taken out.

        ``dead`` are those that have ended and are not reaped, each with when that was noticed (`ticks`).
        """
        stray = self._known.get(stat.pid)
        if stray is None or stray.start_time != stat.start_time:
            stray = self._known[stat.pid] = _StrayProcess(stat.start_time, self._origins(stat.start_time, dead))
        return stray.suspects

    def bind(self, stat: procfs.ProcessStat, pid: int | None) -> None:
        """It is known that this child came from the living worker ``pid``, or (None) from some that lives."""
        suspects = self._living_before(stat.start_time) if pid is None else {pid}
        self._known[stat.pid] = _StrayProcess(stat.start_time, suspects)

    def look(self) -> None:
        """Take in what living workers have let go, and take away what has ended. A call now and then is enough.

        Where there was no stray at the last look, and the children are the same as then, there is none now.
        """
        looked_at = self._list_all(), len(self.own)
        if not (self._known or self._inherited) and looked_at == self._looked_at:
            return
        self._looked_at = looked_at if looked_at[0] else None
        found = set()
        with contextlib.suppress(OSError):  # out of descriptors: the next look tells
            for pid in procfs.children(os.getpid()) or ():
                if pid in self.own or (stat := procfs.read_stat(pid)) is None or stat.parent != os.getpid():
                    continue
                if stat.is_gone:
                    reap(pid)
                    continue
                found.add(pid)
                if pid not in self._inherited:
                    self.suspects(stat, {})
            self._known = {pid: stray for pid, stray in self._known.items() if pid in found}
            self._inherited &= found

    def end_all(self, patience_s: float) -> list[int]:
        """At our own end: SIGKILL for every stray, until none is left; what could not be ended, by pid."""
        deadline = time.monotonic() + patience_s
        while living := self._living():
            for pid in living:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)  # our own child keeps its pid until we collect it
            if time.monotonic() > deadline:
                break
            time.sleep(_END_PAUSE_S)
        return living

    def _living(self) -> list[int]:
        self.look()
        children = procfs.children(os.getpid()) or ()
        return [pid for pid in children if pid not in self.own and pid not in self._inherited]

    def _origins(self, start_time: int, dead: Mapping[int, int]) -> set[int]:
        """Who may have left a child of ours that is seen for the first time."""
        found = {pid for pid in dead if self.own.get(pid, 0) <= start_time}
        if found:
            # If it has begun since, then it may also come from a worker that was started since.
            since = min(dead[pid] for pid in found)
            later = {pid for pid in self._living_before(start_time) if self.own[pid] > since - LATE}
            return found | (later - dead.keys())
        return self._living_before(start_time) | self._inherited | self._outside

    def _living_before(self, start_time: int) -> set[int]:
        return {pid for pid, born in self.own.items() if born <= start_time}

    def _is_new_orphan(self, pid: int, dead: int) -> bool:
        """Is this child of ours, that is not waited for, one that ``dead`` may have left?"""
        known = self._known.get(pid)
        if pid in self._inherited or (known is not None and self.lives(known.suspects, {dead})):
            return False
        stat = procfs.read_stat(pid)
        if stat is None or stat.is_gone:
            reap(pid)
            return False
        suspects = self.suspects(stat, {dead: ticks()})
        return dead in suspects and not self.lives(suspects, {dead})

    def lives(self, suspects: set[int], dead: Container[int]) -> bool:
        """Is one of them there still, and not one of the ``dead``?"""
        own, inherited = self.own, self._inherited
        return any((pid in own or pid in inherited or pid == _OUTSIDE) and pid not in dead for pid in suspects)

    def _list_all(self) -> bytes:
        """The children of the thread that orphans come to, as the kernel lists them; empty where it does not."""
        if self._list is None:
            return b""
        text = b""
        while part := os.pread(self._list, _CHUNK, len(text)):
            text += part
        return text

    def _children_at_this_look(self) -> tuple[frozenset[int], list[int]] | None:
        """All children, and those that nobody waits for; one list serves all that were found dead together.

        None where it would take long, or the kernel lists none.
        """
        if self._listed_at != self._reaper.looks:
            self._listed_at = self._reaper.looks
            children = self._list_children(self._reaper.found)
            self._listed = None if children is None else (children, [pid for pid in children if pid not in self.own])
        return self._listed

    def _list_children(self, waiting: int) -> frozenset[int] | None:
        """Our children, if that does not take long for so many replacements that wait."""
        began = time.perf_counter()
        is_dear = self._list_cost_s > _AFFORDABLE_S * waiting and not self._have_escaped
        if self._list is None or is_dear or began < self._next_list:
            # Now and then it may have become cheaper: there are fewer children, or the machine was busy.
            self._list_cost_s *= 0.9
            return None
        text = self._list_all()
        cost = time.perf_counter() - began
        self._list_cost_s, self._next_list = cost, began + _SHARE * cost
        return frozenset(map(int, text.split()))


def _lives_in_group(pid: int) -> bool:
    """Is a living child of ours in the process group of this zombie?"""
    try:
        os.waitid(os.P_PGID, pid, _LIVING_IN_GROUP)
    except ChildProcessError:
        return False
    return True


def _has_group_without_leader(pid: int) -> bool:
    """Are members left of the process group of this process, which is nobody's zombie any more?"""
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return not os.path.exists(f"/proc/{pid}")
