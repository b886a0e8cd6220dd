"""The workers of a pool that have a process, or have left something; and what of them is not in the ledger yet."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from autohealer.processes.tree.procfs import start_time
from autohealer.runtime.ledger import Entry, SlotFinished, WorkerEntry, WorkerGone


class Roster:
    """``started`` gets the pid of each worker that is new to the ledger, and the start time of its process."""

    def __init__(self, started: Callable[[int, int], object] | None) -> None:
        self._started = started
        self._workers: dict[str, WorkerEntry] = {}
        self._new: list[str] = []
        self._gone: list[WorkerGone] = []
        self._finished: list[SlotFinished] = []

    def get(self, worker: str) -> WorkerEntry | None:
        """The worker, if it is one of these."""
        return self._workers.get(worker)

    def put(self, entry: WorkerEntry, *, is_written: bool = False) -> None:
        """One that is new, or has changed; ``is_written``: the ledger holds it already."""
        self._workers[entry.worker] = entry
        if not is_written:
            self._new.append(entry.worker)

    def remove(self, worker: str) -> WorkerEntry | None:
        """Nothing of it is left."""
        entry = self._workers.pop(worker, None)
        if entry is not None:
            self._gone.append(WorkerGone(worker))
        return entry

    def finish(self, finished: SlotFinished) -> None:
        """The slot's worker has ended for good."""
        self._finished.append(finished)

    def news(self) -> tuple[list[Entry], bool]:
        """What the ledger is to hold, and whether that is all there is: the rest is to be asked for again.

        The start time, by which the next agent knows a process again, is looked up only now: not on the way of a heal.
        """
        entries: list[Entry] = []
        unknown: list[str] = []
        for worker in self._new:
            entry = self._workers.get(worker)
            try:
                since = None if entry is None else start_time(entry.pid)
            except OSError:  # out of descriptors
                unknown.append(worker)
                continue
            if entry is not None and since is not None:
                entry = self._workers[worker] = replace(entry, start_time=since)  # one for both: there are thousands
                entries.append(entry)
                if self._started is not None:
                    self._started(entry.pid, since)
        entries += self._gone
        entries += self._finished
        self._new, self._gone, self._finished = unknown, [], []
        return entries, not unknown
