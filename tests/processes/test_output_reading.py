"""Lines with their times and lives, of one slot or merged; across cuts, and while they are written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autohealer.processes.output import index
from autohealer.processes.output.cut import cut
from autohealer.processes.output.files import OutputFiles, identity
from autohealer.processes.output.index import Head, Mark
from autohealer.processes.output.reading import LINE_BYTES, OutputEntry, SlotReader, merged


class Slot:
    """A slot whose worker writes, and whose index is written by hand."""

    def __init__(self, files: OutputFiles, number: int) -> None:
        self.files, self.number = files, number
        self.fd = files.open(number).fd
        self.base = self.written = 0
        index.append(files.path(number), [Head(0, 0, identity(os.fstat(self.fd)))])

    def write(self, text: str | bytes, time: float | None = None) -> None:
        data = text if isinstance(text, bytes) else text.encode()
        os.write(self.fd, data)
        self.written += len(data)
        if time is not None:
            self.note(Mark(self.written, time))

    def note(self, *marks: Mark) -> None:
        index.append(self.files.path(self.number), marks)

    def begin(self, worker: str, time: float) -> None:
        self.note(Mark(self.written, time, worker, 11))

    def end(self, worker: str, time: float, how: str = "exit 1") -> None:
        self.note(Mark(self.written, time, worker, exit=how))

    def cut(self) -> None:
        self.base = cut(self.files, self.number, self.base)

    def reader(self) -> SlotReader:
        return SlotReader(self.files, self.number)


@pytest.fixture
def files(tmp_path: Path) -> OutputFiles:
    return OutputFiles(tmp_path, 1000)


@pytest.fixture
def slot(files: OutputFiles) -> Slot:
    return Slot(files, 0)


def texts(entries: list[OutputEntry]) -> list[str]:
    return [entry.text for entry in entries if entry.mark is None]


def test_each_line_has_the_time_by_which_it_was_there(slot: Slot) -> None:
    slot.write("one\n", 10.0)
    slot.write("two\nthr", 20.0)
    slot.write("ee\n", 30.0)
    slot.write("four\n")

    entries = list(slot.reader().entries(now=99.0))

    assert [(entry.text, entry.time) for entry in entries] == [
        ("one", 10.0),
        ("two", 20.0),
        ("three", 30.0),
        ("four", 99.0),
    ]


def test_lives_are_told_where_they_began_and_ended(slot: Slot) -> None:
    slot.begin("first", 1.0)
    slot.write("a\n", 2.0)
    slot.end("first", 3.0, "SIGKILL")
    slot.begin("second", 3.0)
    slot.write("b\n", 4.0)

    entries = list(slot.reader().entries())

    assert [(entry.worker, entry.text, entry.mark and entry.mark.exit) for entry in entries] == [
        ("first", "", None),
        ("first", "a", None),
        ("first", "", "SIGKILL"),
        ("second", "", None),
        ("second", "b", None),
    ]


def test_a_line_that_a_life_did_not_end_stays_its_own(slot: Slot) -> None:
    slot.begin("first", 1.0)
    slot.write("no end", 2.0)
    slot.end("first", 3.0)
    slot.begin("second", 3.0)
    slot.write("mine\n", 4.0)

    lines = [(entry.worker, entry.text) for entry in slot.reader().entries() if entry.mark is None]

    assert lines == [("first", "no end"), ("second", "mine")]


def test_what_comes_later_is_read_later(slot: Slot) -> None:
    reader = slot.reader()
    slot.write("one\ntw", 1.0)
    assert texts(list(reader.entries())) == ["one"]
    slot.write("o\n", 2.0)
    slot.end("w", 2.5)
    assert texts(list(reader.entries())) == ["two"]
    assert list(reader.entries()) == []


def test_nothing_is_lost_or_doubled_over_a_cut(slot: Slot) -> None:
    reader = slot.reader()
    slot.begin("w", 0.5)
    slot.write("one\n", 1.0)
    first = list(reader.entries())
    slot.write("two\nthr", 2.0)
    slot.cut()
    slot.write("ee\n", 3.0)

    assert texts(first) == ["one"]
    assert texts(list(reader.entries())) == ["two", "three"]
    fresh = list(slot.reader().entries())
    assert texts(fresh) == ["one", "two", "three"]
    assert {entry.worker for entry in fresh} == {"w"}
    assert sum(entry.mark is not None for entry in fresh) == 1


def test_what_two_cuts_took_away_is_passed_over(slot: Slot) -> None:
    reader = slot.reader()
    slot.write("one\n", 1.0)
    list(reader.entries())
    slot.write("lost\n", 2.0)
    slot.cut()
    slot.write("kept\n", 3.0)
    slot.cut()
    slot.write("new\n", 4.0)

    assert texts(list(reader.entries())) == ["kept", "new"]


@pytest.mark.parametrize("lines", [0, 1, 2, 3, 4, 5, 100])
def test_the_last_lines_are_found_from_the_end(slot: Slot, lines: int) -> None:
    slot.begin("w", 0.5)
    slot.write("one\ntwo\n", 1.0)
    slot.cut()
    slot.write("three\nfour\n", 2.0)
    reader = slot.reader()
    reader.skip_to_last(lines)

    entries = list(reader.entries())

    assert texts(entries) == ["one", "two", "three", "four"][max(0, 4 - lines) :]
    assert {entry.worker for entry in entries if entry.text} <= {"w"}


def test_from_a_moment_on(slot: Slot) -> None:
    for number in range(5):
        slot.write(f"{number}\n", 10.0 * number)
    reader = slot.reader()
    reader.skip_to(25.0)

    assert texts(list(reader.entries())) == ["3", "4"]


def test_slots_are_merged_by_time(files: OutputFiles) -> None:
    slots = [Slot(files, number) for number in range(2)]
    slots[0].write("a\n", 1.0)
    slots[1].write("b\n", 2.0)
    slots[0].write("c\nd\n", 3.0)
    slots[1].write("e\n", 4.0)

    assert texts(list(merged(slot.reader().entries() for slot in slots))) == ["a", "b", "c", "d", "e"]


def test_without_an_index_there_are_lines_without_times(files: OutputFiles) -> None:
    fd = files.open(0).fd
    os.write(fd, b"old\n")

    (entry,) = SlotReader(files, 0).entries()

    assert (entry.text, entry.time, entry.worker) == ("old", None, None)


@pytest.mark.parametrize("line", [b"", b"nonsense", b"{}", b'{"at":"x","time":1}', b'{"base":-', b"[1]", b"\xff\xfe"])
def test_an_index_line_without_sense_is_passed_over(slot: Slot, line: bytes) -> None:
    with open(index.path_of(slot.files.path(0)), "ab") as file:
        file.write(line + b"\n")
    slot.write("one\n", 1.0)

    assert texts(list(slot.reader().entries())) == ["one"]


def test_a_line_without_end_does_not_fill_the_memory(slot: Slot) -> None:
    slot.write(b"x" * 3 * LINE_BYTES)

    lengths = [len(text) for text in texts(list(slot.reader().entries()))]

    assert sum(lengths) > LINE_BYTES
    assert max(lengths) <= LINE_BYTES + 64 * 1024
