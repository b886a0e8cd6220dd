"""``python -m tests.cluster.figures [RUNS]``: how long it takes, on an ensemble of three and hosts of this machine.

Moments are those of the agents' event logs, and of the clock that all of them share. See docs/clusters.md.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median

from kazoo.client import KazooClient

from tests.support.clusters import SESSION_S, TICK_S, Cluster, Host
from tests.support.pools import Json
from tests.support.processes import eventually
from tests.support.real_zookeeper import RealZooKeeper

N, HOSTS, MORE = 6, 3, 6


def when(event: Json) -> float:
    """The moment of an event, as ``time.time`` has it."""
    return datetime.fromisoformat(event["time"]).timestamp()


def time_to_grow(cluster: Cluster, workers: int, more: int) -> tuple[float, float]:
    """Seconds from a new target until the first and the last new worker run on hosts that do not lead."""
    leader = cluster.leader()
    others = [host for host in cluster.running() if host is not leader]
    before = {id(host): len(host.events("worker.started")) for host in others}
    share = more // len(cluster.running())
    asked_at = time.time()
    cluster.client.set("/autohealer/target", json.dumps({"workers": workers + more}).encode())
    started = [
        when(event)
        for host in others
        for event in eventually(lambda host=host: _new(host, before[id(host)], share))  # type: ignore[misc]  # of such a lambda mypy knows no type
    ]
    return min(started) - asked_at, max(started) - asked_at


def _new(host: Host, known: int, count: int) -> list[Json]:
    new = host.events("worker.started")[known:]
    return new if len(new) >= count else []


def round_trip(client: KazooClient) -> float:
    """Seconds that a write takes, answered by a majority; the median of a few."""
    took = []
    for _ in range(9):
        begun = time.monotonic()
        client.set("/autohealer", b"")
        took.append(time.monotonic() - begun)
    return median(took)


def time_to_recover(cluster: Cluster, victim: Host, workers: int) -> tuple[float, float]:
    """Seconds from the loss of a host until all workers run again, and until another leads where it did."""
    epoch = cluster.plan()["epoch"]
    leads, lost = cluster.leader() is victim, len(victim.living())
    lost_at = time.time()
    victim.die()
    cluster.until_living(workers)
    # Who looks from outside may be late, and so may ZooKeeper's answer to him: the agents know better.
    started = eventually(lambda: _started_since(cluster, lost_at, lost))
    took = started[lost - 1] - lost_at
    if not leads:
        return took, 0.0
    elected = eventually(lambda: [e for e in cluster.events("leader.elected") if e["epoch"] > epoch])
    return took, min(map(when, elected)) - lost_at


def _started_since(cluster: Cluster, moment: float, count: int) -> list[float]:
    moments = sorted(at for event in cluster.events("worker.started") if (at := when(event)) > moment)
    return moments if len(moments) >= count else []


# ---- by hand, many times


@contextmanager
def clusters() -> Iterator[Callable[[], Cluster]]:
    """Makes a cluster on a chroot of its own, on one ensemble."""
    clients: list[KazooClient] = []

    def connect(hosts: str) -> KazooClient:
        clients.append(KazooClient(hosts=hosts))
        clients[-1].start()
        return clients[-1]

    made: list[Cluster] = []
    with tempfile.TemporaryDirectory() as folder, RealZooKeeper(servers=3) as ensemble:

        def make() -> Cluster:
            number = len(made)
            place = Path(folder) / str(number)
            place.mkdir()
            made.append(Cluster(place, f"{ensemble.hosts}/figures-{number}", connect))
            return made[-1]

        try:
            yield make
        finally:
            for cluster in made:
                cluster.end()
            for client in clients:
                client.stop()
                client.close()


def show(what: str, seconds: list[float], bound: float) -> None:
    """A line about many runs."""
    within = sum(took < bound for took in seconds)
    print(  # noqa: T201 - a script
        f"{what:32} median {median(seconds) * 1000:6.0f} ms, most {max(seconds) * 1000:6.0f} ms; "
        f"within {bound * 1000:.0f} ms: {within} of {len(seconds)}",
        flush=True,
    )


def main(runs: int = 20) -> None:
    """Measure everything so many times."""
    with clusters() as make:
        cluster = make()
        cluster.start(N, HOSTS)
        first, last = [], []
        for _ in range(runs):
            times = time_to_grow(cluster, N, MORE)
            first.append(times[0])
            last.append(times[1])
            cluster.until_rest(N + MORE)
            cluster.client.set("/autohealer/target", json.dumps({"workers": N}).encode())
            cluster.until_rest(N)
        show("a write to ZooKeeper", [round_trip(cluster.client)], 0.1)
        show("target to first worker elsewhere", first, 0.1)
        show("target to last worker elsewhere", last, 0.1)
        cluster.end()
        for leads in (True, False):
            all_run, elected = [], []
            for _ in range(runs):
                cluster = make()
                hosts = cluster.start(N, HOSTS)
                times = time_to_recover(cluster, hosts[0 if leads else 1], N)
                all_run.append(times[0])
                elected.append(times[1])
                cluster.end()
            show("loss of a leading host" if leads else "loss of a host", all_run, SESSION_S + TICK_S + 1)
            if leads:
                show("another leads", elected, SESSION_S + TICK_S + 0.5)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
