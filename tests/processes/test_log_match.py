"""The line that says that a worker is ready."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from autohealer.errors import UsageError
from autohealer.processes.log_match import LogMatch, compile_pattern


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A slot's file, with the output of a former life."""
    path = tmp_path / "slot-0.log"
    path.write_bytes(b"ready\n")
    return path


def write(path: Path, data: bytes) -> None:
    """As a worker does."""
    with path.open("ab") as file:
        file.write(data)


def test_only_this_life_counts(log: Path) -> None:
    """What the former one wrote stands before the offset."""
    match = LogMatch(compile_pattern("ready"), str(log), log.stat().st_size)
    assert not match.look()
    write(log, b"starting\nlistening, ready\n")

    assert match.look()


def test_a_line_may_come_in_pieces(log: Path) -> None:
    """It counts once it is whole."""
    match = LogMatch(compile_pattern("^server is ready$"), str(log), 0)
    for piece in (b"server ", b"is ", b"ready"):
        write(log, piece)
        assert not match.look()
    write(log, b"\n")

    assert match.look()


def test_a_look_is_bounded(log: Path) -> None:
    """A burst is gone through in several looks, and long lines by their beginning."""
    match = LogMatch(compile_pattern("ready now"), str(log), 0)
    write(log, b"x" * 1000 * 1000 + b"\nready now\n")
    looks = 1
    while not match.look():
        looks += 1

    assert looks == 16


def test_a_file_that_was_cut_back_is_read_from_its_beginning(log: Path) -> None:
    """What is left of it is this life's."""
    write(log, b"x" * 100)
    match = LogMatch(compile_pattern("ready"), str(log), 106)
    assert not match.look()
    log.write_bytes(b"")
    match.look()
    write(log, b"ready\n")

    assert match.look()


def test_no_file_yet(tmp_path: Path) -> None:
    """Then there is no line yet."""
    assert not LogMatch(compile_pattern("x"), str(tmp_path / "none"), 0).look()


@pytest.mark.parametrize(
    "text", [r"(a+)+$", r"(a*)*", r"(?:x+y?)*z", r"(a|aa)+", r"((ab)*c)*", r"(.*,){5,20}x", r"(a+){2,}", r"(?=(a+)+)b"]
)
def test_what_can_take_for_ever_is_refused(text: str) -> None:
    """Before it is run on anything."""
    with pytest.raises(UsageError, match="for ever"):
        compile_pattern(text)


@pytest.mark.parametrize("text", ["(", "[", "*x", "(?P<"])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    """As one line."""
    with pytest.raises(UsageError, match="no regular expression"):
        compile_pattern(text)


@pytest.mark.parametrize(
    "text", [r"listening on .*:\d+", "ready|started", r"(abc){3}", r"[a-z]+ in \d+(\.\d+)? s", "ü"]
)
def test_what_people_write_is_taken(text: str) -> None:
    """Quick on a line of nothing special."""
    pattern = compile_pattern(text)
    began = time.process_time()
    pattern.search(b"a1." * 700)

    assert time.process_time() - began < 1
