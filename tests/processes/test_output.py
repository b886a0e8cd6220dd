"""Workers' output: read back in bounds, harmless to a terminal, and cut back while it is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autohealer.processes.output import OutputFiles, printable
from autohealer.processes.output.text import coloured, last_state


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
    opened = files.open(0)
    os.close(opened.fd)
    assert files.tail(0, 10, opened.size) == []
    path = write(files, 0, "new\n")
    assert files.tail(0, 10, opened.size) == ["new"]

    os.truncate(path, 0)
    write(files, 0, "x\n")

    assert files.tail(0, 10, opened.size) == ["x"]


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[1;31mred", "\x1b[1;31mred\x1b[0m"),
        ("\x1b[2Jgone\x1b]0;title\x07", "gone"),
        ("plain", "plain"),
    ],
)
def test_colours_may_stay_and_end_with_the_text(text: str, expected: str) -> None:
    assert coloured(text) == expected


@pytest.mark.parametrize(
    ("line", "expected"), [("10%\r20%\r30%", "30%"), ("done\r", "done"), ("10%\rdone\r", "done"), ("", ""), ("\r", "")]
)
def test_a_progress_bar_is_shown_as_it_was_last(line: str, expected: str) -> None:
    assert last_state(line) == expected


def test_a_new_file_is_private_and_appended_to(files: OutputFiles) -> None:
    opened = files.open(0)
    os.write(opened.fd, b"one\n")
    os.close(opened.fd)
    again = files.open(0)
    os.write(again.fd, b"two\n")
    assert os.get_blocking(again.fd)
    os.close(again.fd)

    assert (opened.size, again.size) == (0, 4)
    assert files.tail(0, 9) == ["one", "two"]
    assert Path(files.path(0)).stat().st_mode & 0o777 == 0o600


def test_a_directory_that_was_removed_is_made_again(tmp_path: Path) -> None:
    files = OutputFiles(tmp_path / "missing", 1000)
    os.close(files.open(0).fd)

    assert (tmp_path / "missing").stat().st_mode & 0o777 == 0o700
    assert files.slots() == [0]


@pytest.mark.parametrize("strange", ["link", "dangling link", "fifo", "fifo with a reader", "directory", "hard link"])
def test_what_was_put_in_the_place_of_a_file_is_not_written_to(
    files: OutputFiles, tmp_path: Path, strange: str
) -> None:
    victim, path = tmp_path / "victim", Path(files.path(0))
    victim.write_text("precious")
    reader = None
    match strange:
        case "link":
            path.symlink_to(victim)
        case "dangling link":
            path.symlink_to(tmp_path / "new")
        case "directory":
            path.mkdir()
        case "hard link":
            path.hardlink_to(victim)
        case _:
            os.mkfifo(path)
            reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK) if "reader" in strange else None

    with pytest.raises(OSError, match="remove it"):
        files.open(0)

    assert victim.read_text() == "precious"
    assert not (tmp_path / "new").exists()
    if reader is not None:
        os.close(reader)


def test_another_file_in_its_place_is_neither_written_to_nor_ours(files: OutputFiles, tmp_path: Path) -> None:
    os.close(files.open(0).fd)
    path = Path(files.path(0))
    path.rename(tmp_path / "moved away")
    path.write_text("somebody's data")

    assert not files.is_ours(0, path.stat())
    with pytest.raises(OSError, match="remove it"):
        files.open(0)

    path.write_text("")
    os.close(files.open(0).fd)
    assert files.is_ours(0, path.stat())
