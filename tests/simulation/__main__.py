"""``python -m tests.simulation [AGENTS [WORKERS [SEED]]]``: a big cluster that loses hosts, and what that costs."""

from __future__ import annotations

import sys
import time
from collections import Counter

from tests.simulation.cluster import SESSION_S, Simulation

LOST_S = 60.0


def main(agents: int = 1000, workers: int = 100_000, seed: int = 0) -> None:
    """Start all agents, lose one host, then a hundredth and a tenth of them; print times and requests."""
    simulation = Simulation(seed)
    zookeeper = simulation.zookeeper
    begun = time.monotonic()

    def phase(name: str) -> None:
        zookeeper.requests, zookeeper.events = Counter(), 0
        took = simulation.run(600, lambda: simulation.living == workers and simulation.problem() is None)
        total = zookeeper.requests.total()
        kinds = ", ".join(f"{kind} {count}" for kind, count in zookeeper.requests.most_common(4))
        print(  # noqa: T201 - a script
            f"{name:24} at rest after {took:6.2f} s; {total:9,} requests, {total / max(took, 1):9,.0f} a second; "
            f"{zookeeper.events:9,} watch events; {kinds}",
            flush=True,
        )
        assert simulation.problem() is None, (seed, simulation.problem())

    print(f"{agents} agents, {workers} workers, seed {seed}, sessions of {SESSION_S:g} s")  # noqa: T201
    for _ in range(agents):
        simulation.add(workers)
    phase("all start at once")
    lost = 0
    for count in (1, agents // 100, agents // 10):
        for host in simulation.hosts[lost : lost + count]:
            host.crash()
        lost += count
        phase(f"{count} hosts lost")
    for host in simulation.hosts[:lost]:
        host.start()
    phase(f"{lost} hosts back")
    print(f"simulated in {time.monotonic() - begun:.0f} s")  # noqa: T201


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
