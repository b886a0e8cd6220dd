"""The one sampler of memory and CPU time of an agent process, for all of its pools.

It measures while somebody looks, or while a limit asks for it. Where it is only to be found out whether a process
stands still, the kernel is asked for any child that does, which is one system call for all of them; workers are
measured when there is one. An agent that nobody looks at and that limits nothing does not even import what it would
measure with.
"""

from __future__ import annotations

from math import ceil, inf
from typing import TYPE_CHECKING

from autohealer.processes.standstill import STOPPED, is_child_stopped, is_stopped

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence

    from autohealer.processes.stats import Measured

    Take = Callable[[Mapping[str, Measured]], None]

WATCHED_EVERY_S = 2.0
# So many are measured as often as that. Of more, each is measured less often: a look at a thousand takes 12 to 25 ms.
MANY = 250
SELDOM = 5
# Whoever looks has to say so again within this time.
WATCHED_FOR_S = 10.0
# One walk serves all who are due so soon.
TOGETHER_S = 0.3


class Sampling:
    """What one pool wants to know, of whom, and how often. ``take`` gets what was measured, by worker.

    ``only_stopped``: while nobody looks, only a process that has been stopped is worth measuring.
    """

    def __init__(self, sampler: Sampler, take: Take, *, tree: bool, every_s: float | None, only_stopped: bool) -> None:
        self.tree, self.every_s, self.only_stopped = tree, every_s, only_stopped
        self.pids: dict[str, int] = {}
        self.strangers: dict[str, int] = {}
        """The workers of a former life of the agent, which are not our children."""
        self.due = 0.0
        self.sees_stopped = False
        """Whether one was stopped at the last measurement: that it goes on has to be told as well."""
        self._take, self._sampler = take, sampler
        self._watched_until = self._measured_at = -inf

    def add(self, worker: str, pid: int, *, is_child: bool = True) -> None:
        """Measure this one, too."""
        is_first = not self.pids
        self.pids[worker] = pid
        if not is_child:
            self.strangers[worker] = pid
        if is_first:
            self._sampler.plan()

    def remove(self, worker: str) -> None:
        """Measure it no more."""
        self.pids.pop(worker, None)
        self.strangers.pop(worker, None)

    def refresh(self) -> None:
        """Somebody wants to know now, and need not look again: measured at once, unless that was a moment ago."""
        if self.pids and self._sampler.time() - self._measured_at > WATCHED_EVERY_S:
            self._sampler.measure([self])

    def take(self, found: Mapping[int, Measured]) -> None:
        """What was measured, by pid."""
        self._measured_at = self._sampler.time()
        taken = {worker: found[pid] for worker, pid in self.pids.items() if pid in found}
        self.sees_stopped = any(measured.state in STOPPED for measured in taken.values())
        self._take(taken)

    def is_watched(self, now: float) -> bool:
        """Whether somebody looks."""
        return now < self._watched_until

    def watch(self) -> None:
        """Somebody looks: measure for a while, and more often."""
        now = self._sampler.time()
        if not self.is_watched(now):
            self.due = min(self.due, now) if self.every_s is not None else now
        self._watched_until = now + WATCHED_FOR_S
        self._sampler.plan()

    def interval_s(self, now: float) -> float | None:
        """Between two looks; None where nobody wants any."""
        if not self.pids:
            return None
        if self.is_watched(now):
            every_s = WATCHED_EVERY_S * min(SELDOM, ceil(len(self.pids) / MANY))
            return min(every_s, self.every_s or every_s)
        return self.every_s


class Sampler:
    """Takes the looks that are due, as few as can be."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._samplings: list[Sampling] = []
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def time(self) -> float:
        """The loop's."""
        return self._loop.time()

    def open(self, take: Take, *, tree: bool, every_s: float | None, only_stopped: bool = False) -> Sampling:
        """For one pool; ``every_s`` None: only while somebody looks."""
        sampling = Sampling(self, take, tree=tree, every_s=every_s, only_stopped=only_stopped)
        self._samplings.append(sampling)
        return sampling

    def close(self, sampling: Sampling) -> None:
        """That pool is gone."""
        self._samplings.remove(sampling)

    def plan(self) -> None:
        """Wake up when the first look is due."""
        now = self._loop.time()
        moments = []
        for sampling in self._samplings:
            interval_s = sampling.interval_s(now)
            if interval_s is not None:
                sampling.due = max(now, min(sampling.due or _next(now, interval_s), now + 2 * interval_s))
                moments.append(sampling.due)
        at = min(moments, default=None)
        if self._timer is not None and (at is None or at != self._timer_at):
            self._timer.cancel()
            self._timer = None
        if at is not None and self._timer is None:
            self._timer, self._timer_at = self._loop.call_at(at, self._look), at

    def measure(self, asked: Sequence[Sampling]) -> None:
        """Measure what these want to know, in two walks at most, and tell them."""
        from autohealer.processes.stats import measure  # noqa: PLC0415 - nobody may ever ask

        for tree in (False, True):
            alike = [sampling for sampling in asked if sampling.tree is tree]
            pids = [pid for sampling in alike for pid in sampling.pids.values()]
            found = measure(pids, tree=tree) if pids else {}
            for sampling in alike:
                sampling.take(found)

    def _look(self) -> None:
        self._timer = None
        now = self._loop.time()
        is_any_stopped = is_child_stopped()
        asked = []
        for sampling in self._samplings:
            interval_s = sampling.interval_s(now)
            if interval_s is None or sampling.due > now + TOGETHER_S:
                continue
            # Who was frozen has seen nothing of what happened meanwhile: it says nothing, and looks again.
            is_late = now - sampling.due > interval_s
            sampling.due = _next(now, interval_s) + (interval_s if is_late else 0.0)
            if not is_late and (is_any_stopped or _is_worth_measuring(sampling, now)):
                asked.append(sampling)
        if asked:
            self.measure(asked)
        self.plan()


def _next(now: float, interval_s: float) -> float:
    """A multiple of the interval: what else looks now and then does so at the same moments (`call_at_next`)."""
    return ((now + min(TOGETHER_S, interval_s / 2)) // interval_s + 1) * interval_s


def _is_worth_measuring(sampling: Sampling, now: float) -> bool:
    """Whether there is something to be told, though no child of ours is stopped."""
    return (
        not sampling.only_stopped
        or sampling.is_watched(now)
        or sampling.sees_stopped
        or any(is_stopped(pid) for pid in sampling.strangers.values())
    )
