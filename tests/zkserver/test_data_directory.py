"""The folder of a journal: who holds it, and what is noted and kept in it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from autohealer.zkserver import JournalError
from autohealer.zkserver.data_directory import _RESERVE, DataDirectory


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some" / "data"


@pytest.fixture
def held(path: Path) -> Iterator[DataDirectory]:
    with closing(DataDirectory(path)) as directory:
        yield directory


def test_it_is_made_for_its_owner_alone_and_held_by_one(held: DataDirectory, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o700
    with pytest.raises(JournalError, match="is in use by another server"):
        DataDirectory(path)

    held.close()
    held.close()
    DataDirectory(path).close()


def test_a_link_is_not_followed(path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(path.parent)

    with pytest.raises(OSError, match="a link is not followed here"):
        DataDirectory(path)


def test_the_epoch_is_noted_for_the_next_one(held: DataDirectory, path: Path) -> None:
    assert held.epoch() == 0
    assert held.note_epoch(7)
    held.close()

    with closing(DataDirectory(path)) as next_one:
        assert next_one.epoch() == 7


def test_a_note_that_was_not_written_whole_is_none(held: DataDirectory, path: Path) -> None:
    held.note_epoch(7)
    lock = path / "journal.lock"
    lock.write_bytes(b"\0\0\0\0\0\0\0\x08" + lock.read_bytes()[8:])

    assert held.epoch() == 0


def test_a_note_that_finds_no_room_is_said(held: DataDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(os, "pwrite", full)

    assert not held.note_epoch(7)


def test_what_was_taken_away_is_taken_again(held: DataDirectory, path: Path) -> None:
    assert not held.retake()
    path.rename(path.with_name("elsewhere"))
    assert not held.is_ours

    assert held.retake()

    assert held.is_ours
    with pytest.raises(JournalError):
        DataDirectory(path)
    DataDirectory(path.with_name("elsewhere")).close()


def test_the_reserve_has_its_room_on_the_disk_until_it_is_used(held: DataDirectory, path: Path) -> None:
    held.keep_reserve()
    assert (path / "journal.reserve").stat().st_blocks * 512 >= _RESERVE

    held.use_reserve()
    held.use_reserve()

    assert not (path / "journal.reserve").exists()


def test_where_there_is_no_room_nothing_is_left_of_a_reserve(
    held: DataDirectory, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(os, "posix_fallocate", full)
    held.keep_reserve()

    assert not (path / "journal.reserve").exists()


def test_its_names_can_be_made_sure_of(held: DataDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    held.sync()

    assert len(synced) == 1
