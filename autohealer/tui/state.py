"""The pool as the dashboard knows it: what the feed has told, and what was learnt by looking again and again.

Plain data, tested without a terminal.
"""

from __future__ import annotations

from array import array
from collections import Counter

from autohealer.core.notices import EventRecord
from autohealer.tui.history import History
from autohealer.views.status import Changes, Finished, Here, WatchedStatus, WorkerRow
from autohealer.views.units import unix

CURVE_SAMPLES = 180
"""How many points of CPU and memory are kept of each worker."""
SAMPLE_S = 2.0


class Curve:
    """What one worker took over the last minutes: a point for each `SAMPLE_S`."""

    __slots__ = ("cpu", "pid", "rss")

    def __init__(self, pid: int | None) -> None:
        self.pid = pid
        self.cpu = array("f")
        self.rss = array("d")

    def add(self, cpu: float, rss: float) -> None:
        """The next point."""
        self.cpu.append(cpu)
        self.rss.append(rss)
        if len(self.cpu) > CURVE_SAMPLES:
            del self.cpu[0], self.rss[0]


class PoolState:
    """How things stand and how they came to be so; `replace`, `change` and `take` are all that alters it."""

    def __init__(self) -> None:
        self.status = WatchedStatus()
        self.rows: dict[str, WorkerRow] = {}
        self.order: list[str] = []
        self.history = History()
        self.curves: dict[str, Curve] = {}
        self.is_known = False
        self.heard_at: float | None = None
        """When the agent was last heard of, by the clock that the caller has; None where nobody has to be heard."""

    def replace(self, status: WatchedStatus, now: float | None) -> None:
        """All of it, anew."""
        self.status, self.is_known, self.heard_at = status, True, now
        self.rows = {worker.key: worker for worker in status.workers}
        self._sort()

    def change(self, changes: Changes, now: float | None) -> None:
        """What differs."""
        self.heard_at = now
        if changes.status is not None:
            self.status = changes.status
        before = len(self.rows)
        for worker in changes.workers:
            self.rows[worker.key] = worker
        for key in changes.gone:
            self.rows.pop(key, None)
            self.curves.pop(key, None)
        if changes.gone or len(self.rows) != before:
            self._sort()

    def take(self, event: EventRecord) -> None:
        """Something has happened."""
        self.history.take(event)

    def sample(self) -> None:
        """Note what each worker takes now. Called every `SAMPLE_S`."""
        for key, worker in self.rows.items():
            if worker.rss is None:
                continue
            curve = self.curves.get(key)
            if curve is None or curve.pid != worker.pid:
                curve = self.curves[key] = Curve(worker.pid)
            curve.add(worker.cpu or 0.0, worker.rss)

    def curve(self, worker: WorkerRow) -> Curve | None:
        """What the process there now has taken; None where it has not been measured."""
        curve = self.curves.get(worker.key)
        return curve if curve is not None and curve.pid == worker.pid else None

    @property
    def workers(self) -> list[WorkerRow]:
        """All rows, by agent and slot."""
        return [self.rows[key] for key in self.order]

    @property
    def here(self) -> Here:
        """The agent that was asked."""
        return self.status.here or Here()

    @property
    def wanted(self) -> int:
        """How many workers the agents are to run: the target less what others run of it, and what has finished."""
        finished = self.status.done or Finished()
        return max(0, self.status.wanted - finished.done - finished.failed)

    @property
    def elsewhere(self) -> int:
        """How many run that no row is about: an agent knows the workers of others only by their number."""
        return max(0, self.status.running - sum(worker.state == "running" for worker in self.rows.values()))

    def states(self) -> Counter[str]:
        """How many rows are in each state."""
        return Counter(worker.state for worker in self.rows.values())

    def cause(self, worker: WorkerRow) -> str:
        """What ended the last life there, in few words; empty where nothing did."""
        if worker.cause is not None:
            return worker.cause
        if worker.slot is None or worker.agent != self.here.agent:
            return ""
        return self.history.causes.get(worker.slot, "")

    def next_start(self, worker: WorkerRow) -> float | None:
        """When a slot that waits is started again, in Unix time."""
        if worker.next_start is not None:
            return moment(worker.next_start)
        if worker.state != "backoff" or worker.slot is None or worker.agent != self.here.agent:
            return None
        return self.history.next_starts.get(worker.slot)

    def _sort(self) -> None:
        def place(key: str) -> tuple[str, bool, int, str]:
            row = self.rows[key]
            return row.agent or "", row.slot is None, row.slot or 0, row.worker or ""

        self.order = sorted(self.rows, key=place)


def moment(text: str | None) -> float | None:
    """An RFC 3339 moment in Unix time."""
    return unix(text)
