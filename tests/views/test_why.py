"""Incidents are told as stories."""

from __future__ import annotations

import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from autohealer.core.incident import IncidentEntry
from autohealer.views.lines import plain
from autohealer.views.tolerant import made_of
from autohealer.views.why import stories, why_lines

Json = dict[str, Any]


def at(seconds: float) -> str:
    """A moment, so long after noon."""
    return f"2026-01-31T12:00:{seconds:09.6f}Z"


DEATH: Json = {
    "id": "web-3-x1",
    "kind": "death",
    "worker": "web-3-x1",
    "pid": 4711,
    "slot": 3,
    "revision": 2,
    "cause": "oom",
    "detail": "killed by SIGKILL",
    "exit": {"code": None, "signal": "SIGKILL", "oom": True},
    "opened": at(1),
    "uptime": 3725.0,
    "noticed_by": "pidfd",
    "noticed_ms": None,
    "decided_ms": 0.1,
    "started_ms": 1.9,
    "ready_ms": 800.0,
    "evidence": {"state": None, "waits_in": None, "stack": None, "rss": None, "output": ["last \x1b[31mwords"]},
    "action": "started again",
    "by": None,
    "replacement": "web-3-x2",
    "outcome": "healed",
}
VERDICT: Json = {
    **DEATH,
    "id": "web-1-x5",
    "worker": "web-1-x5",
    "slot": 1,
    "kind": "verdict",
    "cause": "probe",
    "detail": "http://127.0.0.1:8001/: status 500",
    "exit": {"code": 0, "signal": None, "oom": False},
    "opened": at(30),
    "noticed_by": "sense",
    "noticed_ms": 20000.0,
    "evidence": {
        "state": "S (sleeping)",
        "waits_in": "ep_poll",
        "stack": "Thread 1\n  in f",
        "rss": 5 << 20,
        "output": [],
    },
    "action": "stopped, started again",
    "by": "kim@host",
    "outcome": "open",
    "replacement": None,
    "started_ms": None,
    "ready_ms": None,
}


def shown(*incidents: Json) -> list[str]:
    """The lines, without colours."""
    return [plain(line) for line in why_lines([made_of(IncidentEntry, one) for one in incidents], None)]


def test_a_death() -> None:
    """By whom, how long it lived, who saw it, what came of it, its last words."""
    clock = time.strftime("%H:%M:%S", time.localtime(1769860801))

    assert shown(DEATH) == [
        f"{clock}  worker 3 (pid 4711) died: killed by SIGKILL by the kernel, for want of memory",
        "    r2, web-3-x1, lived 1h 02m, seen by pidfd",
        "    started again",
        "    healed: replacement ran after 1.9 ms, ready after 800 ms, web-3-x2",
        "    | last  [31mwords",
    ]


def test_a_verdict() -> None:
    """What the sense saw, and what the worker was doing meanwhile."""
    assert shown(VERDICT)[1:] == [
        "    r2, web-1-x5, lived 1h 02m, seen by sense after 20.0 s, ended with 0",
        "    stopped, started again, asked by kim@host",
        "    not healed",
        "    state S (sleeping), waits in ep_poll, 5.0M of memory",
        "      Thread 1",
        "        in f",
    ]


def test_a_start_that_failed() -> None:
    """With the error's name."""
    failed = {**DEATH, "kind": "spawn", "cause": "EAGAIN", "detail": "Resource temporarily unavailable", "exit": None}

    assert shown(failed)[0].endswith("could not be started: Resource temporarily unavailable (EAGAIN)")


def test_a_life_of_less_than_a_second() -> None:
    """Is no life of 0 s."""
    assert shown({**DEATH, "uptime": 0.0142})[1] == "    r2, web-3-x1, lived 14 ms, seen by pidfd"


def test_a_replacement_that_runs_and_is_not_ready() -> None:
    """Not yet, or never: the next story of its slot tells."""
    running = {**DEATH, "outcome": "open", "ready_ms": None}

    assert shown(running)[3] == "    replaced, and not ready: replacement ran after 1.9 ms, web-3-x2"


def test_a_replacement_that_had_to_wait_was_no_heal() -> None:
    """The backoff is named."""
    late = {**DEATH, "started_ms": 3484.0, "ready_ms": 5500.0, "backoff_ms": 3484.0}

    assert shown(late)[2:4] == [
        "    started again after a backoff of 3.5 s",
        "    ready again, after the backoff: replacement ran after 3.5 s, ready after 5.5 s, web-3-x2",
    ]


def test_deaths_within_a_second_are_one_story() -> None:
    """The first on top: it may be the cause of the others. Later stories come first."""
    told = [{**DEATH, "id": str(number), "opened": at(seconds)} for number, seconds in enumerate((1.0, 1.9, 2.1))]
    first, second, later = (made_of(IncidentEntry, one) for one in told)

    assert stories([later, second, first]) == [[later], [first, second]]
    assert "2 workers within a second; the first of them:" in shown(*reversed(told))


@given(st.sets(st.sampled_from(sorted(DEATH))), st.booleans())
def test_whatever_is_not_known_it_is_told(unknown: set[str], gone: bool) -> None:
    """Null, or (written by another version) not there."""
    found = {key: value for key, value in DEATH.items() if not (gone and key in unknown)}
    assert why_lines([made_of(IncidentEntry, {**found, **({} if gone else dict.fromkeys(unknown))})], 1e9)
