"""End workers whose agent is gone, as `autohealer stop` does where no agent runs."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from autohealer.errors import AutohealerError
from autohealer.processes.launch.exits import ExitWatcher
from autohealer.processes.reaper import Reaper
from autohealer.processes.tree.orphans import Orphans
from autohealer.processes.tree.process_tree import DeadWorker
from autohealer.processes.tree.strays import Strays

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from autohealer.processes.launch.adoption import FoundWorker


def end_workers(
    found: Iterable[FoundWorker],
    dead: Iterable[DeadWorker],
    *,
    stop_signal: int,
    stop_timeout_s: float,
    output: Mapping[str, str],
) -> None:
    """Send the workers their stop signal, SIGKILL after the timeout, and return when nothing of them is left.

    ``dead`` are workers known to have ended while nobody looked; what they left is ended with the rest. ``output``
    are the files that they write to, by worker.
    Takes over the pidfds. Raises `AutohealerError` for a worker that belongs to another user, after the others.
    """
    loop = asyncio.new_event_loop()
    ending = _EndingRun(loop, stop_signal, stop_timeout_s, output)
    try:
        ending.begin(list(found), list(dead))
        if ending.left:
            loop.run_forever()
    finally:
        ending.close()
        loop.close()
    if ending.foreign:
        names = ", ".join(ending.foreign)
        raise AutohealerError(f"not allowed to end {names}: another user's", "stop them as that user, or as root")


class _EndingRun:
    """One go at ending workers, in an event loop that runs for nothing else."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, stop_signal: int, stop_timeout_s: float, output: Mapping[str, str]
    ) -> None:
        self.left: set[str] = set()
        self.foreign: list[str] = []
        self._loop = loop
        self._stop_signal = stop_signal
        self._output = output
        self._deadline = loop.time() + stop_timeout_s
        reaper = Reaper()
        self._watcher = ExitWatcher(loop, self._exited, reaper)
        # Not being their parent, we get none of their orphans.
        self._orphans = Orphans(loop, self._cleared, Strays(reaper, come=False))

    def begin(self, found: list[FoundWorker], dead: list[DeadWorker]) -> None:
        self.left = {worker.worker for worker in found} | {worker.worker for worker in dead}
        for worker in found:
            self._orphans.see_below(worker.worker, worker.pid)
            self._watcher.watch(worker.worker, worker.pid, worker.pidfd, child=False)
        for worker in found:
            self._signal(worker.worker, self._stop_signal)
        self._orphans.clear(dead, self._stop_signal, self._patience_s())
        self._loop.call_at(self._deadline, self._kill)

    def close(self) -> None:
        self._orphans.close()
        self._watcher.close()

    def _patience_s(self) -> float:
        return max(0.0, self._deadline - self._loop.time())

    def _signal(self, worker: str, signum: int) -> None:
        try:
            self._watcher.send_signal(worker, signum)
        except PermissionError:
            self.foreign.append(worker)
            self._cleared(worker)

    def _kill(self) -> None:
        for worker in list(self.left):
            self._signal(worker, signal.SIGKILL)

    def _exited(self, worker: str, _code: int | None, _signal_name: str | None) -> None:
        pid = self._watcher.pid(worker)
        if pid is not None:
            dead = DeadWorker(worker, pid, is_child=False, output=self._output.get(worker))
            self._orphans.clear([dead], self._stop_signal, self._patience_s())

    def _cleared(self, worker: str) -> None:
        self._watcher.release(worker)
        self.left.discard(worker)
        if not self.left:
            self._loop.stop()
