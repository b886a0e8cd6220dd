r"""The life of a worker: its states and every change between them, as data.

    gone --spawn--> starting --ready--> running --stop--> stopping --exit--> gone
     ^ \                |                  |
     |  wait            +------- exit -----+----> gone
     |   \
    cancel-- backoff --spawn--> starting

Anything that is not in the table is a mistake of the caller and raises.
"""

from __future__ import annotations

from enum import StrEnum


class WorkerState(StrEnum):
    """The words of ``status``."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    GONE = "gone"
    BACKOFF = "backoff"


class Trigger(StrEnum):
    """What changes a state."""

    SPAWN = "spawn"
    READY = "ready"
    STOP = "stop"
    EXIT = "exit"
    WAIT = "wait"
    CANCEL = "cancel"


_S, _T = WorkerState, Trigger
TRANSITIONS: dict[tuple[WorkerState, Trigger], WorkerState] = {
    (_S.GONE, _T.SPAWN): _S.STARTING,
    (_S.GONE, _T.WAIT): _S.BACKOFF,
    (_S.BACKOFF, _T.SPAWN): _S.STARTING,
    (_S.BACKOFF, _T.CANCEL): _S.GONE,
    (_S.STARTING, _T.READY): _S.RUNNING,
    (_S.STARTING, _T.STOP): _S.STOPPING,
    (_S.STARTING, _T.EXIT): _S.GONE,
    (_S.RUNNING, _T.STOP): _S.STOPPING,
    (_S.RUNNING, _T.EXIT): _S.GONE,
    (_S.STOPPING, _T.EXIT): _S.GONE,
}


def advance(state: WorkerState, trigger: Trigger) -> WorkerState:
    """The state after the trigger; ValueError where the table has none."""
    try:
        return TRANSITIONS[state, trigger]
    except KeyError:
        raise ValueError(f"a worker that is {state} cannot {trigger}") from None
