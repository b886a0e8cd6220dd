"""Where the output of each worker stands, and whose last words are whose."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autohealer.core.incident import Incident, IncidentKind
from autohealer.processes.output.files import OutputFiles
from autohealer.processes.output.outlet import FileOutlet
from autohealer.runtime.ledger import WorkerEntry
from autohealer.runtime.worker_output import WorkerOutput

FIRST, SECOND = "host-a-0-x", "host-a-0-y"


def entry(worker: str) -> WorkerEntry:
    """A worker in slot 0."""
    return WorkerEntry(worker, 0, os.getpid(), 0, "2026-01-31T12:00:00.000000Z")


def incident(worker: str) -> Incident:
    """The death of a worker in slot 0."""
    return Incident(worker, IncidentKind.DEATH, worker, 1, 0, number=0, revision=1, cause="exit", detail="", opened=1.0)


@pytest.fixture
def outlet(tmp_path: Path) -> FileOutlet:
    """The files of a pool's output."""
    return FileOutlet(OutputFiles(tmp_path, 10_000), print)


def write(output: WorkerOutput, outlet: FileOutlet, worker: str, text: str) -> None:
    """The life of a worker that writes this."""
    opened = output.open(outlet, 0)
    assert opened is not None
    output.began(entry(worker), outlet, opened, 1.0)
    os.write(opened.fd, text.encode())
    os.close(opened.fd)


def test_what_a_life_has_written_ends_where_that_of_the_next_begins(outlet: FileOutlet) -> None:
    """They share a file. Last words are looked up once: what comes later is not theirs."""
    output = WorkerOutput(outlet, print)
    write(output, outlet, FIRST, "I am the first\n")
    write(output, outlet, SECOND, "I am the second\n")

    assert output.last_words(incident(FIRST)) == ["I am the first"]
    assert output.last_words(incident(SECOND)) == ["I am the second"]
    write(output, outlet, "host-a-0-z", "I am the third\n")
    assert output.last_words(incident(SECOND)) == ["I am the second"]
    assert output.tail_of_slot(0) == ("I am the first", "I am the second", "I am the third")


def test_words_are_dropped_with_their_incident_and_places_with_their_worker(outlet: FileOutlet) -> None:
    """Of whom nothing is left nothing is looked up any more."""
    output = WorkerOutput(outlet, print)
    write(output, outlet, FIRST, "I am the first\n")
    assert output.tail(entry(FIRST)) == ["I am the first"]
    assert output.path(entry(FIRST)) is not None
    output.last_words(incident(FIRST))
    output.forget(FIRST)
    assert output.last_words(incident(FIRST)) == ["I am the first"]
    output.drop_words(incident(FIRST))

    assert output.last_words(incident(FIRST)) == []
    assert output.tail(entry(FIRST)) == []
    assert output.path(entry(FIRST)) is None


def test_an_adopted_worker_writes_where_the_former_agent_had_it_write(outlet: FileOutlet) -> None:
    """To the files, where there are any."""
    with_files, without = WorkerOutput(outlet, print), WorkerOutput(None, print)
    for output in (with_files, without):
        output.adopted(entry(FIRST))

    assert with_files.path(entry(FIRST)) == outlet.path(0)
    assert without.path(entry(FIRST)) is None
    assert without.tail_of_slot(0) is None


def test_a_worker_starts_without_its_output_where_that_cannot_be_opened(tmp_path: Path) -> None:
    """What it writes is lost, and this is told."""
    warnings: list[str] = []
    missing = FileOutlet(OutputFiles(tmp_path / "file" / "below", 10_000), print)
    (tmp_path / "file").touch()
    output = WorkerOutput(missing, warnings.append)
    opened = output.open(missing, 0)
    output.began(entry(FIRST), missing, opened, 1.0)

    assert opened is None
    assert warnings == ["the output of slot 0 is lost: Not a directory"]
