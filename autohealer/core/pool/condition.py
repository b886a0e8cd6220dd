"""What the senses have seen of one life, and what follows from it for each sense.

Facts go in; findings come out: that a sense finds the life faulty (with what it saw), or that it does not any more.
Whether anything is done about it is not decided here, but in ``health``. All counters belong to the one life.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from zlib import crc32

import msgspec

from autohealer.core.events import NotifyReceived, ProbeAnswered, ProgressRead, Usage
from autohealer.core.model import Instant, PoolSpec, Sense

AGE_JITTER = 0.1
SAMPLES_OVER = 2


class Symptom(msgspec.Struct, frozen=True):
    """What one sense makes of the life now. ``detail``: what it saw; None where it finds nothing wrong (any more)."""

    sense: Sense
    detail: str | None
    at_once: bool = False
    """The memory limit that is not waited for: SIGKILL."""
    since: Instant | None = None
    """Since when it has been so."""


class ProbeRecord(msgspec.Struct):
    """The last answers of one probe. ``failures`` counts since the last success, a doubtful one for a half."""

    ok: bool = False
    detail: str = ""
    failures: float = 0.0
    has_succeeded: bool = False
    failing_since: Instant = 0.0


class ProgressRecord(msgspec.Struct):
    """A counter of finished work, since when it stands still, and who tells it."""

    value: float
    since: Instant
    from_worker: bool


# Most lives have neither. Nobody changes these: what comes is put into a new one.
_NO_PROBES: Mapping[str, ProbeRecord] = {}
_NO_TASKS: Mapping[str, tuple[Instant, float | None]] = {}


class Condition(msgspec.Struct):
    """One life as its senses see it. ``born``: when it started; ``since``: from when on it is watched."""

    spec: PoolSpec
    worker: str
    born: Instant
    since: Instant
    ready_since: Instant | None = None
    is_met: bool = False
    """Whether what its readiness waits for has come; see ``readiness``."""
    registered: bool | None = None
    """Whether the registration that names it is its own; None where there is none."""
    start_by: Instant | None = None
    """When it must be ready at the latest; None where nobody asks."""
    probes: Mapping[str, ProbeRecord] = msgspec.field(default_factory=lambda: _NO_PROBES)
    beat_at: Instant | None = None
    idle: bool = False
    tasks: Mapping[str, tuple[Instant, float | None]] = msgspec.field(default_factory=lambda: _NO_TASKS)
    """What it works on: since when, and within how many seconds it must be done."""
    counter: ProgressRecord | None = None
    usage: tuple[float, int | None] | None = None
    still_since: Instant = 0.0
    stopped_since: Instant | None = None
    samples_over: int = 0
    judged: Instant = 0.0
    """Up to when time alone has been judged: what ran out before is not judged again, unless at ``recheck_at``."""
    recheck_at: Instant | None = None
    leaving: bool = False
    """It has said that it is stopping."""
    cry: str | None = None
    """What it said when it called itself faulty, until its next beat."""
    lost: str | None = None
    """What happened to its registration, while that is its own fault."""

    # ---- readiness

    @property
    def failing_probe(self) -> str | None:
        """What the first probe saw whose last answer was a failure; None where there is none."""
        return next((f"{name}: {probe.detail}" for name, probe in self.probes.items() if not probe.ok), None)

    @property
    def all_probes_passed(self) -> bool:
        """Whether each probe of the pool has succeeded, and none fails now."""
        return len(self.probes) >= len(self.spec.probes) and all(probe.ok for probe in self.probes.values())

    @property
    def is_proven(self) -> bool:
        """Whether it has been ready, and each probe has succeeded: nothing is left to wait for from its start."""
        probes = self.probes.values()
        succeeded = len(probes) >= len(self.spec.probes) and all(probe.has_succeeded for probe in probes)
        return self.ready_since is not None and succeeded

    def became_ready(self, now: Instant) -> None:
        """From now on beats and progress are due."""
        if self.ready_since is None:
            self.ready_since = self.beat_at = now
            if self.counter is not None:
                self.counter.since = now

    # ---- facts

    def probed(self, event: ProbeAnswered) -> Iterator[Symptom]:
        """Before its first success a probe condemns nobody: ``start_by`` is the limit."""
        probe = self.probes.get(event.probe)
        if probe is None:
            probe = ProbeRecord()
            self.probes = {**self.probes, event.probe: probe}
        if probe.ok:
            probe.failing_since = event.at
        probe.ok, probe.detail = event.ok, event.detail
        if event.ok:
            probe.has_succeeded, probe.failures = True, 0.0
            if all(other.failures < self.spec.probe_failures for other in self.probes.values()):
                yield Symptom(Sense.PROBE, None)
        elif probe.has_succeeded:
            probe.failures += event.weight
            if probe.failures >= self.spec.probe_failures:
                yield Symptom(Sense.PROBE, f"{event.probe}: {event.detail}", since=probe.failing_since)

    def notified(self, event: NotifyReceived) -> Iterator[Symptom]:
        """A message of the worker. What it says of its work ends its being idle, and the other way round."""
        if event.extend_s is not None and self.start_by is not None:
            self.start_by = max(self.start_by, event.at + event.extend_s)
        if event.beat or event.progress is not None or event.task is not None:
            self.idle = False
            self.beat_at, self.cry = event.at, None
            yield Symptom(Sense.BEAT, None)
        if event.progress is not None:
            yield from self._counted(event.progress, event.at, from_worker=True)
        if event.task is not None:
            limit = event.task_limit_s if event.task_limit_s is not None else self.spec.task_timeout_s
            self.tasks = {**self.tasks, event.task: (event.at, limit)}
        if event.task_ended is not None:
            self.tasks = {task: limit for task, limit in self.tasks.items() if task != event.task_ended}
        if event.idle:
            self.idle, self.cry = True, None
            self.tasks = _NO_TASKS
            yield Symptom(Sense.BEAT, None)
            yield Symptom(Sense.PROGRESS, None)
        if not self._overdue_tasks(event.at):
            yield Symptom(Sense.TASK, None)
        self.leaving = event.stopping or (self.leaving and not event.ready)
        if event.trigger:
            self.cry = event.status or "the worker calls itself faulty"
            yield Symptom(Sense.BEAT, self.cry)

    def progressed(self, event: ProgressRead) -> Iterator[Symptom]:
        """A counter that cannot be read says nothing; one that stands still says something only of who is busy."""
        if event.busy is False or self.ready_since is None:
            self.counter = None
            yield Symptom(Sense.PROGRESS, None)
        if event.value is None:
            return
        yield from self._counted(event.value, event.at, from_worker=False)
        yield from self._standstill(event.at, event.detail)

    def used(self, usage: Usage, now: Instant) -> Iterator[Symptom]:
        """One look at the process."""
        if usage.state != "T" or usage.traced:
            self.stopped_since = None
            yield Symptom(Sense.STOPPED, None)
        elif self.stopped_since is None:
            self.stopped_since = now
        limit, since = self.spec.stopped_timeout_s, self.stopped_since
        if limit is not None and since is not None and now - since >= limit:
            yield Symptom(Sense.STOPPED, f"its process has been stopped (state T) for {limit:g} s", since=since)
        moved = usage.cpu_s, usage.output_bytes
        if moved != self.usage or self.idle or self.ready_since is None:
            self.usage, self.still_since = moved, now
            yield Symptom(Sense.SILENT, None)
        elif (limit := self.spec.silence_timeout_s) is not None and now - self.still_since >= limit:
            detail = f"neither output nor CPU time for {limit:g} s"
            yield Symptom(Sense.SILENT, detail, since=self.still_since)
        yield from self._weighed(usage.rss)

    def _weighed(self, rss: int) -> Iterator[Symptom]:
        """Two samples in a row over the limit: one may be a peak. What kills at once is not waited for."""
        spec = self.spec
        is_over = spec.max_rss is not None and rss > spec.max_rss
        self.samples_over = self.samples_over + 1 if is_over else 0
        if spec.kill_rss is not None and rss > spec.kill_rss:
            yield Symptom(Sense.MEMORY, f"{_mib(rss)} resident, --kill-rss is {_mib(spec.kill_rss)}", at_once=True)
        elif spec.max_rss is not None and self.samples_over >= SAMPLES_OVER:
            yield Symptom(Sense.MEMORY, f"{_mib(rss)} resident, --max-rss is {_mib(spec.max_rss)}")
        elif not is_over:
            yield Symptom(Sense.MEMORY, None)

    # ---- time

    def due(self) -> Instant | None:
        """When ``overdue`` may find something next."""
        return min((moment for moment in self._moments() if moment > self.judged), default=None)

    def _moments(self) -> list[Instant]:
        spec, moments = self.spec, [] if self.start_by is None or self.is_proven else [self.start_by]
        if self.recheck_at is not None:
            moments.append(self.recheck_at)
        if (beat_due := self._beat_due()) is not None:
            moments.append(beat_due)
        moments += [since + limit for since, limit in self.tasks.values() if limit is not None]
        if self.counter is not None and self.counter.from_worker and self.ready_since is not None and not self.idle:
            moments.append(self.counter.since + spec.progress_timeout_s)
        if spec.max_age_s is not None:
            moments.append(self._too_old_at(spec.max_age_s))
        return moments

    def overdue(self, now: Instant) -> Iterator[Symptom]:
        """What has not come in time."""
        spec, self.judged = self.spec, now
        if self.start_by is not None and now >= self.start_by and not self.is_proven:
            yield Symptom(Sense.NOT_READY, self._why_not_ready())
        if self.cry is not None:
            yield Symptom(Sense.BEAT, self.cry)
        elif (due := self._beat_due()) is not None and now >= due:
            yield Symptom(Sense.BEAT, f"no beat for {spec.beat_timeout_s:g} s", since=self.beat_at)
        for task in self._overdue_tasks(now):
            since, limit = self.tasks[task]
            yield Symptom(Sense.TASK, f"task {task} has not ended within {limit:g} s", since=since)
        if self.counter is not None and self.counter.from_worker and not self.idle:
            yield from self._standstill(now, "its progress")
        if spec.max_age_s is not None and now >= self._too_old_at(spec.max_age_s):
            yield Symptom(Sense.AGE, f"it is older than --max-age {spec.max_age_s:g} s")
        if self.lost is not None:
            yield Symptom(Sense.REGISTRATION, self.lost)

    def start_anew(self, now: Instant) -> None:
        """Nobody looked for a while: what has not come since then may have come."""
        if self.start_by is not None:
            self.start_by = max(self.start_by, now + self.spec.start_timeout_s)
        self.beat_at = None if self.beat_at is None else now
        self.tasks = {task: (now, limit) for task, (_, limit) in self.tasks.items()}
        if self.counter is not None:
            self.counter.since = now
        self.still_since, self.stopped_since, self.samples_over = now, None, 0

    # ---- how

    def _beat_due(self) -> Instant | None:
        limit = self.spec.beat_timeout_s
        return None if limit is None or self.beat_at is None or self.idle else self.beat_at + limit

    def _counted(self, value: float, now: Instant, *, from_worker: bool) -> Iterator[Symptom]:
        if self.counter is None or self.counter.value != value:
            self.counter = ProgressRecord(value, now, from_worker)
            yield Symptom(Sense.PROGRESS, None)

    def _standstill(self, now: Instant, what: str) -> Iterator[Symptom]:
        limit = self.spec.progress_timeout_s
        if self.counter is not None and self.ready_since is not None and now - self.counter.since >= limit:
            detail = f"{what} has stood at {self.counter.value:g} for {limit:g} s"
            yield Symptom(Sense.PROGRESS, detail, since=self.counter.since)

    def _overdue_tasks(self, now: Instant) -> list[str]:
        return [task for task, (since, limit) in self.tasks.items() if limit is not None and now - since >= limit]

    def _too_old_at(self, max_age_s: float) -> Instant:
        """Up to a tenth earlier or later, so that those that were started together are not exchanged together."""
        part = crc32(self.worker.encode()) / 2**32
        return self.born + max_age_s * (1 - AGE_JITTER + 2 * AGE_JITTER * part)

    def _why_not_ready(self) -> str:
        limit = f"within {self.spec.start_timeout_s:g} s"
        failing = self.failing_probe
        return f"not ready {limit}" if failing is None else f"not ready {limit}: {failing}"


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
