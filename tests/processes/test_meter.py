"""Processor time and memory of processes, measured against what is known of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from autohealer.processes.meter import Meter
from tests.support.processes import Processes, eventually


def test_a_busy_and_an_idle_process(processes: Processes) -> None:
    """What a process takes is known at the second look."""
    busy = processes.start(sys.executable, "-c", "while True: pass")
    idle = processes.start("sleep", "1000")
    eventually(lambda: Path(f"/proc/{idle.pid}/comm").read_text() == "sleep\n")
    meter = Meter()
    first = meter.measure([busy.pid, idle.pid])
    assert (first[busy.pid][0], first[idle.pid][0]) == (None, None)

    def worked() -> bool:
        return int(Path(f"/proc/{busy.pid}/stat").read_text().rpartition(")")[2].split()[11]) > 20

    eventually(worked)
    second = meter.measure([busy.pid, idle.pid])

    assert 0.0 < (second[busy.pid][0] or 0) < 1.5
    assert second[idle.pid][0] == 0.0
    resident = Path(f"/proc/{idle.pid}/statm").read_text().split()[1]
    # The kernel counts pages for each processor, and adds these up now and then.
    assert abs(second[idle.pid][1] - int(resident) * os.sysconf("SC_PAGE_SIZE")) < 1 << 20


def test_the_fraction_of_a_core() -> None:
    """Ticks over time, by the clock that it is given."""
    moments = iter([10.0, 12.0])
    meter = Meter(lambda: next(moments))
    meter.measure([os.getpid()])
    before = os.times()
    cpu, memory = meter.measure([os.getpid()])[os.getpid()]

    assert cpu is not None
    assert 0.0 <= cpu <= (before.user + before.system) / 2 + 0.02
    assert memory > 1 << 20


def test_what_is_gone_is_left_out(processes: Processes) -> None:
    """Whoever has ended between two looks, or never was."""
    gone = processes.start("true")
    gone.wait()
    assert Meter().measure([gone.pid, 1 << 22]) == {}


def test_nothing_is_kept_of_those_whom_nobody_asks_about(processes: Processes) -> None:
    """Who comes back into view begins anew."""
    idle = processes.start("sleep", "1000")
    meter = Meter()
    meter.measure([idle.pid])
    meter.measure([])
    assert meter.measure([idle.pid])[idle.pid][0] is None
