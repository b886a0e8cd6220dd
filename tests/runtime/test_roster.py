"""What the ledger is to hold of the workers, told once each."""

from __future__ import annotations

import os

import pytest

from autohealer.processes.tree.procfs import start_time
from autohealer.runtime import roster as roster_module
from autohealer.runtime.ledger import SlotFinished, WorkerEntry, WorkerGone
from autohealer.runtime.roster import Roster

WORKER = "host-a-0-x"


def running(worker: str = WORKER, slot: int | None = 0) -> WorkerEntry:
    """A worker whose process is this one."""
    return WorkerEntry(worker, slot, os.getpid(), 0, "2026-01-31T12:00:00.000000Z")


def test_a_worker_is_news_once_with_the_start_time_of_its_process() -> None:
    """And again when it has changed. One that the ledger holds already is none."""
    started: list[tuple[int, int]] = []
    roster = Roster(lambda pid, since: started.append((pid, since)))
    since = start_time(os.getpid())
    roster.put(running())
    roster.put(running("host-a-1-y"), is_written=True)
    entries, is_complete = roster.news()

    assert is_complete
    assert [(entry.worker, entry.start_time) for entry in entries if isinstance(entry, WorkerEntry)] == [
        (WORKER, since)
    ]
    assert started == [(os.getpid(), since)]
    assert roster.get("host-a-1-y") is not None
    assert roster.news() == ([], True)
    roster.put(running(slot=3))
    assert [entry.slot for entry in roster.news()[0] if isinstance(entry, WorkerEntry)] == [3]


def test_what_is_gone_and_what_has_finished_is_news_too() -> None:
    """A worker that was never told of is gone all the same; one that nobody knows is not."""
    roster = Roster(None)
    roster.put(running())
    assert roster.remove(WORKER) == running()
    assert roster.remove("host-a-9-z") is None
    roster.finish(SlotFinished(0, False, 1))

    assert roster.get(WORKER) is None
    assert roster.news() == ([WorkerGone(WORKER), SlotFinished(0, False, 1)], True)


def test_a_start_time_that_cannot_be_looked_up_now_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of descriptors: no worker is missing in the ledger once that clears."""

    def no_descriptors(_: int) -> int:
        raise OSError

    roster = Roster(None)
    roster.put(running())
    with monkeypatch.context() as patched:
        patched.setattr(roster_module, "start_time", no_descriptors)
        assert roster.news() == ([], False)
    entries, is_complete = roster.news()

    assert is_complete
    assert [entry.worker for entry in entries if isinstance(entry, WorkerEntry)] == [WORKER]
