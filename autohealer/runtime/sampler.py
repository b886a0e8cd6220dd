"""The one sampler of memory and CPU time of an agent process, for all of its pools.

It looks while somebody does, or while a limit asks for it, and not at all otherwise: an agent that nobody looks at and
that limits nothing does not even import what it would look with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from autohealer.processes.stats import Measured

    Take = Callable[[Mapping[str, Measured]], None]

WATCHED_EVERY_S = 2.0
# Whoever looks has to say so again within this time.
WATCHED_FOR_S = 10.0
# One walk serves all who are due so soon.
TOGETHER_S = 0.3


class Sampling:
    """What one pool wants to know, of whom, and how often. ``take`` gets what was measured, by worker."""

    def __init__(self, sampler: Sampler, take: Take, *, tree: bool, every_s: float | None) -> None:
        self.take, self.tree, self.every_s = take, tree, every_s
        self.pids: dict[str, int] = {}
        self.due = 0.0
        self.asked_at = 0.0
        self._sampler = sampler
        self._watched_until = 0.0

    def add(self, worker: str, pid: int) -> None:
        """Measure this one, too."""
        self.pids[worker] = pid
        self._sampler.plan()

    def remove(self, worker: str) -> None:
        """Measure it no more."""
        self.pids.pop(worker, None)

    def watch(self) -> None:
        """Somebody looks: measure for a while, and more often."""
        now = self._sampler.time()
        if now >= self._watched_until:
            self.due = min(self.due, now) if self.every_s is not None else now
        self._watched_until = now + WATCHED_FOR_S
        self._sampler.plan()

    def interval_s(self, now: float) -> float | None:
        """Between two looks; None where nobody wants any."""
        if not self.pids:
            return None
        if now < self._watched_until:
            return min(WATCHED_EVERY_S, self.every_s or WATCHED_EVERY_S)
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

    def open(self, take: Take, *, tree: bool, every_s: float | None) -> Sampling:
        """For one pool; ``every_s`` None: only while somebody looks."""
        sampling = Sampling(self, take, tree=tree, every_s=every_s)
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
                sampling.due = max(now, min(sampling.due or now + interval_s, now + interval_s))
                moments.append(sampling.due)
        at = min(moments, default=None)
        if self._timer is not None and (at is None or at != self._timer_at):
            self._timer.cancel()
            self._timer = None
        if at is not None and self._timer is None:
            self._timer, self._timer_at = self._loop.call_at(at, self._look), at

    def _look(self) -> None:
        from autohealer.processes.stats import measure  # noqa: PLC0415 - nobody may ever ask

        self._timer = None
        now = self._loop.time()
        due = [it for it in self._samplings if it.interval_s(now) is not None and it.due <= now + TOGETHER_S]
        for tree in (False, True):
            asked = [sampling for sampling in due if sampling.tree is tree]
            pids = [pid for sampling in asked for pid in sampling.pids.values()]
            found = measure(pids, tree=tree) if pids else {}
            for sampling in asked:
                interval_s = sampling.interval_s(now) or WATCHED_EVERY_S
                # Who was frozen has seen nothing of what happened meanwhile: it says nothing, and looks again.
                is_late = now - sampling.due > interval_s
                sampling.due = now + interval_s
                if not is_late:
                    sampling.take({worker: found[pid] for worker, pid in sampling.pids.items() if pid in found})
        self.plan()
