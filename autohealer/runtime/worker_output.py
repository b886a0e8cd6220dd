"""What workers write: where that of each stands, and the last of it for those who ask what became of a worker.

Several lives follow each other in the file of one number; what a life has written ends where the next one's begins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from autohealer.core.incident import Incident
    from autohealer.processes.output.files import OpenedFile
    from autohealer.processes.output.outlet import Outlet
    from autohealer.runtime.ledger import WorkerEntry

LAST_LINES = 5
EVIDENCE_LINES = 20


class _Span(msgspec.Struct):
    """Between which offsets of its file a worker's output stands; ``end`` None: to the end of the file."""

    begin: int
    end: int | None = None


class WorkerOutput:
    """``files`` is where the output of adopted workers goes; None where none goes to files."""

    def __init__(self, files: Outlet | None, warn: Callable[[str], None]) -> None:
        self._files, self._warn = files, warn
        self._outlets: dict[str, Outlet] = {}
        self._used: dict[Outlet, None] = {} if files is None else {files: None}
        self._spans: dict[str, _Span] = {}
        self._last: dict[int, str] = {}
        """The last worker that got a number's file."""

        self._last_words: dict[str, list[str]] = {}
        """By the incidents that are open."""

    # ---- lives

    def open(self, outlet: Outlet | None, number: int) -> OpenedFile | None:
        """For a worker that is about to start.

        Nothing may keep a worker from running over its log: what it writes is lost then.
        """
        if outlet is None:
            return None
        try:
            return outlet.open(number)
        except OSError as error:
            self._warn(f"the output of slot {number} is lost: {error.strerror}")
            return None

    def began(self, entry: WorkerEntry, outlet: Outlet, opened: OpenedFile | None, at: float) -> None:
        """It was started, after the Unix time ``at``."""
        worker, number = entry.worker, entry.number
        self._outlets[worker] = outlet
        self._used[outlet] = None
        outlet.began(number, worker, entry.pid, opened and opened.size, at)
        offset = opened.size if opened else 0
        former = self._spans.get(self._last.get(number, ""))
        if former is not None:
            former.end = offset
        self._spans[worker], self._last[number] = _Span(offset), worker

    def adopted(self, entry: WorkerEntry) -> None:
        """It was started by a former agent."""
        if self._files is not None:
            self._outlets[entry.worker] = self._files

    def ended(self, entry: WorkerEntry, code: int | None, signal_name: str | None) -> None:
        """It has ended, in this way."""
        if entry.worker in self._outlets:
            how = signal_name or ("unknown" if code is None else f"exit {code}")
            self._outlets[entry.worker].ended(entry.number, entry.worker, how)

    def forget(self, worker: str) -> None:
        """Nothing of it is left."""
        self._outlets.pop(worker, None)
        self._spans.pop(worker, None)

    def settle(self) -> None:
        """Nothing is urgent now."""
        for outlet in self._used:
            outlet.settle()

    # ---- what they wrote

    def path(self, entry: WorkerEntry) -> str | None:
        """The file that the worker writes to."""
        outlet = self._outlets.get(entry.worker)
        return outlet.path(entry.number) if outlet else None

    def tail(self, entry: WorkerEntry) -> list[str]:
        """The last lines of the worker's file, as evidence of how it is."""
        outlet = self._outlets.get(entry.worker)
        return outlet.tail(entry.number, EVIDENCE_LINES) if outlet else []

    def tail_of_slot(self, slot: int) -> tuple[str, ...] | None:
        """The last that was written in a slot, by whichever worker; None where no output goes to files."""
        return None if self._files is None else tuple(self._files.tail(slot, LAST_LINES))

    def last_words(self, incident: Incident) -> list[str]:
        """The last that the incident's worker wrote itself: looked up once, and kept until `drop_words`."""
        found = self._last_words.get(incident.id)
        if found is None:
            span, outlet = self._spans.get(incident.worker, _Span(0)), self._outlets.get(incident.worker)
            found = outlet.tail(incident.number, EVIDENCE_LINES, span.begin, span.end) if outlet else []
            self._last_words[incident.id] = found
        return found

    def drop_words(self, incident: Incident) -> None:
        """It is closed, and kept elsewhere."""
        del self._last_words[incident.id]
