"""The pool as JSON, from what one agent knows and from what ZooKeeper holds."""

from __future__ import annotations

from typing import Any, cast

from autohealer.core.model import AgentEntry, Plan
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.core.pool.snapshot import Snapshot, WorkerView
from autohealer.views.status import Json, cluster_status, status

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
            WorkerView(0, "a-0-x", 10, WorkerState.RUNNING, registered=True, restarts=1, started=STARTED),
            WorkerView(1, None, None, WorkerState.BACKOFF, registered=False, restarts=9, started=None),
        ),
    }
    return Snapshot(**{**known, **fields})


def test_of_agents_that_nobody_has_asked_the_plan_is_known() -> None:
    """The others' entries are read by a leader, and by who is looked at."""
    found = status(snapshot(agents={"b": None, "a": MINE}, shares={"a": 2, "b": 3}), "zk:2181", "host-a")

    assert found["running"] == 1 + 3
    unknown = dict.fromkeys(("host", "pid", "running", "draining", "http"))
    assert {"agent": "b", "share": 3, **unknown} in cast("list[Json]", found["agents"])


def registration(worker: str | None, agent: str | None, **fields: object) -> Json:
    return {"worker": worker, "agent": agent, "host": None, "pid": None, "slot": None, "address": None} | {
        "started": None,
        **fields,
    }


def test_what_one_agent_knows() -> None:
    """Its own workers one by one, the others' by their number."""
    found = status(snapshot(), "zk:2181", "host-a")
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
            "restarts": 1,
            "started": STARTED,
            "address": None,
        },
        {
            "worker": None,
            "agent": "a",
            "host": "host-a",
            "pid": None,
            "slot": 1,
            "state": "backoff",
            "registered": False,
            "restarts": 9,
            "started": None,
            "address": None,
        },
    ]


def test_an_agent_whose_words_make_no_sense() -> None:
    """It is shown, with nothing known of it."""
    found = status(snapshot(agents={"a": MINE, "odd": None}), "zk:2181", "host-a")
    assert found["agents"] == [
        {"agent": "a", "host": "host-a", "pid": 1, "share": 2, "running": 1, "draining": False, "http": None},
        {"agent": "odd", "host": None, "pid": None, "share": None, "running": None, "draining": None, "http": None},
    ]
    assert found["running"] == 1


def test_what_zookeeper_knows() -> None:
    """The same fields; a worker that is registered is taken to run; an anonymous one is only counted."""
    found = cluster_status(
        "default",
        "zk:2181",
        agents={"a": MINE, "b": OTHERS},
        plan=Plan(7, "b", 5, 1, {"a": 2, "b": 3}),
        target=5,
        leader=("b", 7),
        registered=[registration("b-0-y", "b", pid=20, slot=0, address="host-b:9000"), registration(None, None)],
        local=status(snapshot(), "zk:2181", "host-a"),
    )
    assert found.keys() == status(snapshot(), "zk:2181", "host-a").keys()
    assert (found["running"], found["registered"], found["foreign"]) == (4, 2, 1)
    assert (found["leader"], found["epoch"], found["target"]) == ("b", 7, 5)
    workers = found["workers"]
    assert isinstance(workers, list)
    assert [worker["worker"] for worker in workers] == ["a-0-x", None, "b-0-y"]
    assert workers[2]["state"] == "running"
    assert workers[2]["address"] == "host-b:9000"
    assert workers[2]["restarts"] is None
    assert workers[2].keys() == workers[0].keys()


def test_a_registration_beside_its_stand_in_counts_once() -> None:
    """For a moment there may be both."""
    found = cluster_status(
        "default",
        "zk:2181",
        agents={"b": OTHERS},
        plan=None,
        target=None,
        leader=None,
        registered=[registration("b-0-y", "b"), registration("b-0-y", "b")],
        local=None,
    )
    assert found["registered"] == 1
    assert (found["target"], found["foreign"], found["leader"], found["epoch"]) == (None, None, None, None)
