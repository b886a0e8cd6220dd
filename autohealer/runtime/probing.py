"""The probes of a pool, made from its options; and whether its senses can look at all.

What a probe is made of is imported only where it is asked for.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from autohealer.core import events
from autohealer.runtime.clock import now

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from autohealer.config.schema import PoolOptions
    from autohealer.processes.launch.command import Command
    from autohealer.processes.output.files import OutputFiles
    from autohealer.processes.probes.exec import WorkerSetup
    from autohealer.processes.probes.life import Probe, ProbeAnswer, ProbedLife
    from autohealer.processes.probes.prober import Prober
    from autohealer.processes.probes.progress import ProgressReading
    from autohealer.processes.reaper import Reaper
    from autohealer.runtime.revisions import Revisions
    from autohealer.runtime.sampler import Sampler


class Surroundings(msgspec.Struct, frozen=True):
    """What the senses of a pool need of their agent.

    ``cwd`` is the directory of its workers; ``warn`` gets a line for people.
    """

    loop: asyncio.AbstractEventLoop
    reaper: Reaper
    sampler: Sampler
    notify_path: str
    output: OutputFiles | None
    revisions: Revisions
    cwd: str
    post: Callable[[events.Event], None]
    warn: Callable[[str], None]


def make_prober(options: PoolOptions, around: Surroundings) -> Prober | None:
    """What asks the probes of a pool; None where it has none. Raises UsageError."""
    if not (options.probe_http or options.probe_tcp or options.probe_exec):
        return None
    from autohealer.processes.probes.prober import Prober, Timing
    from autohealer.processes.probes.resolver import Resolver

    loop, resolver = around.loop, Resolver(around.loop)
    probes: list[Probe] = []
    if options.probe_http:
        from autohealer.processes.probes.http import HttpProbe, parse_statuses

        statuses = parse_statuses(options.probe_status)
        probes += [HttpProbe(loop, resolver, url, statuses) for url in options.probe_http]
    if options.probe_tcp:
        from autohealer.processes.probes.tcp import TcpProbe

        probes += [TcpProbe(loop, resolver, place) for place in options.probe_tcp]
    if options.probe_exec:
        from autohealer.processes.probes.exec import ExecProbe

        setup = _worker_setup(around)
        probes += [ExecProbe(loop, around.reaper, text, setup) for text in options.probe_exec]

    def tell(worker: str, probe: str, answer: ProbeAnswer, weight: float) -> None:
        around.post(events.ProbeAnswered(now(), worker, probe, answer.ok, answer.detail, weight))

    return Prober(loop, probes, Timing(options.probe_interval, options.probe_timeout), tell)


def _worker_setup(around: Surroundings) -> WorkerSetup:
    """What looks at workers by a command runs as they do: with their environment, their limits, and as their user."""
    from autohealer.processes.launch.environment import NUMBER, WORKER_ID
    from autohealer.processes.launch.wrapper import wrapped
    from autohealer.processes.probes.exec import WorkerSetup

    revisions = around.revisions

    def environment(life: ProbedLife) -> dict[str, str]:
        """What this worker has, but for what is only of its start."""
        port = {} if life.port is None else {"PORT": str(life.port)}
        launch = revisions.launch(revisions.present.number)
        return {**launch.environ, WORKER_ID: life.worker, NUMBER: str(life.slot), **port}

    def wrap(command: Command) -> Command:
        spec = msgspec.structs.replace(revisions.present.spec, sockets=0)
        return wrapped(spec, command, {**os.environ, **spec.env})

    return WorkerSetup(environment, around.cwd, wrap)


def make_progress(options: PoolOptions, around: Surroundings) -> Prober | None:
    """What reads the progress of a pool's workers; None where that is not asked for. Raises UsageError."""
    if options.progress_http is None:
        return None
    from autohealer.processes.probes.prober import Prober, Timing
    from autohealer.processes.probes.progress import ProgressProbe, parse_source
    from autohealer.processes.probes.resolver import Resolver

    def tell(life: ProbedLife, reading: ProgressReading) -> None:
        busy = None if reading.busy is None else reading.busy > 0
        what = reading.detail or str(options.progress_http)
        around.post(events.ProgressRead(now(), life.worker, reading.progress, busy, what))

    busy = None if options.progress_busy is None else parse_source(options.progress_busy)
    source = parse_source(options.progress_http)
    probe = ProgressProbe(around.loop, Resolver(around.loop), source, busy, tell)
    return Prober(around.loop, [probe], Timing(options.probe_interval, options.probe_timeout), lambda *_: None)


def check_senses(options: PoolOptions, environ: Mapping[str, str], cwd: str) -> None:
    """Raise UsageError for what no sense could look at, before anything is started.

    ``environ`` and ``cwd`` are those of the workers, as far as they are the same for all.
    """
    if options.probe_http or options.probe_tcp:
        from autohealer.processes.probes.http import parse_statuses, parse_url
        from autohealer.processes.probes.life import EXAMPLE
        from autohealer.processes.probes.tcp import parse_place

        parse_statuses(options.probe_status)
        for url in options.probe_http:
            parse_url(EXAMPLE.fill(url))
        for place in options.probe_tcp:
            parse_place(EXAMPLE.fill(place))
    if options.probe_exec:
        from autohealer.processes.probes.exec import parse_command

        for text in options.probe_exec:
            parse_command(text, environ, cwd)
    if options.progress_http is not None:
        from autohealer.processes.probes.progress import parse_source

        for text in filter(None, (options.progress_http, options.progress_busy)):
            parse_source(text)
    if (pattern := log_pattern(options)) is not None:
        from autohealer.processes.log_match import compile_pattern

        compile_pattern(pattern)


def log_pattern(options: PoolOptions) -> str | None:
    """What a line has to match that says that a worker is ready; None where ``--ready`` is something else."""
    word, _, pattern = (options.ready or "").partition(":")
    return pattern if word == "log" else None
