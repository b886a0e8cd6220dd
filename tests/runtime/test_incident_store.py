"""Incidents are kept by another thread, bounded, through full disks and deaths, and read by anybody."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from autohealer.core.events import Evidence
from autohealer.core.incident import Exit, Incident, IncidentEntry, IncidentKind, IncidentOutcome
from autohealer.errors import AutohealerError
from autohealer.runtime import incident_store
from autohealer.runtime.incident_reader import read_incidents
from autohealer.runtime.incident_store import MOST_KEPT, IncidentStore, entry_of
from tests.support.processes import eventually


def incident(number: int, **fields: Any) -> IncidentEntry:
    """One of slot ``number % 3``, a second after the one before it."""
    plain = Incident(
        id=f"a-{number % 3}-{number}",
        kind=IncidentKind.DEATH,
        worker=f"a-{number % 3}-{number}",
        pid=100 + number,
        slot=number % 3,
        number=number % 3,
        revision=1,
        cause="signal",
        detail="killed by SIGKILL",
        opened=0.0,
        **fields,
    )
    return entry_of(plain, 1_700_000_000.0 + number)


class Book:
    """A store, and what it has complained of."""

    def __init__(self, folder: Path) -> None:
        self.path, self.said = folder / "incidents.db", list[str]()
        self.store = IncidentStore(self.path, self.said.append)

    def put(self, *incidents: IncidentEntry, is_closed: bool = True) -> None:
        """Keep them."""
        for one in incidents:
            self.store.put(one, is_closed=is_closed)

    def read(self, **which: Any) -> list[str]:
        """Their ids."""
        return [one.id for one in read_incidents(self.path, **which)]

    def until(self, *ids: str) -> None:
        """Wait until these are kept, and no others."""
        eventually(lambda: self.read() == list(ids), what=f"{ids}; {self.said}")


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """Empty."""
    return Book(tmp_path)


def test_what_is_kept_is_read(book: Book) -> None:
    """The newest first; what is put again takes the place of what was there."""
    book.put(incident(1), incident(2), replace(incident(1), outcome="healed"))
    book.until("a-2-2", "a-1-1")
    book.store.close()

    assert read_incidents(book.path)[1].outcome == "healed"
    assert book.path.stat().st_mode & 0o777 == 0o600
    assert book.said == []


def test_which_are_read(book: Book) -> None:
    """Of a slot, of a worker, since a moment, so many."""
    book.put(*(incident(number) for number in range(9)))
    book.store.close()

    assert book.read(worker="1") == ["a-1-7", "a-1-4", "a-1-1"]
    assert book.read(worker="a-2-5") == ["a-2-5"]
    assert book.read(since=1_700_000_006.5) == ["a-2-8", "a-1-7"]
    assert book.read(most=1) == ["a-2-8"]
    assert book.read(worker="' OR 1 --") == []


def test_only_the_newest_are_kept(book: Book) -> None:
    """A thousand a pool."""
    for number in range(MOST_KEPT + 200):
        book.put(incident(number))
        if number % 400 == 0:
            eventually(lambda: not book.store._waiting)
    book.store.close(20)
    Book(book.path.parent).store.begin()
    eventually(lambda: len(book.read(most=5000)) == MOST_KEPT)

    assert book.read(most=1) == [f"a-{(MOST_KEPT + 199) % 3}-{MOST_KEPT + 199}"]


def test_what_was_open_when_the_agent_ended_is_unknown(book: Book) -> None:
    """To its next life."""
    book.put(incident(1), is_closed=True)
    book.put(incident(2, outcome=IncidentOutcome.BACKOFF), is_closed=False)
    book.store.close()
    later = Book(book.path.parent)
    later.store.begin()

    eventually(lambda: [one.outcome for one in read_incidents(book.path)] == ["unknown", "open"])
    later.store.close()


def test_nothing_is_made_before_there_is_something_to_keep(book: Book) -> None:
    """Neither a file, nor a thread, nor an import."""
    book.store.begin()
    book.store.close()
    code = "import sys, autohealer.runtime.incident_store; print('sqlite3' in sys.modules)"

    assert not book.path.exists()
    assert book.read() == []
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_disk_that_stalls_holds_nobody_up(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits is bounded, and the oldest of it is lost."""
    monkeypatch.setattr(incident_store, "MOST_WAITING", 10)
    blocker = _locked(book)
    book.put(incident(0))
    eventually(lambda: not book.store._waiting)  # it is being written now
    began = time.monotonic()
    book.put(*(incident(number) for number in range(1, 100)))

    assert time.monotonic() - began < 1
    assert len(book.store._waiting) == 10
    assert book.store.lost == 89
    blocker.rollback()
    blocker.close()
    eventually(lambda: len(book.read()) == 11)
    book.store.close()


