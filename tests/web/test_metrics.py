"""Numbers for Prometheus, read by its own parsers."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from prometheus_client.samples import Sample

from autohealer import __version__
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.core.pool.snapshot import Snapshot
from autohealer.views.reading import record_of
from autohealer.web.metrics import CAUSES, Metrics
from tests.web.scenes import SNAPSHOT, worker

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def samples(metrics: Metrics, snapshot: Snapshot = SNAPSHOT) -> dict[str, list[Sample]]:
    """All of them, by name."""
    found: dict[str, list[Sample]] = {}
    for family in read_text(metrics.expose({"default": snapshot}, "")[0].decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


def value(metrics: Metrics, name: str, snapshot: Snapshot = SNAPSHOT, **labels: str) -> float | None:
    """One number; None where there is none."""
    found = [
        s.value
        for s in samples(metrics, snapshot).get(f"autohealer_{name}", [])
        if s.labels == {"pool": "default", **labels}
    ]
    return found[0] if found else None


def exited(worker: str = "me-0-a", code: int | None = None, signal: str | None = None) -> dict[str, object]:
    """A worker's death."""
    cause = signal or ("ended" if code is None else f"exit {code}")
    return {"event": "worker.exited", "worker": worker, "slot": 0, "code": code, "signal": signal, "cause": cause}


def test_how_things_stand() -> None:
    """Every state is there, also those that nobody is in; so is who leads, and whether ZooKeeper answers."""
    snapshot = replace(SNAPSHOT, workers=(worker(0), worker(1, WorkerState.BACKOFF), worker(2)))
    metrics = Metrics(["default"])
    for state in WorkerState:
        expected = {"running": 2.0, "backoff": 1.0}.get(state, 0.0)
        assert value(metrics, "workers", snapshot, state=str(state)) == expected
    for name, number in {
        "target_workers": 5, "share_workers": 3, "registered_workers": 3, "foreign_workers": 0, "agents": 2,
        "leader": 1, "draining": 0, "zookeeper_connected": 1,
    }.items():  # fmt: skip
        assert value(metrics, name, snapshot) == number, name
    assert value(metrics, "build_info", version=__version__) == 1


def test_the_other_way_round() -> None:
    """Somebody else leads, ZooKeeper is away; what is not known is left out rather than made up."""
    snapshot = replace(SNAPSHOT, leader="other", connected=False, draining=True, target=None, share=None, foreign=None)
    metrics = Metrics(["default"])
    assert value(metrics, "leader", snapshot) == 0
    assert value(metrics, "zookeeper_connected", snapshot) == 0
    assert value(metrics, "draining", snapshot) == 1
    for name in ("target_workers", "share_workers", "foreign_workers"):
        assert value(metrics, name, snapshot) is None


@pytest.mark.parametrize(
    ("event", "cause"),
    [
        (exited(signal="SIGKILL"), "SIGKILL"),
        (exited(signal="SIGSEGV"), "SIGSEGV"),
        (exited(signal="SIGRTMIN+3"), "other_signal"),
        (exited(code=0), "exit"),
        (exited(code=3), "exit"),
        (exited(), "unknown"),
    ],
)
def test_causes(event: dict[str, object], cause: str) -> None:
    """A fixed set, each of which is there from the beginning, so that rates are right from the first one."""
    metrics = Metrics(["default"])
    assert {s.labels["cause"] for s in samples(metrics)["autohealer_worker_exits_total"]} == set(CAUSES)
    metrics.take("default", record_of(event))
    assert {cause} == {s.labels["cause"] for s in samples(metrics)["autohealer_worker_exits_total"] if s.value}


def test_a_faulty_worker() -> None:
    """Counts as such, and its verdict by its sense, not by the signal that ended it; a spare's end is no death."""
    metrics = Metrics(["default"])
    metrics.take("default", record_of({"event": "worker.faulty", "worker": "me-0-a", "cause": "registration"}))
    metrics.take("default", record_of(exited("me-1-a", signal="SIGTERM")))
    metrics.take("default", record_of(exited("me-0-a", signal="SIGTERM") | {"cause": "registration"}))
    metrics.take("default", record_of(exited("me-0-b", signal="SIGTERM") | {"slot": None}))
    assert value(metrics, "verdicts_total", cause="registration") == 1
    assert value(metrics, "verdicts_total", cause="probe") == 0
    assert value(metrics, "worker_exits_total", cause="faulty") == 1
    assert value(metrics, "worker_exits_total", cause="SIGTERM") == 1


