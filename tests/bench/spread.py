"""Why runs differ: what the machine itself does to the same work, and what it matters on which core it is done."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.bench.fleet import Fleet
from tests.bench.measures import Plan, Sample, rested

RESTS_S = (0.0, 0.001, 0.005, 0.05)
TAKE_S, ENOUGH = 1.5, 300
TURNS_OF_LOOP = 20_000


def machine(plan: Plan, _count: int) -> Iterator[Sample]:
    """A loop of Python, and the start and end of the worker, each after so much rest; both are always the same work."""
    worker = str(plan.programs.worker)

    def compute() -> None:
        for _ in range(TURNS_OF_LOOP):
            pass

    def spawn() -> None:
        os.waitpid(os.posix_spawn(worker, [worker], {}), 0)

    works: dict[str, Callable[[], None]] = {"a loop of Python": compute, "start and end of the worker": spawn}
    for name, work in works.items():
        for rest_s in RESTS_S:
            until, samples = time.monotonic() + TAKE_S, 0
            while time.monotonic() < until and (samples := samples + 1) <= ENOUGH:
                time.sleep(rest_s)
                at = time.monotonic_ns()
                work()
                took_us = (time.monotonic_ns() - at) / 1000
                yield Sample(f"machine: {name}", f"after {rest_s * 1000:g} ms of rest", 0, took_us, "µs")


def on_one_core(plan: Plan, count: int) -> Iterator[Sample]:
    """Rested heals where nothing moves: supervisors and workers are all on the first core."""
    core = min(os.sched_getaffinity(0))
    with ExitStack() as stack:
        fleets = [stack.enter_context(Fleet(kind, count, plan.programs)) for kind in plan.able(1000)]
        for fleet in fleets:
            assert fleet.start() is not None
            for pid in fleet.processes():
                for thread in Path(f"/proc/{pid}/task").iterdir():
                    os.sched_setaffinity(int(thread.name), {core})
        for sample in rested(fleets, plan.trials):
            yield Sample("heal rested, on one core", sample.peer, count, sample.value, sample.unit)
