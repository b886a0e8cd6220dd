"""Workers' output: read back in bounds, harmless to a terminal, and cut back while it is written."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autohealer.processes.output import OutputFiles, printable


@pytest.fixture
def files(tmp_path: Path) -> OutputFiles:
    return OutputFiles(tmp_path, 1000)


def write(files: OutputFiles, slot: int, text: str | bytes) -> Path:
    path = Path(files.path(slot))
    with path.open("ab") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    return path


def test_each_slot_has_a_file(files: OutputFiles, tmp_path: Path) -> None:
    assert files.path(3) == str(tmp_path / "slot-3.log")


def test_the_last_lines(files: OutputFiles) -> None:
    write(files, 0, "one\ntwo\n\nthree\nunended")

    assert files.tail(0, 3) == ["", "three", "unended"]
    assert files.tail(0, 100) == ["one", "two", "", "three", "unended"]
    assert files.tail(0, 0) == []
    assert files.tail(9, 10) == []


def test_only_what_the_last_worker_wrote(files: OutputFiles) -> None:
    write(files, 0, "old\n")
    begin = files.size(0)
    assert files.tail(0, 10, begin) == []
    path = write(files, 0, "new\n")
    assert files.tail(0, 10, begin) == ["new"]

    os.truncate(path, 0)
    write(files, 0, "x\n")

    assert files.tail(0, 10, begin) == ["x"]
    assert files.size(8) == 0


def test_a_tail_is_bounded(files: OutputFiles) -> None:
    write(files, 0, "x" * 1_000_000 + "\n" + "short\n" * 3)

    assert files.tail(0, 10) == ["short"] * 3
    write(files, 1, "x" * 1_000_000)
    assert sum(map(len, files.tail(1, 10))) <= 64 * 1024


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;unended title", ""),
        ("\x1b]0;unended\nnext", "\nnext"),
        ("\x1bPq#1\x1b\\after", "after"),
        ("\x9b31mc1", "c1"),
        ("a\rb\x08c\x00d\x7f", "abcd"),
        ("\x1bcreset", "reset"),
        ("\x1b(Bset", "set"),
        ("evil\u202egnp.exe", "evilgnp.exe"),
        ("ä€😀", "ä€😀"),
        ("\x1b", ""),
        ("\x1b[", ""),
    ],
)
def test_nothing_that_a_terminal_obeys_is_shown(text: str, expected: str) -> None:
    assert printable(text) == expected


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\x1b\x9b[]P;m\x07\\ \n"))))
def test_no_control_character_gets_through(text: str) -> None:
    shown = printable(text)

    assert all(char in "\n\t" or not (ord(char) < 32 or 127 <= ord(char) < 160) for char in shown)
    assert printable(shown) == shown


def test_bytes_that_are_no_text(files: OutputFiles) -> None:
    write(files, 0, b"\xff\xfe\x1b[31mred\n")

    assert files.tail(0, 1) == ["��red"]


def test_a_long_file_is_cut_while_it_is_written(files: OutputFiles, tmp_path: Path) -> None:
    path = tmp_path / "slot-0.log"
    writer = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(writer, b"a" * 600 + b"b" * 999 + b"\n")
    write(files, 1, "short\n")

    assert files.trim() == []
    os.write(writer, b"after\n")
    os.close(writer)

    assert path.read_text() == "after\n"
    older = tmp_path / "slot-0.log.1"
    assert older.read_text() == "b" * 999 + "\n"
    assert older.stat().st_mode & 0o777 == 0o600
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["slot-0.log", "slot-0.log.1", "slot-1.log"]

    write(files, 0, "c" * 1001)
    assert files.trim() == []
    assert older.read_text() == "c" * 1000


def test_on_a_full_disk_room_is_made(files: OutputFiles, tmp_path: Path) -> None:
    path = write(files, 0, "x" * 5000)
    (tmp_path / "slot-0.log.1").write_text("older")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        failed = files.trim()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert [error.errno for error in failed] == [errno.EFBIG]
    assert path.stat().st_size == 0
    assert (tmp_path / "slot-0.log.1").read_text() == "older"
    assert not (tmp_path / "slot-0.log.1.new").exists()


def test_what_is_no_plain_file_is_left_alone(files: OutputFiles, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("x" * 5000)
    (tmp_path / "slot-0.log").symlink_to(victim)

    assert files.trim() == []
    assert files.tail(0, 5) == []
    assert victim.stat().st_size == 5000


def test_a_missing_directory_is_told(tmp_path: Path) -> None:
    (error,) = OutputFiles(tmp_path / "missing", 10).trim()

    assert error.errno == errno.ENOENT
