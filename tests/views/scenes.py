"""A pool to be drawn, the same each time."""

from __future__ import annotations

from autohealer.core.model import AgentEntry
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.core.pool.snapshot import Snapshot, WorkerView
from autohealer.runtime.event_log import timestamp
from autohealer.views.controls import Controls
from autohealer.views.dashboard import Scene
from autohealer.views.history import Fields, History
from autohealer.views.pool import PoolView, of_snapshot

NOW = 1_767_323_232.0
ME = "web1-k3x9qa"
STATES = {3: WorkerState.BACKOFF, 4: WorkerState.STARTING}


def worker(slot: int) -> WorkerView:
    """One that runs, for a minute longer than the one before it; a few are in other states."""
    state = STATES.get(slot, WorkerState.RUNNING)
    if state is WorkerState.BACKOFF:
        return WorkerView(slot, None, None, state, False, 12, None)
    started = timestamp(NOW - 60 * slot - 7)
    return WorkerView(slot, f"{ME}-{slot}-5f2e1", 4000 + slot, state, True, slot % 3, started)


def snapshot(workers: int, agents: int = 1, *, connected: bool = True) -> Snapshot:
    """As many workers, all of them here, of as many agents."""
    rows = tuple(worker(slot) for slot in range(workers))
    running = sum(row.state is WorkerState.RUNNING for row in rows)
    others = {f"web{n}-abc123": AgentEntry(f"web{n}", 100 + n, "1.0", 2, 2) for n in range(2, agents + 1)}
    return Snapshot(
        at=1000.0,
        pool="default",
        agent=ME,
        connected=connected,
        away_since=None if connected else 925.0,
        target=workers + 2 * len(others),
        share=workers,
        running=running,
        registered=running,
        foreign=0,
        leader=ME,
        epoch=42,
        draining=False,
        agents={ME: AgentEntry("web1", 99, "1.0", workers, running), **others},
        workers=rows,
    )


def view(workers: int, agents: int = 1, *, connected: bool = True) -> PoolView:
    """The same as the dashboard has it."""
    return of_snapshot(snapshot(workers, agents, connected=connected), "127.0.0.1:2181", "web1")


def event(kind: str, ago_s: float, slot: int | None = None, **fields: object) -> Fields:
    """Something that happened so many seconds ago."""
    who = {} if slot is None else {"worker": f"{ME}-{slot}-x", "pid": 4000 + slot, "slot": slot}
    return {"time": timestamp(NOW - ago_s), "event": kind, **who, **fields}


def death(ago_s: float, slot: int, signal: str = "SIGKILL", heal_ms: float = 0.6) -> list[Fields]:
    """A worker is killed, and healed at once."""
    return [
        event("worker.exited", ago_s, slot, code=None, signal=signal, uptime=12.3),
        event("worker.started", ago_s, slot, heal_ms=heal_ms),
    ]


def history(*events: Fields) -> History:
    """What has happened, the eldest first."""
    found = History()
    for fields in events:
        found.take(fields)
    return found


def story() -> History:
    """A connection, two deaths, a crash loop."""
    return history(
        event("zookeeper.connected", 700, session_timeout=6.0, resumed=False),
        *death(200, 1),
        *death(65, 2, "SIGSEGV", heal_ms=1.4),
        event("worker.exited", 2, 3, code=1, signal=None, uptime=0.1),
        event("worker.backoff", 2, 3, delay=3.2, reason="exit code 1"),
    )


def scene(workers: int, agents: int = 1, controls: Controls | None = None) -> Scene:
    """All of it, with what the workers take."""
    usage = {4000 + slot: (0.031, 12 << 20) for slot in range(workers)}
    return Scene(view(workers, agents), story(), controls or Controls(), NOW, usage)
