"""Who lived when: every worker's life on one clock, so that the number alive at any instant can be told afterwards.

A thread looks every few milliseconds: it lists the processes, then asks the kernel in one call which of the workers
that it knows have ended. So who is alive in one look was alive at one instant, and "too many at once" is never an
artefact of the looking. A life's start is the kernel's own (to a hundredth of a second), its end the first look that
misses it: "too few at once" errs on the side of the workers, by one look.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

LOOK_S = 0.005
# A process between its fork and its exec does not look like what it becomes.
YOUNG_S = 1.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
WORKER = b"AUTOHEALER_WORKER_ID="


@dataclass(slots=True)
class Life:
    """One worker's. Moments are of ``time.monotonic``."""

    worker: str
    pid: int
    began: float
    ended: float | None = None


@dataclass(slots=True)
class _Open:
    life: Life
    fd: int


@dataclass
class Timeline:
    """Records all workers whose environment bears one of ``marks``, until ``close``."""

    marks: list[bytes]
    lives: list[Life] = field(default_factory=list)
    most: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._open: dict[int, _Open] = {}
        self._strangers: set[int] = set()
        self._young: dict[int, float] = {}
        self._poll = select.poll()
        self._closed = threading.Event()
        self._looks = 0
        self._thread = threading.Thread(target=self._record, name="timeline", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Record no more."""
        self._closed.set()
        self._thread.join()
        for known in self._open.values():
            os.close(known.fd)
        self._open.clear()

    def settle(self) -> float:
        """A moment up to which everything has been recorded, and past which this was called."""
        looks = self._looks
        while self._looks < looks + 2 and self._thread.is_alive():
            time.sleep(LOOK_S)
        return time.monotonic()

    # ---- what can be asked

    def at_most(self, since: float = 0.0, until: float = float("inf")) -> int:
        """The most that were certainly alive at one instant."""
        self.settle()
        return max((count for at, count in self.most if since <= at <= until), default=0)

    def at_least(self, since: float, until: float) -> int:
        """The fewest that can have been alive at one instant."""
        self.settle()
        ends = [(life.ended, -1) for life in self.lives if life.ended is not None]
        changes = sorted([*((life.began, 1) for life in self.lives), *ends], key=lambda change: (change[0], -change[1]))
        count, least = 0, None
        for at, change in changes:
            if at > until:
                break
            if at > since:
                least = count if least is None else min(least, count)
            count += change
        return count if least is None else min(least, count)

    def alive(self) -> int:
        """How many live now."""
        self.settle()
        return sum(life.ended is None for life in self.lives)

    def story(self, since: float = 0.0) -> str:
        """Every start and end, for the message of a test that fails."""
        moments = [(life.began, "began", life) for life in self.lives]
        moments += [(life.ended, "ended", life) for life in self.lives if life.ended is not None]
        lines = [
            f"{at - since:9.3f}  {what} {life.worker} ({life.pid})" for at, what, life in sorted(moments, key=_moment)
        ]
        return "\n" + "\n".join(lines)

    # ---- how

    def _record(self) -> None:
        while not self._closed.is_set():
            self._look()
            self._closed.wait(LOOK_S)

    def _look(self) -> None:
        now = time.monotonic()
        pids = {int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit()}
        self._strangers &= pids
        self._young = {pid: since for pid, since in self._young.items() if pid in pids}
        for pid in pids - self._strangers - self._open.keys():
            self._meet(pid, now)
        asked = time.monotonic()
        ended = {fd for fd, _ in self._poll.poll(0)}
        for pid, known in list(self._open.items()):
            if known.fd in ended:
                known.life.ended = asked
                self._poll.unregister(known.fd)
                os.close(known.fd)
                del self._open[pid]
        self.most.append((asked, len(self._open)))
        self._looks += 1

    def _meet(self, pid: int, now: float) -> None:
        worker = _worker_of(pid, self.marks)
        if worker is None:
            if now - self._young.setdefault(pid, now) > YOUNG_S:
                self._strangers.add(pid)
            return
        with suppress(OSError):
            fd = os.pidfd_open(pid)
            self._poll.register(fd, select.POLLIN)
            life = Life(worker, pid, _began(pid) or now)
            self.lives.append(life)
            self._open[pid] = _Open(life, fd)


def _moment(entry: tuple[float, str, Life]) -> float:
    return entry[0]


def _worker_of(pid: int, marks: Iterable[bytes]) -> str | None:
    """The id of a worker: the leader of a session that bears one. A worker's child may bear it as well."""
    with suppress(OSError):
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        if any(mark in variables for mark in marks) and os.getsid(pid) == pid:
            return next((v.removeprefix(WORKER).decode() for v in variables if v.startswith(WORKER)), None)
    return None


def _began(pid: int) -> float | None:
    with suppress(OSError):
        ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
        return ticks / TICKS_PER_S - time.clock_gettime(time.CLOCK_BOOTTIME) + time.monotonic()
    return None
