"""The ledger of an agent that runs: known at once in the loop's thread, written by another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import msgspec

from autohealer.runtime.disk_writer import Batches, DiskWriter
from autohealer.runtime.ledger import Entry, Facts, Ledger, SlotFinished, WorkerEntry, WorkerGone, place_of
from autohealer.runtime.revisions import RevisionRecord


class LedgerWriter:
    """What the ledger says, and the way to add to it. ``warn`` is told when the file cannot be written.

    A worker that was started and is gone again before its line was written leaves none: while the disk stalls, what
    waits is never more than what the file would hold.
    """

    def __init__(
        self, ledger: Ledger, writer: DiskWriter, loop: asyncio.AbstractEventLoop, warn: Callable[[str], None]
    ) -> None:
        self.facts: Facts = ledger.facts
        self.workers: dict[str, WorkerEntry] = dict(ledger.workers)
        self.finished: dict[int, SlotFinished] = dict(ledger.finished)
        self.revisions = ledger.revisions
        self._ledger, self._warn = ledger, warn
        self._waiting: dict[str, Entry] = {}
        self._is_failing = ledger.is_failing
        self._is_lost = self._is_over = self._is_ended = False
        self._batches = Batches(writer, loop, take=self._take, write=self._write, written=self._written)
        if self._is_failing:
            self._batches.pump()

    def record(self, entries: Iterable[Entry]) -> None:
        """Take in the entries; they are written soon."""
        for entry in entries:
            match entry:
                case Facts():
                    self.facts = entry
                    self._waiting["facts"] = entry
                case WorkerEntry():
                    self.workers[entry.worker] = entry
                    self._waiting[entry.worker] = entry
                case WorkerGone():
                    self.workers.pop(entry.worker, None)
                    if not isinstance(self._waiting.pop(entry.worker, None), WorkerEntry):
                        self._waiting[entry.worker] = entry
                case SlotFinished():
                    self.finished[entry.finished] = entry
                    self._waiting[f"finished {entry.finished}"] = entry
                case RevisionRecord():
                    self.revisions = entry
                    self._waiting["revisions"] = entry
        self._batches.pump()

    def end(self) -> None:
        """The pool is over, as asked. Nothing is recorded after that."""
        self._is_over = True
        self._batches.pump()

    async def close(self, within_s: float) -> None:
        """Have all written, if that can be done in time."""
        if not await self._batches.quiet(within_s):
            self._warn("the disk does not answer: what the ledger was to hold last is not in it")

    def write_anew(self) -> None:
        """The folder is another one: write the whole there."""
        self.facts = msgspec.structs.replace(self.facts, place=place_of(self._ledger.path))
        self._waiting["facts"] = self.facts
        self._is_lost = True
        self._batches.pump()

    def _take(self) -> list[Entry] | None:
        if not (self._waiting or self._is_failing or self._is_lost or (self._is_over and not self._is_ended)):
            return None
        batch, self._waiting = list(self._waiting.values()), {}
        return batch

    def _write(self, batch: list[Entry]) -> OSError | None:
        """In the writer's thread. What the disk has not taken, the ledger keeps, and writes with the next batch."""
        if self._is_lost:
            self._is_lost = False
            self._ledger.close()
        error = self._ledger.record(batch)
        if self._is_over:
            error = self._ledger.end()
            self._is_ended = True
        return error or (OSError("the file lacks something") if self._ledger.is_failing else None)

    def _written(self, _batch: list[Entry], error: OSError | None) -> None:
        if error is not None and not self._is_failing:
            self._warn(f"cannot write the ledger: {error.strerror}")
        self._is_failing = error is not None
