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
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autohealer.core import events
from autohealer.processes.notify import NotifySocket
from autohealer.processes.notify_path import bind, remove
from autohealer.runtime.clock import now

if TYPE_CHECKING:
    import asyncio
    import re
    from collections.abc import Callable, Mapping

    from autohealer.config.schema import PoolOptions
    from autohealer.core.actions import StartSenses
    from autohealer.processes.launch.command import Command
    from autohealer.processes.log_match import LogMatch
    from autohealer.processes.output import OutputFiles
    from autohealer.processes.probes.life import Answer, Life, Probe
    from autohealer.processes.probes.prober import Prober
    from autohealer.processes.probes.progress import Reading
    from autohealer.processes.reaper import Reaper
    from autohealer.processes.stats import Measured
    from autohealer.runtime.sampler import Sampler

SAMPLE_S = 5.0
LOG_LOOK_S = 0.25
KEEP_S = 30.0
LEAST_SAMPLE_S = 0.2


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the senses of a pool need of their agent.

    ``environment`` is a worker's, ``cwd`` the directory of its pool; ``wrap`` has a command run with a worker's limits
    and as its user; ``warn`` gets a line for people.
    """

    loop: asyncio.AbstractEventLoop
    reaper: Reaper
    sampler: Sampler
    notify_path: str
    output: OutputFiles | None
    environment: Callable[[Life], Mapping[str, str]]
    wrap: Callable[[Command], Command]
    cwd: str
    post: Callable[[events.Event], None]
    warn: Callable[[str], None]


class Senses:
    """All senses of one pool. Raises UsageError, when it is made, for what no sense can look at."""

    def __init__(self, options: PoolOptions, around: Surroundings) -> None:
        self._options, self._around = options, around
        self._prober = make_prober(options, around)
        self._progress = make_progress(options, around)
        pattern = _log_pattern(options)
        self._log = None if pattern is None else _LogSense(pattern, around)
        self._notify: NotifySocket | None = None
        self._notify_inode = 0
        self._numbers: dict[str, int] = {}
        self._sampling = around.sampler.open(
            self._sampled, tree=options.rss_of == "tree", every_s=sample_every_s(options)
        )
        self._keeping: asyncio.TimerHandle | None = None
        self._keep_listening()

    # ---- lives

    def expect(self, worker: str, number: int) -> None:
        """This one is about to be started: what is written from now on is its own."""
        if self._log is not None:
            self._log.expect(worker, number)

    def meet(self, worker: str, pid: int, number: int) -> None:
        """It runs: it may speak."""
        self._numbers[worker] = number
        self._sampling.add(worker, pid)
        if self._notify is not None:
            self._notify.start(worker, pid)

    def start(self, action: StartSenses) -> None:
        """Look at it, in all ways that are asked for."""
        from autohealer.processes.probes.life import Life  # noqa: PLC0415 - only where something looks

        life = Life(action.worker, action.pid, action.slot, action.port)
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
        every_s = min(KEEP_S, (self._options.beat_timeout or KEEP_S) / 4)
        self._keeping = self._around.loop.call_later(every_s, self._keep_listening)

    # ---- what they use

    def watch(self) -> None:
        """Somebody looks at what workers use: measure it for a while."""
        self._sampling.watch()

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
    if options.max_rss is not None or options.kill_rss is not None or options.spares:
        asked.append(SAMPLE_S)
    return max(LEAST_SAMPLE_S, min(SAMPLE_S, *asked)) if asked else None


def make_prober(options: PoolOptions, around: Surroundings) -> Prober | None:
    """What asks the probes of a pool; None where it has none. Raises UsageError."""
    if not (options.probe_http or options.probe_tcp or options.probe_exec):
        return None
    from autohealer.processes.probes.prober import Prober, Timing  # noqa: PLC0415 - only where it is asked for
    from autohealer.processes.probes.resolver import Resolver  # noqa: PLC0415

    loop, resolver = around.loop, Resolver(around.loop)
    probes: list[Probe] = []
    if options.probe_http:
        from autohealer.processes.probes.http import HttpProbe, parse_statuses  # noqa: PLC0415

        statuses = parse_statuses(options.probe_status)
        probes += [HttpProbe(loop, resolver, url, statuses) for url in options.probe_http]
    if options.probe_tcp:
        from autohealer.processes.probes.tcp import TcpProbe  # noqa: PLC0415

        probes += [TcpProbe(loop, resolver, place) for place in options.probe_tcp]
    if options.probe_exec:
        from autohealer.processes.probes.exec import ExecProbe  # noqa: PLC0415

        probes += [
            ExecProbe(loop, around.reaper, text, around.environment, cwd=around.cwd, wrap=around.wrap)
            for text in options.probe_exec
        ]

    def tell(worker: str, probe: str, answer: Answer, weight: float) -> None:
        around.post(events.ProbeAnswered(now(), worker, probe, answer.ok, answer.detail, weight))

    return Prober(loop, probes, Timing(options.probe_interval, options.probe_timeout), tell)


def make_progress(options: PoolOptions, around: Surroundings) -> Prober | None:
    """What reads the progress of a pool's workers; None where that is not asked for. Raises UsageError."""
    if options.progress_http is None:
        return None
    from autohealer.processes.probes.prober import Prober, Timing  # noqa: PLC0415 - only where it is asked for
    from autohealer.processes.probes.progress import ProgressProbe, parse_source  # noqa: PLC0415
    from autohealer.processes.probes.resolver import Resolver  # noqa: PLC0415

    def tell(life: Life, reading: Reading) -> None:
        busy = None if reading.busy is None else reading.busy > 0
        what = reading.detail or str(options.progress_http)
        around.post(events.ProgressRead(now(), life.worker, reading.progress, busy, what))

    busy = None if options.progress_busy is None else parse_source(options.progress_busy)
    source = parse_source(options.progress_http)
    probe = ProgressProbe(around.loop, Resolver(around.loop), source, busy, tell)
    return Prober(around.loop, [probe], Timing(options.probe_interval, options.probe_timeout), lambda *_: None)


