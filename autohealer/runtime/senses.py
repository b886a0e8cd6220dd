"""The senses of one pool: what looks at its workers, as its options ask for it, and posts what it sees.

Nothing is decided here. A sense that is not asked for is not made, and what it is made of is not imported.

- notify    every worker may speak through its ``NOTIFY_SOCKET``
- probes    ``--probe-http``, ``--probe-tcp``, ``--probe-exec``
- progress  ``--progress-http``, ``--progress-busy``
- log       ``--ready log:REGEX``
- usage     memory, CPU time and state of processes: for limits, and for who looks
"""

from __future__ import annotations

import os
from math import inf
from typing import TYPE_CHECKING

from autohealer.core import events
from autohealer.processes.notify import NotifySocket
from autohealer.processes.notify_path import bind, remove
from autohealer.runtime.clock import call_at_next, now
from autohealer.runtime.probing import Surroundings, log_pattern, make_prober, make_progress

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from autohealer.config.schema import PoolOptions
    from autohealer.core.actions import StartSenses
    from autohealer.processes.stats import Measured
    from autohealer.runtime.log_sense import LogSense

SAMPLE_S = 5.0
KEEP_S = 30.0
LEAST_SAMPLE_S = 0.2


class Senses:
    """All senses of one pool. Raises UsageError, when it is made, for what no sense can look at."""

    def __init__(self, options: PoolOptions, around: Surroundings) -> None:
        self._options, self._around = options, around
        self._prober = make_prober(options, around)
        self._progress = make_progress(options, around)
        pattern = log_pattern(options)
        self._log: LogSense | None = None
        if pattern is not None:
            from autohealer.runtime.log_sense import LogSense  # noqa: PLC0415 - only where it is asked for

            self._log = LogSense(pattern, around)
        self._notify: NotifySocket | None = None
        self._notify_inode = 0
        self._numbers: dict[str, int] = {}
        self._sampling = around.sampler.open(
            self._sampled,
            tree=options.rss_of == "tree",
            every_s=sample_every_s(options),
            only_stopped=not _asks_usage(options),
        )
        self._keeping: asyncio.TimerHandle | None = None
        self._keep_listening()

    # ---- lives

    def expect(self, worker: str, number: int) -> None:
        """This one is about to be started: what is written from now on is its own."""
        if self._log is not None:
            self._log.expect(worker, number)

    def meet(self, worker: str, pid: int, number: int, *, is_child: bool) -> None:
        """It runs: it may speak."""
        self._numbers[worker] = number
        self._sampling.add(worker, pid, is_child=is_child)
        if self._notify is not None:
            self._notify.start(worker, pid)

    def start(self, action: StartSenses) -> None:
        """Look at it, in all ways that are asked for."""
        from autohealer.processes.probes.life import ProbedLife  # noqa: PLC0415 - only where something looks

        life = ProbedLife(action.worker, action.pid, action.slot, action.port)
        for prober in (self._prober, self._progress):
            if prober is not None:
                prober.start(life)
        if self._log is not None:
            self._log.start(action.worker)

    def stop(self, worker: str) -> None:
        """Look at it no more; it may still speak."""
        for prober in (self._prober, self._progress):
            if prober is not None:
                prober.stop(worker)
        if self._log is not None:
            self._log.stop(worker)

    def forget(self, worker: str) -> None:
        """It is gone."""
        self.stop(worker)
        self._sampling.remove(worker)
        self._numbers.pop(worker, None)
        if self._notify is not None:
            self._notify.stop(worker)

    def close(self) -> None:
        """Look at nobody any more. What workers are told stays: they outlive this agent."""
        for prober in (self._prober, self._progress):
            if prober is not None:
                prober.close()
        if self._log is not None:
            self._log.close()
        if self._keeping is not None:
            self._keeping.cancel()
        if self._notify is not None:
            self._notify.close()
        self._around.sampler.close(self._sampling)

    def leave(self) -> None:
        """The pool is over: nobody will speak any more."""
        remove(self._around.notify_path)

    # ---- what they say

    def listen(self) -> None:
        """Have the notify socket where workers look for it; again, where somebody has deleted it."""
        path = self._around.notify_path
        if self._notify is not None and _inode(path) == self._notify_inode:
            return
        try:
            receiver = bind(path)
        except OSError as error:
            self._around.warn(f"cannot listen to what workers say at {path}: {error.strerror}")
            return
        former, self._notify_inode = self._notify, _inode(path)
        self._notify = NotifySocket(self._around.loop, receiver, self._around.post, now)
        if former is not None:
            self._notify.take_over(former)

    def _keep_listening(self) -> None:
        self.listen()
        every_s = min(KEEP_S, (self._options.beat_timeout or inf) / 4)
        self._keeping = call_at_next(self._around.loop, every_s, self._keep_listening)

    # ---- what they use

    def watch(self) -> None:
        """Somebody looks at what workers use: measure it for a while."""
        self._sampling.watch()

    def refresh(self) -> None:
        """Somebody wants to know what workers use now."""
        self._sampling.refresh()

    def _sampled(self, found: Mapping[str, Measured]) -> None:
        asks_output = self._options.silence_timeout is not None
        usages = {
            worker: events.Usage(
                seen.cpu_s, seen.rss, seen.state, seen.traced, self._written(worker) if asks_output else None
            )
            for worker, seen in found.items()
        }
        available = None
        if self._options.spares or self._options.max_rss is not None:
            from autohealer.processes.stats import memory_available  # noqa: PLC0415 - only where it is asked for

            available = memory_available()
        self._around.post(events.UsageSampled(now(), usages, available))

    def _written(self, worker: str) -> int | None:
        number, output = self._numbers.get(worker), self._around.output
        return None if number is None or output is None else output.size(number)


def sample_every_s(options: PoolOptions) -> float | None:
    """How often workers are measured though nobody looks; None where no limit asks for it."""
    limits = [options.stopped_timeout or None, options.silence_timeout]
    asked = [limit / 2 for limit in limits if limit is not None]
    if _asks_usage(options):
        asked.append(SAMPLE_S)
    return max(LEAST_SAMPLE_S, min(SAMPLE_S, *asked)) if asked else None


def _asks_usage(options: PoolOptions) -> bool:
    """Whether a limit asks for more than whether a process is stopped."""
    return bool(options.spares) or any(
        limit is not None for limit in (options.max_rss, options.kill_rss, options.silence_timeout)
    )


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0
