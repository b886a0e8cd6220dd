"""The states of a life, and of a slot that has none, and every change between them, as data.

A life:  starting --ready--> running --stop--> stopping --exit--> gone
         starting --stand by--> standby --promote--> running
         An exit ends each of them; a stop can begin in each.
A slot without a life:  gone --wait--> backoff, and gone or backoff --finish or fail--> done or failed.
         A spawn gives it a life again, and it is gone when that ends.

Anything that is not in the table is a mistake of the caller and raises.
"""

from __future__ import annotations

from enum import StrEnum


class WorkerState(StrEnum):
    """The words of ``status``."""

    STARTING = "starting"
    STANDBY = "standby"
    RUNNING = "running"
    STOPPING = "stopping"
    GONE = "gone"
    BACKOFF = "backoff"
    DONE = "done"
    FAILED = "failed"


class Trigger(StrEnum):
    """What changes a state."""

    READY = "ready"
    STAND_BY = "stand by"
    PROMOTE = "promote"
    STOP = "stop"
    EXIT = "exit"
    WAIT = "wait"
    SPAWN = "spawn"
    FINISH = "finish"
    FAIL = "fail"


_S, _T = WorkerState, Trigger
TRANSITIONS: dict[tuple[WorkerState, Trigger], WorkerState] = {
    (_S.STARTING, _T.READY): _S.RUNNING,
    (_S.STARTING, _T.STAND_BY): _S.STANDBY,
    (_S.STARTING, _T.STOP): _S.STOPPING,
    (_S.STARTING, _T.EXIT): _S.GONE,
    (_S.STANDBY, _T.PROMOTE): _S.RUNNING,
    (_S.STANDBY, _T.STOP): _S.STOPPING,
    (_S.STANDBY, _T.EXIT): _S.GONE,
    (_S.RUNNING, _T.STOP): _S.STOPPING,
    (_S.RUNNING, _T.EXIT): _S.GONE,
    (_S.STOPPING, _T.EXIT): _S.GONE,
    (_S.GONE, _T.SPAWN): _S.STARTING,
    (_S.GONE, _T.WAIT): _S.BACKOFF,
    (_S.GONE, _T.FINISH): _S.DONE,
    (_S.GONE, _T.FAIL): _S.FAILED,
    (_S.BACKOFF, _T.SPAWN): _S.STARTING,
}


def advance(state: WorkerState, trigger: Trigger) -> WorkerState:
    """The state after the trigger; ValueError where the table has none."""
    try:
        return TRANSITIONS[state, trigger]
    except KeyError:
        raise ValueError(f"a worker that is {state} cannot {trigger}") from None
