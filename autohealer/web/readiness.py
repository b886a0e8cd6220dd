"""Whether an agent does what it should, in a word for machines and a line for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from autohealer.views.units import count, duration

if TYPE_CHECKING:
    from autohealer.core.pool.snapshot import Snapshot


class ReadyAnswer(NamedTuple):
    """``text`` says why where it is not ready."""

    is_ready: bool
    text: str


class PoolEntry(msgspec.Struct, frozen=True):
    """A pool in the list of those of one process: its share here and how many of it run, as far as is known."""

    pool: str
    ready: bool
    running: int | None
    share: int | None
    text: str


def readiness(snapshot: Snapshot) -> ReadyAnswer:
    """An agent is ready when it knows its share of the pool, runs as many workers, and is not being emptied.

    That ZooKeeper is away makes no agent unready: its workers go on and are healed, and to take them all out of
    service for it would make an outage of ZooKeeper one of theirs.
    """
    away = ""
    if snapshot.away_since is not None:
        away = f"ZooKeeper has been away for {duration(snapshot.at - snapshot.away_since)}"
    if snapshot.draining:
        return ReadyAnswer(False, "this agent is being emptied")
    if snapshot.share is None:
        never = "ZooKeeper has not answered yet" if away else "no plan has reached this agent yet"
        return ReadyAnswer(False, f"this agent does not know its share: {never}")
    running = f"{snapshot.running} of {count(snapshot.share, 'worker')} of this agent run"
    if snapshot.running < snapshot.share:
        return ReadyAnswer(False, running)
    return ReadyAnswer(True, f"ready: {running}" + (f"; {away}" if away else ""))
