"""Did the kernel kill somebody for want of memory? It counts such kills, and names nobody."""

from __future__ import annotations

import os
from pathlib import Path

# Our own cgroup's counter concerns nobody else and is short; the host's is in a list that takes ten times as long.
_HOST = "/proc/vmstat"


class OomWatch:
    """Tells whether the counter has grown since it was asked last. A SIGKILL that comes with it was the kernel's."""

    def __init__(self, path: str | None = None) -> None:
        """``path``: where the counter is; the best that there is, unless it is said."""
        self._fd = _open(path or _counter())
        self._count = self._read()

    def has_killed(self) -> bool:
        """Whether it has grown; False where there is no counter."""
        former, self._count = self._count, self._read()
        return self._count > former

    def _read(self) -> int:
        if self._fd is None:
            return 0
        try:
            words = os.pread(self._fd, 16384, 0).split()
            return int(words[words.index(b"oom_kill") + 1])
        except (OSError, ValueError, IndexError):
            return 0


def _open(path: str) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def _counter() -> str:
    """The file with the counter of our cgroup, of whichever version; else of the host."""
    try:
        groups = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError:
        groups = []
    for fields in groups:
        if len(fields) == 3:
            _, controllers, path = fields
            places = {
                "": f"/sys/fs/cgroup{path}/memory.events",
                "memory": f"/sys/fs/cgroup/memory{path}/memory.oom_control",
            }
            found = places.get(controllers)
            if found is not None and "oom_kill " in _text(found):
                return found
    return _HOST


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
