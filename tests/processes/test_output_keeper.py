"""Output files are marked and cut back when they are written, in bounds and for nobody else's harm."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from autohealer.processes.output import index
from autohealer.processes.output import keeper as keeping
from autohealer.processes.output.cut import cut
from autohealer.processes.output.files import OutputFiles
from autohealer.processes.output.keeper import Keeper
from tests.support.processes import eventually

LIMIT = 100_000


class Pool:
    """A keeper, and workers that write into its files."""

    def __init__(self, directory: Path) -> None:
        self.files = OutputFiles(directory, LIMIT)
        self.said: list[str] = []
        self.keeper = Keeper(self.files, self.said.append)
        self._fds: list[int] = []

    def start(self, slot: int, worker: str = "w-0-a", pid: int = 11, *, writes: bytes = b"") -> int:
        began = time.time()
        opened = self.files.open(slot)
        self._fds.append(opened.fd)
        if writes:
            os.write(opened.fd, writes)
            until_noted(self, (opened.size or 0) + len(writes), slot)
        self.keeper.began(slot, worker, pid, opened.size, began)
        self.keeper.settle()
        return opened.fd

    def index(self, slot: int = 0) -> index.Index:
        return index.read(self.files.path(slot))

    def size(self, slot: int = 0) -> int:
        return Path(self.files.path(slot)).stat().st_size

    def on_disk(self) -> int:
        total = 0
        for entry in Path(self.files.directory).iterdir():
            with suppress(FileNotFoundError):  # it is being put in the place of another
                total += entry.stat().st_size
        return total

    def close(self) -> None:
        self.keeper.close()
        for fd in self._fds:
            os.close(fd)


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    pool = Pool(tmp_path)
    yield pool
    pool.close()


def until_noted(pool: Pool, at: int, slot: int = 0) -> None:
    eventually(lambda: any(mark.at >= at for mark in pool.index(slot).marks))


def test_a_burst_is_cut_back_while_it_lasts(pool: Pool) -> None:
    """A hundred times the limit, written at once by one that was quiet before."""
    fd = pool.start(0)
    until_noted(pool, 0)
    most = 0
    for _ in range(1000):
        os.write(fd, b"x" * 9_999 + b"\n")
        eventually(lambda: pool.size() <= LIMIT + 10_000)
        most = max(most, pool.on_disk())

    assert most <= 10 * LIMIT
    eventually(lambda: Path(pool.files.older(0)).stat().st_size == LIMIT)
    assert Path(pool.files.older(0)).stat().st_mode & 0o777 == 0o600
    assert pool.said == []


def test_the_end_of_what_was_cut_goes_to_the_older_file_with_its_times(pool: Pool) -> None:
    fd = pool.start(0)
    os.write(fd, b"a" * 60_000 + b"b" * 60_000)
    eventually(lambda: pool.size() == 0)
    os.write(fd, b"after")
    eventually(lambda: pool.size() == 5)
    until_noted(pool, 120_005)

    assert Path(pool.files.older(0)).read_bytes() == b"a" * 40_000 + b"b" * 60_000
    older, present = index.read(pool.files.older(0)), pool.index()
    assert older.head is not None
    assert present.head is not None
    assert (older.head.base, present.head.base) == (20_000, 120_000)
    assert present.head.generation == older.head.generation + 1
    assert [mark.worker for mark in older.marks if mark.is_begin] == ["w-0-a"]
    assert [mark.worker for mark in present.marks if mark.is_begin] == ["w-0-a"]
    until_noted(pool, 120_005)


def test_lives_are_noted_where_they_begin_and_end(pool: Pool) -> None:
    os.write(pool.start(0, "first", 11), b"one\n")
    until_noted(pool, 4)
    pool.keeper.ended(0, "first", "exit 3")
    os.write(pool.start(0, "second", 12), b"two\n")

    until_noted(pool, 8)
    eventually(lambda: sum(mark.worker is not None for mark in pool.index().marks) == 3)
    lives = [(mark.at, mark.worker, mark.pid, mark.exit) for mark in pool.index().marks if mark.worker]
    assert lives == [(0, "first", 11, None), (4, "first", None, "exit 3"), (4, "second", 12, None)]


def test_no_line_is_older_than_its_life(pool: Pool) -> None:
    """Also of a worker whose first lines are seen before the keeper has been told of it."""
    os.write(pool.start(0, "first", 11), b"one\n")
    until_noted(pool, 4)
    pool.start(0, "second", 12, writes=b"two\n")
    eventually(lambda: any(mark.worker == "second" for mark in pool.index().marks))

    begin = next(mark for mark in pool.index().marks if mark.worker == "second")
    written = next(mark for mark in pool.index().marks if mark.at == 8)
    assert begin.at == 4
    assert begin.time <= written.time


def test_the_last_lines_are_noted_once_nothing_more_comes(pool: Pool) -> None:
    fd = pool.start(0)
    for number in range(5):
        os.write(fd, b"line\n")
        until_noted(pool, 5 * number + 1)
    until_noted(pool, 25)


def test_a_program_that_empties_its_output_loses_no_count(pool: Pool) -> None:
    """`echo x > /dev/stderr` does, where that is a file."""
    fd = pool.start(0)
    os.write(fd, b"long line\n")
    until_noted(pool, 10)
    os.truncate(pool.files.path(0), 0)
    os.write(fd, b"x\n")

    until_noted(pool, 12)
    head = pool.index().head
    assert head is not None
    assert head.base == 10


def test_a_file_in_its_place_is_not_cut(pool: Pool, tmp_path: Path) -> None:
    os.write(pool.start(0), b"begun\n")
    until_noted(pool, 6)
    path = Path(pool.files.path(0))
    path.rename(tmp_path / "elsewhere")
    path.write_bytes(b"d" * 5 * LIMIT)

    eventually(lambda: any("replaced" in said for said in pool.said))
    assert path.stat().st_size == 5 * LIMIT
    assert not Path(pool.files.older(0)).exists()


def test_a_link_in_its_place_is_not_followed(pool: Pool, tmp_path: Path) -> None:
    fd = pool.start(0)
    os.write(fd, b"begun\n")
    until_noted(pool, 6)
    victim, path = tmp_path / "victim", Path(pool.files.path(0))
    victim.write_bytes(b"d" * 5 * LIMIT)
    path.unlink()
    path.symlink_to(victim)
    os.write(pool.start(1), b"wakes the keeper\n")

    eventually(lambda: any("replaced" in said for said in pool.said))
    assert victim.stat().st_size == 5 * LIMIT


def test_a_removed_file_is_told(pool: Pool) -> None:
    os.write(pool.start(0), b"begun\n")
    until_noted(pool, 6)
    Path(pool.files.path(0)).unlink()
    os.write(pool.start(1), b"wakes the keeper\n")

    eventually(lambda: any("removed" in said for said in pool.said))


def test_the_files_of_a_former_agent_are_cut_too(tmp_path: Path) -> None:
    """Its workers go on writing to them, and nobody opens them anew."""
    before = Pool(tmp_path)
    fd = before.start(0)
    os.write(fd, b"begun\n")
    until_noted(before, 6)
    before.keeper.close()
    os.write(fd, b"x" * (LIMIT + 1))

    after = Pool(tmp_path)
    try:
        os.write(fd, b"y")
        eventually(lambda: after.size() <= 1)
        eventually(lambda: (head := after.index().head) and head.base + after.size() == LIMIT + 8)
    finally:
        after.close()
        os.close(fd)


def test_on_a_full_disk_room_is_made(tmp_path: Path) -> None:
    files = OutputFiles(tmp_path, LIMIT)
    opened = files.open(0)
    os.write(opened.fd, b"x" * 2 * LIMIT)
    Path(files.older(0)).write_text("older")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            cut(files, 0, 0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert os.fstat(opened.fd).st_size == 0
    assert Path(files.older(0)).read_text() == "older"
    assert not Path(f"{files.older(0)}.new").exists()
    os.close(opened.fd)


def test_an_index_does_not_grow_for_ever(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MOST_INDEX_BYTES", 1000)
    monkeypatch.setattr(keeping, "MARK_S", 0.0)
    fd = pool.start(0)
    for number in range(100):
        os.write(fd, b"line\n")
        until_noted(pool, 5 * number + 1)

    assert Path(index.path_of(pool.files.path(0))).stat().st_size < 1200
    assert [mark.worker for mark in pool.index().marks if mark.worker] == ["w-0-a"]


def test_without_inotify_it_is_looked_at_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(keeping, "Inotify", none)
    monkeypatch.setattr(keeping, "WITHOUT_INOTIFY_S", 0.05)
    pool = Pool(tmp_path)
    try:
        os.write(pool.start(0), b"x" * (LIMIT + 1))
        eventually(lambda: pool.size() == 0)
        assert "inotify" in pool.said[0]
    finally:
        pool.close()
