"""The pool as the dashboard knows it: what the feed has told, and what was learnt by looking again and again.

Plain data, tested without a terminal. The structures are those of ``status --json``; msgspec checks each value's type,
so that what is drawn is what was meant. What a field may lack is None: a reader shows nothing there.
"""

from __future__ import annotations

from array import array
from collections import Counter
from typing import Any

import msgspec

from autohealer.tui.history import History
from autohealer.views.status import row_key
from autohealer.views.units import unix

CURVE_SAMPLES = 180
"""How many points of CPU and memory are kept of each worker."""
SAMPLE_S = 2.0


class WorkerRow(msgspec.Struct):
    """A row of the table: a slot of an agent with the life in it, or a spare or a surge, which have no slot."""

    worker: str | None = None
    agent: str | None = None
    host: str | None = None
    pid: int | None = None
    slot: int | None = None
    state: str = "gone"
    registered: bool | None = None
    ready: bool | None = None
    restarts: int | None = None
    started: str | None = None
    address: str | None = None
    revision: int | None = None
    cpu: float | None = None
    rss: int | None = None
    cause: str | None = None
    next_start: str | None = None
    held: str | None = None

    @property
    def key(self) -> str:
        """What stays the same of a row over the lives in it."""
        return row_key(self.agent, self.slot, self.worker)


class AgentRow(msgspec.Struct):
    """An agent of the pool, as its own entry says."""

    agent: str
    host: str | None = None
    pid: int | None = None
    share: int | None = None
    running: int | None = None
    draining: bool | None = None
    http: str | None = None


class Finished(msgspec.Struct):
    """Slots that are not started again."""

    done: int = 0
    failed: int = 0


class RolloutRow(msgspec.Struct):
    """A rollout that is under way."""

    verb: str = "restart"
    by: str | None = None
    from_: int | None = msgspec.field(default=None, name="from")
    to: int | None = None
    exchanged: int | None = None
    of: int | None = None


class Config(msgspec.Struct):
    """The file that the pool was started from, and whether what is on disk is still that."""

    file: str | None = None
    state: str = "same"
    detail: str | None = None


class Here(msgspec.Struct):
    """The agent at the other end of the socket, beyond what ``status`` says of it."""

    agent: str | None = None
    host: str | None = None
    pid: int | None = None
    version: str | None = None
    draining: bool = False
    away_since: str | None = None
    http: str | None = None


class Status(msgspec.Struct):
    """How the pool stands: ``status --json``, its workers apart."""

    pool: str = ""
    zookeeper: str | None = None
    connected: bool = True
    target: int | None = None
    running: int = 0
    registered: int | None = None
    foreign: int | None = None
    leader: str | None = None
    epoch: int | None = None
    agents: list[AgentRow] = []
    workers: list[WorkerRow] = []
    spares: int | None = None
    done: Finished | None = None
    rollout: RolloutRow | None = None
    held: list[str] | None = None
    config: Config | None = None
    here: Here | None = None

    def name_of(self, agent: str | None) -> str:
        """What to call an agent: its host, where no other one is there too; else its id."""
        hosts = [each.host for each in self.agents]
        host = next((each.host for each in self.agents if each.agent == agent), None)
        return host if host is not None and hosts.count(host) == 1 else agent or ""


class Changes(msgspec.Struct):
    """What differs from before: whole rows, and all of the status but its rows if anything in it differs."""

    status: Status | None = None
    workers: list[WorkerRow] = []
    gone: list[str] = []


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
        self.status = Status()
        self.rows: dict[str, WorkerRow] = {}
        self.order: list[str] = []
        self.history = History()
        self.curves: dict[str, Curve] = {}
        self.is_known = False
        self.heard_at: float | None = None
        """When the agent was last heard of, by the clock that the caller has; None where nobody has to be heard."""

    def replace(self, status: Status, now: float | None) -> None:
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

    def take(self, event: dict[str, Any]) -> None:
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
        return max(0, (self.status.target or 0) - (self.status.foreign or 0) - finished.done - finished.failed)

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
