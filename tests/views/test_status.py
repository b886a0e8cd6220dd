"""The pool as JSON, from what one agent knows and from what ZooKeeper holds."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import msgspec
import pytest

from autohealer.core.model import AgentEntry, Plan
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.core.pool.snapshot import Snapshot, WorkerView
from autohealer.views.status import AgentRow, Finished, Status, WorkerRow
from autohealer.views.status_of import PoolNodes, cluster_status, status

STARTED = "2026-01-02T03:04:05.678901Z"
MINE = AgentEntry("host-a", 1, "1.0", share=2, running=1)
OTHERS = AgentEntry("host-b", 2, "1.0", share=3, running=3, http="host-b:80")


def snapshot(**fields: Any) -> Snapshot:
    known: dict[str, Any] = {
        "at": 0.0,
        "pool": "default",
        "agent": "a",
        "connected": True,
        "away_since": None,
        "target": 5,
        "share": 2,
        "running": 1,
        "registered": 1,
        "foreign": 0,
        "leader": "b",
        "epoch": 7,
        "draining": False,
        "agents": {"b": OTHERS, "a": MINE},
        "workers": (
            WorkerView(
                0,
                "a-0-x",
                10,
                WorkerState.RUNNING,
                registered=True,
                restarts=1,
                started=STARTED,
                ready=True,
                revision=3,
                cause="exit 1",
                held="probe",
                cpu=0.25,
                rss=4096,
            ),
            WorkerView(1, None, None, WorkerState.BACKOFF, registered=False, restarts=9, started=None, next_start=60.0),
        ),
    }
    return Snapshot(**{**known, **fields})


def test_of_agents_that_nobody_has_asked_the_plan_is_known() -> None:
    """The others' entries are read by a leader, and by who is looked at."""
    found = status(snapshot(agents={"b": None, "a": MINE}, shares={"a": 2, "b": 3}), "zk:2181", "host-a")

    assert found.running == 1 + 3
    assert AgentRow("b", share=3) in found.agents


def test_what_one_agent_knows() -> None:
    """Its own workers one by one, the others' by their number."""
    found = msgspec.to_builtins(status(snapshot(finished=(2, 1), held=frozenset({"all"})), "zk:2181", "host-a"))
    assert found["running"] == 1 + 3
    assert found["agents"] == [
        {"agent": "a", "host": "host-a", "pid": 1, "share": 2, "running": 1, "draining": False, "http": None},
        {"agent": "b", "host": "host-b", "pid": 2, "share": 3, "running": 3, "draining": False, "http": "host-b:80"},
    ]
    assert found["workers"] == [
        {
            "worker": "a-0-x",
            "agent": "a",
            "host": "host-a",
            "pid": 10,
            "slot": 0,
            "state": "running",
            "registered": True,
            "ready": True,
            "restarts": 1,
            "started": STARTED,
            "address": None,
            "revision": 3,
            "cpu": 0.25,
            "rss": 4096,
            "cause": "exit 1",
            "held": "probe",
            "next_start": None,
        },
        {
            "worker": None,
            "agent": "a",
            "host": "host-a",
            "pid": None,
            "slot": 1,
            "state": "backoff",
            "registered": False,
            "ready": False,
            "restarts": 9,
            "started": None,
            "address": None,
            "revision": 1,
            "cpu": None,
            "rss": None,
            "cause": None,
            "held": None,
            "next_start": found["workers"][1]["next_start"],
        },
    ]
    waits_s = datetime.fromisoformat(found["workers"][1]["next_start"]).timestamp() - time.time()
    assert 50 < waits_s <= 60
    assert {name: found[name] for name in ("spares", "done", "rollout", "held", "config")} == {
        "spares": None,
        "done": {"done": 2, "failed": 1},
        "rollout": None,
        "held": ["all"],
        "config": None,
    }


@pytest.mark.parametrize(
    ("running", "done", "foreign", "below"),
    [
        (3, None, 2, False),
        (3, None, 1, True),
        (2, Finished(1, 1), 1, False),
        (2, Finished(1, 0), 1, True),
        (5, None, None, False),
    ],
)
def test_what_has_finished_does_not_lack(running: int, done: Finished | None, foreign: int | None, below: bool) -> None:
    assert Status(target=5, running=running, done=done, foreign=foreign).is_below is below


def test_an_agent_whose_words_make_no_sense() -> None:
    """It is shown, with nothing known of it."""
    found = status(snapshot(agents={"a": MINE, "odd": None}), "zk:2181", "host-a")
    assert found.agents == [AgentRow("a", "host-a", 1, share=2, running=1, draining=False), AgentRow("odd")]
    assert found.running == 1


def test_what_zookeeper_knows() -> None:
    """The same fields; a worker that is registered is taken to run; an anonymous one is only counted."""
    found = cluster_status(
        "default",
        "zk:2181",
        PoolNodes(
            agents={"a": MINE, "b": OTHERS},
            plan=Plan(7, "b", 5, 1, {"a": 2, "b": 3}),
            target=5,
            leader=("b", 7),
            registered=[WorkerRow("b-0-y", "b", pid=20, slot=0, address="host-b:9000", state="running"), WorkerRow()],
            held=(),
        ),
        local=status(snapshot(), "zk:2181", "host-a"),
    )
    assert (found.running, found.registered, found.foreign) == (4, 2, 1)
    assert (found.leader, found.epoch, found.target) == ("b", 7, 5)
    assert [worker.worker for worker in found.workers] == ["a-0-x", None, "b-0-y"]
    assert (found.workers[2].state, found.workers[2].address) == ("running", "host-b:9000")
    assert found.workers[2].restarts is None


def test_a_registration_beside_its_stand_in_counts_once() -> None:
    """For a moment there may be both."""
    found = cluster_status(
        "default",
        "zk:2181",
        PoolNodes(
            agents={"b": OTHERS},
            plan=None,
            target=None,
            leader=None,
            registered=[WorkerRow("b-0-y", "b"), WorkerRow("b-0-y", "b")],
            held=(),
        ),
        local=None,
    )
    assert found.registered == 1
    assert (found.target, found.foreign, found.leader, found.epoch) == (None, None, None, None)
