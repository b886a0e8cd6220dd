"""The users that the processes of an agent's workers run as."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from autohealer.processes.tree import procfs

if TYPE_CHECKING:
    from collections.abc import Iterable


def users_of_workers(workers: Iterable[tuple[int, int]]) -> set[int]:
    """Look at every process once. ``workers`` are the pids and start times of the workers that are known.

    An agent is a child subreaper, so all that its workers started descends from it. A worker that it has adopted does
    not: its descendants and the members of its session are looked at, too. What a process's environment says is not
    believed: anybody can write there. May be called from any thread.
    """
    stats = procfs.all_stats()
    children: dict[int, list[int]] = {}
    for stat in stats.values():
        children.setdefault(stat.parent, []).append(stat.pid)
    known = {pid for pid, start_time in workers if pid in stats and stats[pid].start_time == start_time}
    waiting = [os.getpid(), *known, *(stat.pid for stat in stats.values() if stat.session in known)]
    users: set[int] = set()
    seen: set[int] = set()
    while waiting:
        pid = waiting.pop()
        if pid not in seen:
            seen.add(pid)
            users.update(_users(pid))
            waiting += children.get(pid, ())
    return users


def _users(pid: int) -> list[int]:
    """The real, effective, saved and filesystem user of a process."""
    return [int(user) for user in procfs.status_fields(pid).get("Uid", "").split()]
