"""Where the time of a heal goes, from the death of a worker to the first instruction of its replacement."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from itertools import pairwise

from tests.bench.build import HERE
from tests.bench.fleet import Fleet
from tests.bench.measures import GIVE_UP_S, SETTLE_S, Plan, Sample
from tests.bench.peers import Autohealer

MEASURE = "where a heal's time goes"
STEPS = ("seen", "decide", "decided", "spawn")
"""What ``traced.py`` notes after ``awake``, in this order."""
SPANS = (
    "the kernel ends the worker and wakes the agent",
    "asyncio calls what waits for that pidfd",
    "how did it end? (waitid)",
    "decision",
    "environment and arguments",
    "the kernel starts the replacement: vfork, exec, dynamic linker",
)


class Traced(Autohealer):
    """Notes the time of each step."""

    def command(self) -> list[str]:
        _, *arguments = super().command()
        return [sys.executable, str(HERE / "traced.py"), str(self.folder / "notes"), *arguments]


def budget(plan: Plan, count: int) -> Iterator[Sample]:
    """Each step of rested heals."""
    heals = []
    with Fleet(Traced, count, plan.programs) as fleet:
        assert fleet.start() is not None
        time.sleep(SETTLE_S)
        for _ in range(2 * plan.trials):
            time.sleep(0.05)
            victim = fleet.workers()[0]
            at = time.monotonic_ns()
            os.kill(victim, signal.SIGKILL)
            heals += [(at, birth.ns) for birth in fleet.await_births(1, GIVE_UP_S)]
        fleet.stop()
        fleet.wait()
        lines = (fleet.peer.folder / "notes").read_text().splitlines()
    notes = [(name, int(ns)) for name, ns in map(str.split, lines)]
    for killed, born in heals:
        for span, (before, after) in zip(SPANS, pairwise([killed, *_steps(notes, killed), born]), strict=True):
            yield Sample(MEASURE, span, count, (after - before) / 1000, "µs")
        yield Sample(MEASURE, "all of it", count, (born - killed) / 1000, "µs")


def _steps(notes: list[tuple[str, int]], killed: int) -> list[int]:
    """When each step of the heal was that followed this kill."""
    seen = next(number for number, (name, ns) in enumerate(notes) if name == "seen" and ns > killed)
    awake = next(ns for name, ns in reversed(notes[:seen]) if name == "awake")
    since = iter(notes[seen:])
    return [awake, *(next(ns for name, ns in since if name == step) for step in STEPS)]
