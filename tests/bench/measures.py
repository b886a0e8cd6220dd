"""What is measured. Each function yields samples; peers take turns, so that the machine's drift hits all alike."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.bench.build import Programs
from tests.bench.fleet import Fleet
from tests.bench.peers import Peer

SETTLE_S = 2.2
GIVE_UP_S = 8.0
PATIENCE_S = 15.0
"""For all samples of one supervisor in one measure, as soon as it has some."""


@dataclass(frozen=True)
class Sample:
    """One figure; ``value`` is None where what was waited for never came."""

    measure: str
    peer: str
    count: int
    value: float | None
    unit: str


@dataclass(frozen=True)
class Plan:
    """Who is measured, how often, and for how long."""

    peers: Sequence[type[Peer]]
    programs: Programs
    trials: int = 30
    turns: int = 3
    seconds: float = 30.0

    def able(self, count: int) -> list[type[Peer]]:
        """Who can keep so many workers."""
        return [peer for peer in self.peers if count <= peer.most]


T = TypeVar("T")
Measure = Callable[[Plan, int], Iterator[Sample]]


def heal(plan: Plan, count: int) -> Iterator[Sample]:
    """One worker is killed: the oldest (rested), then five times in a row the one that has just replaced it (hot)."""
    with ExitStack() as stack:
        fleets = []
        for kind in plan.able(count):
            fleet = stack.enter_context(Fleet(kind, count, plan.programs))
            if fleet.start() is not None:
                fleets.append(fleet)
        yield from rested(fleets, plan.trials)
        for fleet in _turns(fleets, max(1, plan.trials // 5)):
            fleet.kill(fleet.workers()[:1], 1, GIVE_UP_S)
            for _ in range(5):
                yield _kill_one(fleet, "heal hot", fleet.workers()[-1])


def rested(fleets: list[Fleet], trials: int) -> Iterator[Sample]:
    """The oldest worker of each is killed, in turns."""
    time.sleep(SETTLE_S)
    for fleet in _turns(fleets, trials):
        # Each kill comes at a random point of the cycle of a supervisor that looks only now and then.
        time.sleep(0.05 + random.uniform(0, fleet.peer.looks_every_s))
        yield _kill_one(fleet, "heal rested", fleet.workers()[0])


def _turns(those: Sequence[T], times: int) -> Iterator[T]:
    """Each so often, in another order each time; who takes long is asked less often."""
    spent = dict.fromkeys(those, 0.0)
    for _ in range(times):
        for one in random.sample(those, len(those)):
            if spent[one] < PATIENCE_S:
                at = time.monotonic()
                yield one
                spent[one] += time.monotonic() - at


def _kill_one(fleet: Fleet, measure: str, pid: int) -> Sample:
    return Sample(measure, fleet.kind.name, fleet.count, fleet.kill([pid], 1, GIVE_UP_S), "s")


def start(plan: Plan, count: int) -> Iterator[Sample]:
    """From the start of the program to the last worker's first instruction."""
    for kind in _turns(plan.able(count), max(1, plan.trials // 3)):
        with Fleet(kind, count, plan.programs) as fleet:
            yield Sample("start", kind.name, count, fleet.start(), "s")


def cycle(plan: Plan, count: int) -> Iterator[Sample]:
    """Start; kill all workers at once (storm); stop."""
    for kind in _turns(plan.able(count), plan.turns):
        with Fleet(kind, count, plan.programs) as fleet:
            took = fleet.start()
            yield Sample("start", kind.name, count, took, "s")
            if took is None:
                continue
            time.sleep(SETTLE_S)
            helpers = fleet.helpers()
            before = _cpu_s(helpers)
            yield Sample("storm", kind.name, count, fleet.kill(fleet.workers(), count, 60.0), "s")
            time.sleep(0.5)
            yield Sample("storm: processor time", kind.name, count, _cpu_s(helpers) - before, "s")
            yield Sample("workers after the storm", kind.name, count, len(fleet.workers()), "")
            yield Sample("stop", kind.name, count, fleet.stop(), "s")


def idle(plan: Plan, count: int) -> Iterator[Sample]:
    """What supervisors cost while nothing happens, all at the same time: processor time, wake-ups, and memory.

    Of each with its helpers. Memory is what they have in it (RSS); what they share counts for each of them there, and
    once in PSS.
    """
    with ExitStack() as stack:
        fleets = []
        for kind in plan.able(count):
            fleet = stack.enter_context(Fleet(kind, count, plan.programs))
            if fleet.start() is not None:
                fleets.append(fleet)
        time.sleep(2 * SETTLE_S)
        helpers = {fleet: fleet.helpers() for fleet in fleets}
        before = {fleet: (time.monotonic(), _cpu_s(pids), _wakeups(pids)) for fleet, pids in helpers.items()}
        time.sleep(plan.seconds)
        for fleet, pids in helpers.items():
            at, cpu_s, wakeups = before[fleet]
            minutes = (time.monotonic() - at) / 60
            yield Sample("idle CPU", fleet.kind.name, count, (_cpu_s(pids) - cpu_s) / minutes, "s/min")
            yield Sample("idle wake-ups", fleet.kind.name, count, (_wakeups(pids) - wakeups) / minutes, "/min")
            yield Sample("memory", fleet.kind.name, count, sum(map(rss_mib, pids)), "MiB")
            yield Sample("memory (PSS)", fleet.kind.name, count, sum(map(_pss_mib, pids)), "MiB")


def crash_loop(plan: Plan, count: int) -> Iterator[Sample]:
    """Workers that end at once, for ten seconds: how many are started, and the supervisor's processor time."""
    for kind in plan.able(count):
        if not kind.backs_off:
            continue
        with Fleet(kind, count, plan.programs, workers_exit=True) as fleet:
            fleet.launch()
            if not (births := fleet.await_births(1, 20.0)):
                continue
            before, started, end = _cpu_s(fleet.helpers()), len(births), time.monotonic() + 10.0
            while (left := end - time.monotonic()) > 0:
                time.sleep(min(left, 0.2))
                started += len(fleet.await_births(0, 0))
            yield Sample("crash loop: starts in 10 s", kind.name, count, started, "")
            yield Sample("crash loop: CPU", kind.name, count, _cpu_s(fleet.helpers()) - before, "s")


def commands(plan: Plan, count: int) -> Iterator[Sample]:
    """Our own commands beside an empty Python: what one who types them waits for."""
    autohealer = str(Path(sys.executable).with_name("autohealer"))
    ours = next((kind for kind in plan.peers if kind.name == "autohealer"), None)
    if ours is None:
        return
    with Fleet(ours, count, plan.programs) as fleet:
        fleet.start()
        where = ["--state-dir", str(fleet.board.path.with_name("state"))]
        timed = {
            "python -c ''": [sys.executable, "-c", ""],
            "--help": [autohealer, "--help"],
            "status": [autohealer, "status", *where],
            "status --json": [autohealer, "status", "--json", *where],
        }
        for _ in range(plan.trials):
            for name, command in timed.items():
                at = time.monotonic()
                subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
                yield Sample("command", name, count, time.monotonic() - at, "s")


def _cpu_s(pids: set[int]) -> float:
    """Processor time of these processes so far, by each one's own clock, which counts nanoseconds."""
    total = 0.0
    for pid in pids:
        with suppress(OSError):
            total += time.clock_gettime(
                (~pid << 3) | 2
            )  # CPUCLOCK_SCHED of that process, as clock_getcpuclockid has it
    return total


def rss_mib(pid: int) -> float:
    """What a process has in memory, with what it shares."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return 0.0


def _pss_mib(pid: int) -> float:
    with suppress(OSError):
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        return int(rollup.partition("\nPss:")[2].split()[0]) / 2**10
    return 0.0


def _wakeups(pids: set[int]) -> int:
    """How often threads of these processes have waited for something so far."""
    total = 0
    for pid in pids:
        for status in Path(f"/proc/{pid}/task").glob("*/status"):
            with suppress(OSError):
                total += int(status.read_text().partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    return total
