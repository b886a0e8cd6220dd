"""The users that the processes of an agent's workers run as."""

from __future__ import annotations

import os

from autohealer.processes.tree import procfs


class WorkerUsers:
    """Looks them up, from any thread.

    The agent is a child subreaper, so all that its workers started descends from it. A worker that it has adopted does
    not: such a one is named, and its descendants and the members of its session are its own. What a process's
    environment says is not believed: anybody can write there.
    """

    def __init__(self) -> None:
        self._adopted: dict[int, int] = {}  # pid -> start time

    def adopt(self, pid: int, start_time: int) -> None:
        """This process is a worker's, though not our child."""
        self._adopted[pid] = start_time

    def look_up(self) -> set[int]:
        """One walk through /proc."""
        stats = procfs.all_stats()
        children: dict[int, list[int]] = {}
        for stat in stats.values():
            children.setdefault(stat.parent, []).append(stat.pid)
        adopted = {
            pid
            for pid, start_time in list(self._adopted.items())
            if pid in stats and stats[pid].start_time == start_time
        }
        waiting = [os.getpid(), *adopted, *(stat.pid for stat in stats.values() if stat.session in adopted)]
        users: set[int] = set()
        seen: set[int] = set()
        while waiting:
            pid = waiting.pop()
            if pid in seen:
                continue
            seen.add(pid)
            users.update(_users(pid))
            waiting += children.get(pid, ())
        return users


def _users(pid: int) -> list[int]:
    """The real, effective, saved and filesystem user of a process."""
    return [int(user) for user in procfs.status_fields(pid).get("Uid", "").split()]
