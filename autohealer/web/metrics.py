"""Numbers for Prometheus: gauges from one look at the agent, counters and histograms from its events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from autohealer import __version__
from autohealer.core.model import Sense
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.views.endings import cause_of, is_death

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from autohealer.core.pool.snapshot import Snapshot

SIGNALS = ("SIGABRT", "SIGBUS", "SIGFPE", "SIGHUP", "SIGILL", "SIGINT", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGSEGV",
           "SIGSYS", "SIGTERM", "SIGTRAP", "SIGXCPU", "SIGXFSZ")  # fmt: skip
EXIT, FAULTY, OTHER_SIGNAL, UNKNOWN = "exit", "faulty", "other_signal", "unknown"
CAUSES = (*SIGNALS, OTHER_SIGNAL, EXIT, FAULTY, UNKNOWN)
HEAL_BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
DETECT_BUCKETS_S = (0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1)

Fields = Mapping[str, Any]


class Metrics:
    """One agent's numbers. Labels are from fixed sets: never a worker's id, an agent's or a text from outside."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._exits = Counter(
            "autohealer_worker_exits",
            "Workers of this agent that ended without having been asked to, by cause.",
            ["cause"],
            registry=self._registry,
        )
        for cause in CAUSES:
            self._exits.labels(cause)
        self._starts = Counter(
            "autohealer_worker_starts", "Workers that this agent has started.", registry=self._registry
        )
        self._backoffs = Counter(
            "autohealer_worker_backoffs",
            "Times that a slot of this agent had to wait before its next start.",
            registry=self._registry,
        )
        self._heals = Histogram(
            "autohealer_heal_seconds",
            "From the moment a worker's end was known until its replacement ran.",
            buckets=HEAL_BUCKETS_S,
            registry=self._registry,
        )
        self._detects = Histogram(
            "autohealer_detect_seconds",
            "How long a worker's exit may have lain unnoticed here: since the agent last looked, or was woken.",
            buckets=DETECT_BUCKETS_S,
            registry=self._registry,
        )
        self._verdicts = Counter(
            "autohealer_verdicts",
            "Workers of this agent that a sense found faulty, and that were replaced for it, by sense.",
            ["cause"],
            registry=self._registry,
        )
        for sense in Sense:
            self._verdicts.labels(str(sense))
        self._gauges = _Gauges()
        self._registry.register(self._gauges)

    def take(self, fields: Fields) -> None:
        """Fold an event in."""
        event = fields.get("event")
        if is_death(fields):
            self._exits.labels(_label(cause_of(fields))).inc()
        elif event in ("worker.started", "worker.promoted"):
            self._starts.inc(event == "worker.started")
            if isinstance(heal_ms := fields.get("heal_ms"), int | float):
                self._heals.observe(heal_ms / 1000)
        elif event == "worker.faulty" and fields.get("cause") in list(Sense):
            self._verdicts.labels(str(fields["cause"])).inc()
        elif event == "worker.backoff":
            self._backoffs.inc()

    def noticed(self, seconds: float) -> None:
        """An exit became known, after so long at most."""
        self._detects.observe(max(0.0, seconds))

    def expose(self, snapshot: Snapshot, accept: str) -> tuple[bytes, str]:
        """All of it as ``Accept`` asks for it, and its content type."""
        self._gauges.look(snapshot)
        encode, content_type = choose_encoder(accept)
        return encode(_OfPool(self._registry, snapshot.pool)), content_type


def _label(cause: str) -> str:
    """The cause as one of a fixed set."""
    if cause in list(Sense):
        return FAULTY
    if cause.startswith("SIG"):
        return cause if cause in SIGNALS else OTHER_SIGNAL
    return EXIT if cause.startswith("exit ") else UNKNOWN


class _OfPool(Collector):
    """All metrics of a registry, each sample with the pool's name for a label."""

    def __init__(self, registry: CollectorRegistry, pool: str) -> None:
        self._registry, self._pool = registry, pool

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [
                sample._replace(labels={**sample.labels, "pool": self._pool}) for sample in metric.samples
            ]
            yield metric


class _Gauges(Collector):
    """What a snapshot says; a number that the agent does not know is left out."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._cpu_s: dict[str, float] = {}
        self._cpu_total_s = 0.0

    def look(self, snapshot: Snapshot) -> None:
        """So it is now. CPU time adds up over lives, as far as it was seen."""
        self._snapshot = snapshot
        seen = {w.worker: w.cpu_s for w in snapshot.workers if w.worker is not None and w.cpu_s is not None}
        self._cpu_total_s += sum(max(0.0, cpu_s - self._cpu_s.get(worker, 0.0)) for worker, cpu_s in seen.items())
        living = {worker.worker for worker in snapshot.workers}
        self._cpu_s = {worker: cpu_s for worker, cpu_s in (self._cpu_s | seen).items() if worker in living}

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("autohealer_build_info", "Always 1; its label is the version.", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        found = self._snapshot
        if found is None:
            return
        yield CounterMetricFamily(
            "autohealer_worker_cpu_seconds",
            "CPU time of this agent's workers and all that they started, since somebody looks.",
            self._cpu_total_s,
        )
        states = dict.fromkeys(WorkerState, 0)
        for worker in found.workers:
            states[worker.state] += 1
        workers = GaugeMetricFamily("autohealer_workers", "Slots of this agent, by state.", labels=["state"])
        for state, number in states.items():
            workers.add_metric([str(state)], number)
        yield workers
        for name, text, value in _numbers(found):
            if value is not None:
                yield GaugeMetricFamily(f"autohealer_{name}", text, value)


def _numbers(found: Snapshot) -> list[tuple[str, str, float | None]]:
    return [
        ("target_workers", "How many workers the whole pool should have.", found.target),
        ("share_workers", "How many of them this agent is to run.", found.share),
        ("registered_workers", "Registrations of this agent's workers.", found.registered),
        ("foreign_workers", "Registered workers that no agent runs; they count towards the target.", found.foreign),
        ("ready", "Workers of this agent that are ready.", found.ready),
        ("held", "Workers of this agent that are found faulty and left running, for now.", _held(found)),
        ("worker_rss_bytes", "Memory of this agent's workers, added up.", _rss(found)),
        ("agents", "Live agents of the pool.", len(found.agents)),
        ("leader", "1 if this agent leads.", float(found.leader == found.agent)),
        ("draining", "1 if this agent is being emptied.", float(found.draining)),
        ("zookeeper_connected", "1 if ZooKeeper answers.", float(found.connected)),
    ]


def _held(found: Snapshot) -> int:
    return sum(worker.held is not None for worker in found.workers)


def _rss(found: Snapshot) -> int | None:
    """None while nobody has measured any."""
    sizes = [worker.rss for worker in found.workers if worker.rss is not None]
    return sum(sizes) if sizes else None
