"""What programs read of the pool, to the letter: what they see today is what they saw before.

UPDATE_GOLDEN=1 writes the files of tests/golden anew; what then differs there is a change for all who read it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable

import msgspec
import pytest

from autohealer.core import notices
from autohealer.core.events import Evidence
from autohealer.core.incident import Exit, Incident, IncidentKind, IncidentOutcome
from autohealer.core.model import AgentEntry, Plan, RolloutView
from autohealer.core.notices import EventRecord, fields_of
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.core.pool.snapshot import Snapshot, WorkerView
from autohealer.runtime.drill.report import json_text
from autohealer.runtime.drill.verdict import Drilled, DrilledWorker, judge
from autohealer.runtime.incident_store import entry_of
from autohealer.runtime.notifier.alarms import Alarms, Rule
from autohealer.runtime.notifier.program import body
from autohealer.views.reading import read_event
from autohealer.views.report.data import report_json
from autohealer.views.report.measure import report
from autohealer.views.status import WorkerRow
from autohealer.views.status_of import PoolNodes, cluster_status, status
from tests.support.processes import ROOT

GOLDEN = ROOT / "tests" / "golden"
AT = "2026-01-02T03:04:05.678901Z"
UNIX_S = 1_767_323_045.678901
WORKER = ("web1-k3x9qa-3-h2d4c6", 4711, 3)
OF_ROLLOUT = ("update", "ann@web1", 3, 4, 1, 3)

NOTICES = (
    notices.WorkerStarted(*WORKER, 3),
    notices.WorkerStarted(*WORKER, 3, heal_ms=3.125),
    notices.WorkerStarted(*WORKER, 3, backoff_ms=3484.2),
    notices.WorkerPromoted(*WORKER, 3, heal_ms=1.5),
    notices.WorkerReady(*WORKER),
    notices.WorkerUnready(*WORKER, "http://h/: 500"),
    notices.WorkerExited(*WORKER, None, "SIGKILL", 12.345, "SIGKILL"),
    notices.WorkerExited(None, None, None, 1, None, 0.5, "exit 1"),
    notices.WorkerStopped(*WORKER, 0, None, 1.0),
    notices.WorkerFaulty(*WORKER, "beat", "no beat for 5 s", "state S\nstack"),
    notices.WorkerFaulty(*WORKER, "probe", "«500»", None),
    notices.WorkerHeld(*WORKER, "probe", "500"),
    notices.WorkerAdopted(*WORKER),
    notices.WorkerBackoff(None, None, 3, 6.4, "exit 2"),
    notices.WorkerBackoff(None, None, 3, 6.4, "exit 2", ("a", "python: can't open file 'no.py'")),
    notices.WorkerDone(*WORKER, failed=True),
    notices.PoolBelow(1, 3),
    notices.PoolRecovered(3, 3, 2.5),
    notices.TargetChanged(5, None),
    notices.TargetChanged(5, 4, 6),
    notices.PlanChanged(5, 1, {"web1-k3x9qa": 2, "web2-8m2kd1": 2}),
    notices.RolloutStarted(*OF_ROLLOUT, 10.0, 1),
    notices.RolloutStep(*OF_ROLLOUT, "slot 0 is new"),
    notices.RolloutFinished(*OF_ROLLOUT, 9.0, ""),
    notices.RolloutUndone(*OF_ROLLOUT, 9.0, "a new worker was faulty"),
    notices.ConfigChanged("/srv/pools.toml", ("web", "db")),
    notices.ConfigInvalid("/srv/pools.toml", "line 3: no"),
    notices.OperationDone("kill", WORKER[0], "ann@web1", "killed"),
    notices.OperationRefused("scale", "", "ann@web1", "no such pool"),
    notices.AgentJoined("web2-8m2kd1"),
    notices.AgentLeft("web2-8m2kd1"),
    notices.AgentDraining("web1-k3x9qa", "SIGTERM"),
    notices.LeaderElected("web1-k3x9qa", 4_294_967_312),
    notices.LeaderLost("web1-k3x9qa", 4_294_967_312),
    notices.ZooKeeperConnected(6.0, resumed=True),
    notices.ZooKeeperSuspended(),
    notices.ZooKeeperLost(),
)

HERE = AgentEntry("web1", 1, "1.0", share=2, running=1)
THERE = AgentEntry("web2", 2, "1.0", share=3, running=3, draining=True, http="web2:80")
RUNS = WorkerView(
    slot=0, worker="web1-k3x9qa-0-x", pid=10, state=WorkerState.RUNNING, registered=True, restarts=1, started=AT,
    ready=True, revision=3, cause="exit 1", held="probe", cpu=0.123456, rss=4096, cpu_s=7.5, address="web1:9000",
)  # fmt: skip
WAITS = WorkerView(1, None, None, WorkerState.BACKOFF, registered=False, restarts=9, started=None, next_start=60.25)
SPARE = WorkerView(None, "web1-k3x9qa-s-y", 11, WorkerState.STARTING, registered=None, restarts=0, started=AT)
BARE = Snapshot(
    at=0.25, pool="web", agent="web1-k3x9qa", connected=False, away_since=None, target=None, share=None, running=0,
    registered=0, foreign=None, leader=None, epoch=None, draining=False, agents={}, workers=(),
)  # fmt: skip
FULL = Snapshot(
    at=0.25, pool="web", agent="web1-k3x9qa", connected=True, away_since=None, target=5, share=2, running=1,
    registered=1, foreign=0, leader="web2-8m2kd1", epoch=7, draining=False,
    agents={"web2-8m2kd1": THERE, "web1-k3x9qa": HERE, "web3-odd": None}, workers=(RUNS, WAITS, SPARE),
    shares={"web3-odd": 1}, ready=1, spares=1, finished=(2, 1), held=frozenset({"probe", "beat"}),
    rollout=RolloutView(*OF_ROLLOUT),
)  # fmt: skip
STANDING = WorkerRow(
    worker="web2-8m2kd1-0-y", agent="web2-8m2kd1", host="web2", pid=20, slot=0, state="running", registered=True,
    started=AT, address="web2:9000",
)  # fmt: skip
NODES = PoolNodes(
    agents={"web1-k3x9qa": HERE, "web2-8m2kd1": THERE},
    plan=Plan(7, "web2-8m2kd1", 5, 1, {"web1-k3x9qa": 2, "web2-8m2kd1": 3}),
    target=5,
    leader=("web2-8m2kd1", 7),
    registered=[STANDING, STANDING, WorkerRow()],
    held={"probe", "beat"},
)  # fmt: skip
NO_NODES = PoolNodes(agents={}, plan=None, target=None, leader=None, registered=[], held=())

DIED = Incident(WORKER[0], IncidentKind.DEATH, *WORKER, 3, 2, "oom", "killed by SIGKILL", 1.0)
FOUND_FAULTY = Incident(
    WORKER[0], IncidentKind.VERDICT, *WORKER, 3, 2, "beat", "x" * 9000, 1.0, Exit(None, "SIGKILL", oom=False), 61.23456,
    "sense", 5.5, 0.0, 1.25, 800.0, 12.5, Evidence("S (sleeping)", "futex_wait", "y" * 9000, 4096, ("z" * 300, "last")),
    "stopped, started again", "ann@web1", "web1-k3x9qa-3-z", IncidentOutcome.HEALED, is_closed=True,
)  # fmt: skip


def lines() -> list[str]:
    """Each notice as a line of the event log, a second apart."""
    told = (f"2026-01-02T03:04:{second:02}.000000Z" for second in range(60))
    return [
        json.dumps(fields_of(EventRecord(at, notice.event, notice))) for at, notice in zip(told, NOTICES, strict=False)
    ]


def events() -> list[EventRecord]:
    """What is read in these lines."""
    return [event for line in lines() if (event := read_event(line)) is not None]


def statuses() -> list[str]:
    one = status(FULL, "zk:2181", "web1")
    found = [one, status(BARE, "zk:2181", "web1")]
    found += [cluster_status("web", "zk:2181", NODES, one), cluster_status("web", "zk:2181", NO_NODES, None)]
    return [json.dumps(msgspec.to_builtins(each)) for each in found]


def incidents() -> list[str]:
    return [
        json.dumps(msgspec.to_builtins(entry_of(DIED, UNIX_S, ["last", "words"]))),
        json.dumps(msgspec.to_builtins(entry_of(FOUND_FAULTY, UNIX_S, ["not these"]))),
    ]


def reports() -> list[str]:
    found = [report(lines(), UNIX_S + 100, since) for since in (None, UNIX_S + 3)]
    return [report_json(each, "web") for each in found if each is not None]


def drills() -> list[str]:
    victim, other = DrilledWorker(WORKER[0], 3, 4711), DrilledWorker("web1-k3x9qa-4-a", 4, 9)
    drilled = Drilled("kill", UNIX_S - 4, UNIX_S + 1, [victim], [victim, other], [other], replaces=True)
    return [json_text(judge(drilled, events()))]


def sent() -> list[str]:
    on = frozenset({"crash-loop", "held", "below-target", "rollout-undone", "leader-lost", "recovered"})
    alarms = Alarms([Rule(on, every_s=0.0)])
    told = [alarm for at, event in enumerate(events()) for alarm in alarms.take(at, "web", event)]
    return [json.dumps(msgspec.to_builtins(body(alarm, "web1"))) for alarm in told]


@pytest.mark.parametrize("made", [lines, statuses, incidents, reports, drills, sent])
def test_json_is_what_it_was(made: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: UNIX_S)
    found, golden = "\n".join(made()) + "\n", GOLDEN / f"{made.__name__}.jsonl"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(found)

    assert found == golden.read_text()
