"""A replay in words and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from autohealer.runtime.event_log import timestamp
from autohealer.runtime.recorder.state import Json
from autohealer.views.lines import clean

if TYPE_CHECKING:
    from autohealer.core.events import Event
    from autohealer.core.pool.snapshot import Snapshot
    from autohealer.runtime.recorder.replay import Replay, ReplayedStep


def step_json(step: ReplayedStep) -> str:
    """An event with what was decided then, and what is decided now where that is something else."""
    told = {"time": timestamp(step.wall), "event": type(step.event).__name__, "fields": _event_fields(step.event)}
    now = {} if step.is_same else {"now": step.decided}
    return json.dumps({**told, "decided": step.recorded, "same": step.is_same, **now})


def end_json(replay: Replay, others: int) -> str:
    """How things stood at the end, and how many decisions were others than then."""
    snapshot = replay.snapshot()
    workers = [
        {"slot": worker.slot, "worker": worker.worker, "pid": worker.pid, "state": str(worker.state)}
        for worker in snapshot.workers
    ]
    return json.dumps({"version": replay.version, "different": others, **_pool(snapshot), "workers": workers})


def step_lines(step: ReplayedStep) -> Iterator[str]:
    """The event on a line, and each decision indented below it."""
    told = " ".join(f"{name}={value}" for name, value in _event_fields(step.event).items())
    clock = datetime.fromtimestamp(step.wall).strftime("%H:%M:%S.%f")
    yield clean(f"{clock}  {type(step.event).__name__}  {told}".rstrip())
    for action in step.recorded:
        yield clean(f"                   -> {_action(action)}")
    if not step.is_same:
        yield "    DIFFERENT: now it is decided"
        for action in step.decided:
            yield clean(f"                   => {_action(action)}")


def end_lines(replay: Replay, others: int) -> Iterator[str]:
    """The pool as it stood, its workers, and whether all was decided as then."""
    snapshot = replay.snapshot()
    yield ""
    yield clean(", ".join(f"{name} {value}" for name, value in _pool(snapshot).items()))
    for worker in snapshot.workers:
        yield clean(f"  slot {worker.slot}  {worker.state}  pid {worker.pid}  {worker.worker or ''}".rstrip())
    same = "all decisions are the same" if not others else f"{others} decisions are others than then"
    yield f"recorded by version {clean(replay.version)}: {same}"


def _pool(snapshot: Snapshot) -> dict[str, str | int | None]:
    names = ("pool", "agent", "connected", "target", "share", "running", "foreign", "leader", "draining")
    return {name: getattr(snapshot, name) for name in names}


def _event_fields(event: Event) -> dict[str, str]:
    return {name: str(getattr(event, name)) for name in event.__struct_fields__ if name != "at"}


def _action(data: Json) -> str:
    """A recorded action as ``SpawnWorker worker=… slot=…``; what is inside of its fields as it was recorded."""
    _, _, name, held = data
    told = " ".join(f"{field}={_value(value)}" for field, value in held.items())
    return f"{name.partition(':')[2]} {told}".rstrip()


def _value(data: Json) -> str:
    if not isinstance(data, list):
        return str(data)
    kind, *rest = data
    if kind == "object":
        return f"({_action(data)})"
    if kind == "enum":
        return str(rest[1]).lower()
    return ", ".join(map(_value, rest[-1])) if isinstance(rest[-1], list) else str(rest[-1])
