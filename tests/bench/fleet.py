"""One supervisor with its workers, from launch to clean-up."""

from __future__ import annotations

import os
import secrets
import select
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bench.board import Birth, Board
from tests.bench.build import Programs
from tests.bench.peers import Peer

MARK = "BENCH_FLEET"


class Fleet:
    """``with Fleet(...) as fleet``: at the end no process of it is left, whatever became of it.

    Its folder stays until the programs' own is removed, when all is measured: to make a file on ext4, the kernel looks
    at every inode near it that was freed within the last minutes. After a thousand workers' files were removed it took
    0.8 ms for each file instead of 0.02, which the next supervisor was charged with.
    """

    def __init__(self, kind: type[Peer], count: int, programs: Programs, *, workers_exit: bool = False) -> None:
        self.kind, self.count = kind, count
        self._folder = Path(tempfile.mkdtemp(prefix="fleet-", dir=programs.folder))
        self.board = Board(self._folder / "board")
        worker = [str(programs.worker), str(self.board.path), *(["exit"] if workers_exit else [])]
        self.peer = kind(self._folder, count, worker, programs)
        self._mark = secrets.token_hex(8)
        self._born: dict[int, int] = {}
        self._started: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while left := self.processes():
            for pid in left:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
        if self._started is not None:
            self._started.wait()
        self.board.close()

    def launch(self) -> int:
        """Start the supervisor; the moment just before, in ns of the monotonic clock."""
        command = self.peer.command()
        with (self._folder / "output").open("ab") as output:
            at = time.monotonic_ns()
            self._started = subprocess.Popen(
                command,
                cwd=self._folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return at

    def start(self, timeout_s: float = 60.0) -> float | None:
        """Launch it; the seconds until the last worker's first instruction, None where they did not all come."""
        at = self.launch()
        return _seconds(at, self.count, self.await_births(self.count, timeout_s))

    @property
    def environment(self) -> dict[str, str]:
        """Whoever is started with this is ended with the fleet."""
        return {**self.peer.environment, MARK: self._mark}

    @property
    def pid(self) -> int:
        """The supervisor's own process."""
        assert self._started is not None
        return self.peer.pid(self._started.pid)

    def await_births(self, count: int, timeout_s: float) -> list[Birth]:
        """The next births: so many, or fewer when the time is over."""
        births = self.board.wait(count, timeout_s)
        self._born.update((birth.pid, birth.ns) for birth in births)
        return births

    def workers(self) -> list[int]:
        """The workers that live, the oldest first."""
        self._born.update((birth.pid, birth.ns) for birth in self.board.new())
        return [pid for pid, _ in sorted(self._born.items(), key=lambda item: item[1]) if _lives(pid)]

    def processes(self) -> set[int]:
        """Every process that came of it, workers too."""
        mark = f"{MARK}={self._mark}".encode()
        pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
        return {pid for pid in pids if _lives(pid) and mark in _environment(pid)}

    def helpers(self) -> set[int]:
        """Its processes that are no workers."""
        return self.processes() - set(self._born)

    def kill(self, pids: list[int], births: int, timeout_s: float) -> float | None:
        """SIGKILL these; the seconds until the last of so many births, None where they did not all come."""
        self.await_births(0, 0)
        at = time.monotonic_ns()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return _seconds(at, births, self.await_births(births, timeout_s))

    def stop(self, timeout_s: float = 60.0) -> float | None:
        """Ask it to end; the seconds until the last worker has ended, None where one has not."""
        pidfds = [os.pidfd_open(pid) for pid in self.workers()]
        poll = select.poll()
        for pidfd in pidfds:
            poll.register(pidfd, select.POLLIN)
        at = last = time.monotonic_ns()
        self.peer.stop(self.pid)
        left = set(pidfds)
        while left and time.monotonic_ns() - at < timeout_s * 1e9:
            for pidfd, _ in poll.poll(1000):
                last = time.monotonic_ns()
                poll.unregister(pidfd)
                left.discard(pidfd)
        for pidfd in pidfds:
            os.close(pidfd)
        return None if left else (last - at) / 1e9

    def wait(self) -> None:
        """Until the supervisor has ended, which was asked to."""
        assert self._started is not None
        self._started.wait(60.0)


def _seconds(since_ns: int, count: int, births: list[Birth]) -> float | None:
    """From then to the last of so many births; None where there are fewer."""
    return (max(birth.ns for birth in births) - since_ns) / 1e9 if len(births) >= count else None


def _lives(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] not in {b"Z", b"X"}
    return False


def _environment(pid: int) -> list[bytes]:
    with suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return []
