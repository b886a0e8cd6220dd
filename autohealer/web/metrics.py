"""Numbers for Prometheus: gauges from one look at each pool's agent, counters and histograms from its events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from autohealer import __version__
from autohealer.core import notices
from autohealer.core.model import Sense
from autohealer.core.pool.lifecycle import WorkerState

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from autohealer.core.notices import EventRecord
    from autohealer.core.pool.snapshot import Snapshot

SIGNALS = ("SIGABRT", "SIGBUS", "SIGFPE", "SIGHUP", "SIGILL", "SIGINT", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGSEGV",
           "SIGSYS", "SIGTERM", "SIGTRAP", "SIGXCPU", "SIGXFSZ")  # fmt: skip
EXIT, FAULTY, OTHER_SIGNAL, UNKNOWN = "exit", "faulty", "other_signal", "unknown"
CAUSES = (*SIGNALS, OTHER_SIGNAL, EXIT, FAULTY, UNKNOWN)
SENSES = tuple(map(str, Sense))
HEAL_BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
DETECT_BUCKETS_S = (0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1)

Snapshots = Mapping[str, "Snapshot"]


class Metrics:
    """The numbers of one process's pools. Labels are from fixed sets: never a worker's id or a text from outside."""

    def __init__(self, pools: Iterable[str]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client gives it no type
        self._registry = CollectorRegistry()
        self._exits = self._counter(
            "worker_exits", "Workers of this agent that ended without having been asked to, by cause.", "cause"
        )
        self._starts = self._counter("worker_starts", "Workers that this agent has started.")
        self._backoffs = self._counter(
            "worker_backoffs", "Times that a slot of this agent had to wait before its next start."
        )
        self._verdicts = self._counter(
            "verdicts", "Verdicts that a worker of this agent is faulty, and was replaced for, by cause.", "cause"
        )
        self._heals = Histogram(
            "autohealer_heal_seconds",
            "From the moment a worker's end was known until its replacement ran.",
            ["pool"],
            buckets=HEAL_BUCKETS_S,
            registry=self._registry,
        )
        self._detects = Histogram(
            "autohealer_detect_seconds",
            "How long a worker's exit may have lain unnoticed here: since the agent last looked, or was woken.",
            ["pool"],
            buckets=DETECT_BUCKETS_S,
            registry=self._registry,
        )
        self._gauges = _Gauges()
        self._registry.register(self._gauges)
        for pool in pools:
            self._begin(pool)

    def take(self, pool: str, event: EventRecord) -> None:
        """Fold an event of this pool in."""
        match event.notice:
            case notices.WorkerExited(slot=int(), cause=cause):
                self._exits.labels(pool, _label(cause)).inc()
            case notices.WorkerStarted(heal_ms=heal_ms):
                self._starts.labels(pool).inc()
                self._healed(pool, heal_ms)
            case notices.WorkerPromoted(heal_ms=heal_ms):
                self._healed(pool, heal_ms)
            case notices.WorkerFaulty(cause=cause):
                self._verdicts.labels(pool, cause if cause in SENSES else UNKNOWN).inc()
            case notices.WorkerBackoff():
                self._backoffs.labels(pool).inc()

    def noticed(self, pool: str, seconds: float) -> None:
        """An exit became known, after so long at most."""
        self._detects.labels(pool).observe(max(0.0, seconds))

    def expose(self, snapshots: Snapshots, accept: str) -> tuple[bytes, str]:
        """All of it as ``Accept`` asks for it, and its content type."""
        self._gauges.snapshots = snapshots
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def _healed(self, pool: str, heal_ms: float | None) -> None:
        if heal_ms is not None:
            self._heals.labels(pool).observe(heal_ms / 1000)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"autohealer_{name}", text, ["pool", *labels], registry=self._registry)

    def _begin(self, pool: str) -> None:
        """Every series is there from the start, so that a rate over the first event is right."""
        for cause in CAUSES:
            self._exits.labels(pool, cause)
        for cause in (*SENSES, UNKNOWN):
            self._verdicts.labels(pool, cause)
        for series in (self._starts, self._backoffs):
            series.labels(pool)
        for histogram in (self._heals, self._detects):
            histogram.labels(pool)


def _label(cause: str) -> str:
    """The cause as one of a fixed set."""
    if cause in SENSES:
        return FAULTY
    if cause.startswith("SIG"):
        return cause if cause in SIGNALS else OTHER_SIGNAL
    return EXIT if cause.startswith("exit ") else UNKNOWN


class _Gauges(Collector):
    """What snapshots say; a number that an agent does not know is left out."""

    def __init__(self) -> None:
        self.snapshots: Snapshots = {}
        self._cpu_s: dict[str, dict[str, float]] = {}
        """By pool and worker: processor time so far, of those that lived at the last look."""
        self._spent_s: dict[str, float] = {}

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily(
            "autohealer_build_info", "Always 1; its label is the version.", labels=["pool", "version"]
        )
        workers = GaugeMetricFamily("autohealer_workers", "Slots of this agent, by state.", labels=["pool", "state"])
        cpu = CounterMetricFamily(
            "autohealer_worker_cpu_seconds",
            "Processor time of this agent's workers, as far as it was sampled.",
            labels=["pool"],
        )
        numbers: dict[str, GaugeMetricFamily] = {}
        for pool, found in self.snapshots.items():
            info.add_metric([pool, __version__], 1)
            states = dict.fromkeys(WorkerState, 0)
            for worker in found.workers:
                states[worker.state] += 1
            for state, number in states.items():
                workers.add_metric([pool, str(state)], number)
            cpu.add_metric([pool], self._cpu_of(pool, found))
            for name, text, value in _numbers(found):
                gauge = numbers.setdefault(name, GaugeMetricFamily(f"autohealer_{name}", text, labels=["pool"]))
                if value is not None:
                    gauge.add_metric([pool], value)
        yield from (info, workers, cpu, *(gauge for gauge in numbers.values() if gauge.samples))

    def _cpu_of(self, pool: str, found: Snapshot) -> float:
        """What the workers have spent in all, the dead ones too, as far as anybody looked."""
        now = {w.worker: w.cpu_s for w in found.workers if w.worker is not None and w.cpu_s is not None}
        former = self._cpu_s.get(pool, {})
        spent = sum(max(0.0, cpu_s - former.get(worker, 0.0)) for worker, cpu_s in now.items())
        living = {worker.worker for worker in found.workers}
        kept = {worker: cpu_s for worker, cpu_s in former.items() if worker in living}
        self._cpu_s[pool] = kept | now
        self._spent_s[pool] = self._spent_s.get(pool, 0.0) + spent
        return self._spent_s[pool]


def _numbers(found: Snapshot) -> list[tuple[str, str, float | None]]:
    sizes = [worker.rss for worker in found.workers if worker.rss is not None]
    return [
        ("target_workers", "How many workers the whole pool should have.", found.target),
        ("share_workers", "How many of them this agent is to run.", found.share),
        ("registered_workers", "Registrations of this agent's workers.", found.registered),
        ("foreign_workers", "Registered workers that no agent runs; they count towards the target.", found.foreign),
        ("ready", "Workers of this agent that are ready.", found.ready),
        ("held", "Verdicts on workers of this agent that are not carried out.", _held(found)),
        (
            "worker_rss_bytes",
            "Memory of this agent's workers; there while it is sampled.",
            sum(sizes) if sizes else None,
        ),
        ("agents", "Live agents of the pool.", len(found.agents)),
        ("leader", "1 if this agent leads.", float(found.leader == found.agent)),
        ("draining", "1 if this agent is being emptied.", float(found.draining)),
        ("zookeeper_connected", "1 if ZooKeeper answers.", float(found.connected)),
    ]


def _held(found: Snapshot) -> int:
    return sum(worker.held is not None for worker in found.workers)