def _locked(book: Book) -> sqlite3.Connection:
    blocker = sqlite3.connect(book.path, check_same_thread=False)
    blocker.executescript(incident_store._SCHEMA)
    blocker.execute("BEGIN EXCLUSIVE")
    return blocker


def test_a_folder_that_was_deleted_and_made_again(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said once, tried again, and goes on in the new one."""
    monkeypatch.setattr(incident_store, "RETRY_S", 0.05)
    book.put(incident(1))
    book.until("a-1-1")
    away = book.path.parent.with_name("away")
    book.path.parent.rename(away)
    book.put(incident(2))
    eventually(lambda: book.said)
    book.path.parent.mkdir()
    book.until("a-2-2")
    book.store.close()

    assert len(book.said) == 1
    assert "incidents.db" in book.said[0]


def test_a_file_that_is_no_database(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is put aside; who reads is told."""
    monkeypatch.setattr(incident_store, "RETRY_S", 0.05)
    book.path.write_text("nonsense\n" * 1000)
    with pytest.raises(AutohealerError, match="cannot read"):
        book.read()
    book.put(incident(1))
    broken = book.path.with_name("incidents.db.broken")
    eventually(broken.exists)
    book.until("a-1-1")
    book.store.close()

    assert broken.read_text().startswith("nonsense")


def test_nothing_is_followed_through_a_link(book: Book, tmp_path: Path) -> None:
    """Somebody may have put one there."""
    target = tmp_path / "target"
    book.path.symlink_to(target)
    book.put(incident(1))
    eventually(lambda: book.said)
    book.store.close()

    assert not target.exists()


def test_an_incident_as_json() -> None:
    """The fields of the contract; what is not known is null, and long texts are cut."""
    entry = entry_of(
        Incident(
            id="a-1-x",
            kind=IncidentKind.VERDICT,
            worker="a-1-x",
            pid=7,
            slot=1,
            number=1,
            revision=3,
            cause="probe",
            detail="d",
            opened=5.0,
            exit=Exit(None, "SIGTERM", oom=False),
            uptime_s=1.23456,
            noticed_by="sense",
            evidence=Evidence(state="S (sleeping)", stack="s" * 100_000, rss=4096, output=("x" * 1000,)),
            outcome=IncidentOutcome.HEALED,
        ),
        1_700_000_000.0,
        ["other"],
    )
    found = to_builtins(entry)

    assert list(found) == [
        *("id", "kind", "worker", "pid", "slot", "revision", "cause", "detail", "exit", "opened", "uptime"),
        *("noticed_by", "noticed_ms", "decided_ms", "started_ms", "ready_ms", "backoff_ms", "evidence", "action"),
        *("by", "replacement", "outcome"),
    ]
    assert found["exit"] == {"code": None, "signal": "SIGTERM", "oom": False}
    assert found["opened"] == "2023-11-14T22:13:20.000000Z"
    assert (found["uptime"], found["ready_ms"], found["by"], found["action"]) == (1.235, None, None, None)
    assert list(found["evidence"]) == ["state", "waits_in", "stack", "rss", "output"]
    assert len(json.dumps(found)) < 16_000