def test_memory_and_processor_time_of_all_workers() -> None:
    """Memory is what is there; processor time grows, whoever has spent it and died since."""
    metrics = Metrics(["default"])

    def at(*used: tuple[str, float, int]) -> Snapshot:
        views = [
            worker(slot)._replace(worker=name, cpu_s=cpu_s, rss=rss) for slot, (name, cpu_s, rss) in enumerate(used)
        ]
        return replace(SNAPSHOT, workers=tuple(views))

    assert value(metrics, "worker_rss_bytes") is None
    assert value(metrics, "worker_rss_bytes", at(("a", 2.0, 100), ("b", 1.0, 50))) == 150
    assert value(metrics, "worker_cpu_seconds_total", at(("a", 2.5, 100), ("b", 1.0, 50))) == 3.5
    assert value(metrics, "worker_cpu_seconds_total", at(("a2", 0.25, 100), ("b", 1.0, 50))) == 3.75


def test_ready_and_held() -> None:
    metrics = Metrics(["default"])
    snapshot = replace(SNAPSHOT, ready=2, workers=(worker(0), worker(1)._replace(held="probe")))
    assert value(metrics, "ready", snapshot) == 2
    assert value(metrics, "held", snapshot) == 1


def test_each_pool_has_series_of_its_own() -> None:
    metrics = Metrics(["web", "db"])
    metrics.take("db", record_of({"event": "worker.started", "heal_ms": 2.0}))
    text = metrics.expose({"web": SNAPSHOT, "db": replace(SNAPSHOT, target=7)}, "")[0].decode()
    assert 'autohealer_worker_starts_total{pool="db"} 1.0' in text
    assert 'autohealer_worker_starts_total{pool="web"} 0.0' in text
    assert 'autohealer_target_workers{pool="db"} 7.0' in text
    assert all('pool="' in line for line in text.splitlines() if not line.startswith("#"))


def test_starts_and_heals() -> None:
    """A first start is no heal; times are in seconds."""
    metrics = Metrics(["default"])
    metrics.take("default", record_of({"event": "worker.started", "worker": "me-0-a"}))
    metrics.take("default", record_of({"event": "worker.started", "worker": "me-0-b", "heal_ms": 1.5}))
    metrics.take("default", record_of({"event": "worker.backoff", "worker": "me-0-b"}))
    metrics.noticed("default", 0.0003)
    assert value(metrics, "worker_starts_total") == 2
    assert value(metrics, "worker_backoffs_total") == 1
    assert value(metrics, "heal_seconds_count") == 1
    assert value(metrics, "heal_seconds_sum") == pytest.approx(0.0015)
    assert value(metrics, "heal_seconds_bucket", le="0.001") == 0
    assert value(metrics, "heal_seconds_bucket", le="0.002") == 1
    assert value(metrics, "detect_seconds_count") == 1
    assert value(metrics, "detect_seconds_bucket", le="0.0005") == 1


def test_events_that_make_no_sense() -> None:
    """They count for nothing, or for what can be made of them."""
    metrics = Metrics(["default"])
    for event in ({}, {"event": None}, {"event": "worker.started", "heal_ms": "soon"}, {"event": "agent.joined"}):
        metrics.take("default", record_of(event))
    assert value(metrics, "heal_seconds_count") == 0


def test_both_formats() -> None:
    """Also the stricter one, for who asks for it; every metric says what it is."""
    metrics = Metrics(["default"])
    body, content_type = metrics.expose({"default": SNAPSHOT}, OPENMETRICS)
    families = list(read_openmetrics(body.decode()))  # type: ignore[no-untyped-call]  # has no types
    assert content_type.startswith("application/openmetrics-text")
    assert metrics.expose({"default": SNAPSHOT}, "")[1].startswith("text/plain")
    assert all(family.documentation for family in families)
    assert all(family.name.startswith("autohealer_") for family in families)


def test_labels_are_bounded() -> None:
    """Whatever comes: no more series than before, and nothing from outside among them."""
    metrics = Metrics(["default"])
    before = sum(map(len, samples(metrics).values()))
    for n in range(300):
        metrics.take("default", record_of({"event": "worker.faulty", "worker": f"w{n}", "cause": f"cause {n}"}))
        metrics.take("default", record_of(exited(f"w{n}", signal=f"SIG{n}")))
        metrics.take("default", record_of(exited(f"v{n}", signal=f"SIG{n}")))
    assert sum(map(len, samples(metrics).values())) == before