class _LogSense:
    """``--ready log:REGEX``: looks through the output of those who have not said it yet, a few times a second."""

    def __init__(self, pattern: str, around: Surroundings) -> None:
        from autohealer.processes.log_match import compile_pattern  # noqa: PLC0415 - only where it is asked for

        self._around = around
        self._pattern: re.Pattern[bytes] = compile_pattern(pattern)
        self._expected: dict[str, LogMatch] = {}
        self._waited_for: dict[str, LogMatch] = {}
        self._timer: asyncio.TimerHandle | None = None

    def expect(self, worker: str, number: int) -> None:
        from autohealer.processes.log_match import LogMatch  # noqa: PLC0415 - only where it is asked for

        output = self._around.output
        if output is not None:
            self._expected[worker] = LogMatch(self._pattern, output.path(number), output.size(number))

    def start(self, worker: str) -> None:
        if (match := self._expected.pop(worker, None)) is not None:
            self._waited_for[worker] = match
            if self._timer is None:
                self._timer = self._around.loop.call_later(LOG_LOOK_S, self._look)

    def stop(self, worker: str) -> None:
        self._expected.pop(worker, None)
        self._waited_for.pop(worker, None)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        found = [worker for worker, match in self._waited_for.items() if match.look()]
        for worker in found:
            del self._waited_for[worker]
            self._around.post(events.LogMatched(now(), worker))
        self._timer = self._around.loop.call_later(LOG_LOOK_S, self._look) if self._waited_for else None


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino  # noqa: PTH116 - asked for again and again
    except OSError:
        return 0


def check_senses(options: PoolOptions, environ: Mapping[str, str], cwd: str) -> None:
    """Raise UsageError for what no sense could look at, before anything is started.

    ``environ`` and ``cwd`` are those of the workers, as far as they are the same for all.
    """
    if options.probe_http or options.probe_tcp:
        from autohealer.processes.probes.http import parse_statuses, parse_url  # noqa: PLC0415
        from autohealer.processes.probes.life import EXAMPLE  # noqa: PLC0415 - only where it is asked for
        from autohealer.processes.probes.tcp import parse_place  # noqa: PLC0415

        parse_statuses(options.probe_status)
        for url in options.probe_http:
            parse_url(EXAMPLE.fill(url))
        for place in options.probe_tcp:
            parse_place(EXAMPLE.fill(place))
    if options.probe_exec:
        from autohealer.processes.probes.exec import parse_command  # noqa: PLC0415 - only where it is asked for

        for text in options.probe_exec:
            parse_command(text, environ, cwd)
    if options.progress_http is not None:
        from autohealer.processes.probes.progress import parse_source  # noqa: PLC0415 - only where it is asked for

        for text in filter(None, (options.progress_http, options.progress_busy)):
            parse_source(text)
    if (pattern := _log_pattern(options)) is not None:
        from autohealer.processes.log_match import compile_pattern  # noqa: PLC0415 - only where it is asked for

        compile_pattern(pattern)


def _log_pattern(options: PoolOptions) -> str | None:
    word, _, pattern = (options.ready or "").partition(":")
    return pattern if word == "log" else None
