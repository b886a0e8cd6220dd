"""The journal: what comes back in the next life, and what damage does."""

from __future__ import annotations

import errno
import itertools
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autohealer.errors import AutohealerError
from autohealer.zkserver import JournalError
from autohealer.zkserver.entries import (
    State,
    keys_of,
    write_closed,
    write_epoch,
    write_everything,
    write_gone,
    write_node,
    write_session,
)
from autohealer.zkserver.journal import Journal
from autohealer.zkserver.jute import MALFORMED
from autohealer.zkserver.tree import Node
from tests.zkserver.journals import OPEN_ACL, Batches, batches, life
from tests.zkserver.machine import Machine
from tests.zkserver.wire import buffer, create, integer, long, multi, string


class TestLives:
    """One life after the other."""

    def test_nodes_and_epochs_come_back(self, written: Path) -> None:
        """In the order of lives, the last one holds."""
        second = life(written, write_gone("/n0"), epoch=7)
        third = life(written)

        assert (sorted(second.nodes), second.epoch) == ([f"/n{number}" for number in range(5)], 1)
        assert (sorted(third.nodes), third.epoch) == ([f"/n{number}" for number in range(1, 5)], 7)

    def test_sessions_come_back(self, tmp_path: Path) -> None:
        """With password and timeout, unless they were closed."""
        life(tmp_path, write_session(1, 400, b"one"), write_session(2, 500, b"two"), write_closed(1))

        assert life(tmp_path).sessions == {2: (500, b"two")}

    def test_files_are_the_owners_alone(self, written: Path) -> None:
        """Passwords of sessions are in them."""
        assert {path.name: path.stat().st_mode & 0o777 for path in written.iterdir()} == {
            "journal": 0o600,
            "journal.lock": 0o600,
            "journal.reserve": 0o600,
        }

    def test_two_servers_cannot_share_it(self, written: Path) -> None:
        """The second is told who is in its way, and what to do."""
        first = Journal(written)

        with pytest.raises(JournalError, match="in use by another server") as raised:
            Journal(written)

        assert raised.value.hint
        first.close()
        Journal(written).close()


class TestDamage:
    """Torn tails are cut off, anything else is an error."""

    def test_every_torn_tail_is_tolerated(self, written: Path, caplog: pytest.LogCaptureFixture) -> None:
        """Wherever the process was killed in its last write, all that was whole before is there."""
        journal = written / "journal"
        whole = journal.read_bytes()
        life(written, *batches(6)[5:])
        longer = journal.read_bytes()
        # the epoch of the second life is a record of its own
        epoch_end = len(longer) - (len(longer) - len(whole)) + 12 + 5

        for end in range(epoch_end, len(longer)):
            journal.write_bytes(longer[:end])
            caplog.clear()
            state = life(written)

            assert len(state.nodes) == 5
            assert bool(caplog.records) is (end > epoch_end)

    def test_what_follows_a_torn_tail_is_kept(self, written: Path) -> None:
        """The tail is cut off for good: the next record does not come behind its remains."""
        journal = written / "journal"
        journal.write_bytes(journal.read_bytes()[:-3])

        life(written, write_node("/after", Node(b"", OPEN_ACL, 0, 9, 0)))

        assert sorted(life(written).nodes) == ["/after", "/n0", "/n1", "/n2", "/n3"]

    def test_promised_blocks_that_never_came_are_a_torn_tail(self, written: Path) -> None:
        """Zeros at the end are what a power cut leaves."""
        with (written / "journal").open("ab") as file:
            file.write(bytes(5000))

        assert len(life(written).nodes) == 5

    def test_any_flipped_byte_is_an_error(self, written: Path) -> None:
        """Never a silent loss; the error names the file and the remedy."""
        journal = written / "journal"
        whole = journal.read_bytes()
        for at in range(len(whole)):
            journal.write_bytes(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :])

            with pytest.raises(JournalError, match="is damaged") as raised:
                life(written)

            assert str(journal) in str(raised.value)
            assert "mv " in raised.value.hint
        assert isinstance(raised.value, AutohealerError)

    @pytest.mark.parametrize("foreign", [b"#!/bin/sh\n", b"x", b'{"a": 1}' * 100])
    def test_other_files_are_not_taken_for_journals(self, tmp_path: Path, foreign: bytes) -> None:
        """They are not overwritten either."""
        (tmp_path / "journal").write_bytes(foreign)

        with pytest.raises(JournalError):
            life(tmp_path)

        assert (tmp_path / "journal").read_bytes() == foreign

    @settings(max_examples=200)
    @given(data=st.binary(max_size=200))
    def test_entries_of_any_bytes_are_read_or_refused(self, data: bytes) -> None:
        """Nothing else comes of them than the errors that the journal knows."""
        state = State()
        try:
            state.apply(data)
        except MALFORMED:
            return
        assert state is not None


class TestCompaction:
    """Written anew while changes go on."""

    def test_stale_entries_go(self, tmp_path: Path) -> None:
        """The same node, set again and again, is there once."""
        machine = Machine()
        journal = Journal(tmp_path)
        journal.load()
        journal.open(machine.engine, 1, 0.0)
        peer = machine.peer()
        peer.ask(1, create("/a"))
        journal.append(bytes(machine.journal), 0.0)

        while not journal.is_busy:
            machine.journal.clear()
            peer.ask(5, string("/a") + buffer(b"x" * 10_000) + integer(-1))
            journal.append(bytes(machine.journal), 0.0)
            journal.work(0.0)
        before = (tmp_path / "journal").stat().st_size
        while journal.is_busy:
            journal.work(0.0)
        journal.close()

        assert (tmp_path / "journal").stat().st_size < before / 50
        assert not (tmp_path / "journal.new").exists()
        state = life(tmp_path)
        assert state.nodes["/a"].data == b"x" * 10_000
        assert list(state.sessions) == [peer.session_id]

    @settings(max_examples=60)
    @given(
        before=st.lists(st.integers(0, 11), max_size=30),
        during=st.lists(st.lists(st.integers(0, 11), max_size=4), min_size=1, max_size=12),
    )
    def test_copy_made_while_changes_go_on_is_the_same(self, before: list[int], during: list[list[int]]) -> None:
        """However pieces and changes follow each other, what is read is what is."""
        machine = Machine()
        peer = machine.peer(timeout_ms=60_000)
        for number in range(8):
            peer.ask(1, create(f"/{number}", b"x" * 9000))
        actions = _actions(machine)
        for number in before:
            actions[number]()
        pieces = write_everything(machine.engine.tree, machine.engine.sessions.by_id.values(), 1)
        copied = State()

        for numbers in during:
            machine.journal.clear()
            for number in numbers:
                actions[number]()
            copied.apply(bytes(machine.journal))
            copied.apply(next(pieces, b""))
        for piece in pieces:
            copied.apply(piece)

        assert _picture(Machine(copied)) == _picture(machine)

    def test_crash_in_the_middle_leaves_the_old_journal(self, written: Path) -> None:
        """The new file counts only once it is whole."""
        whole = (written / "journal").read_bytes()
        (written / "journal.new").write_bytes(whole[:-3])

        assert len(life(written).nodes) == 5


class Disk:
    """Stands before ``os.write`` and ``os.ftruncate``, as a disk that is full, broken or read-only."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.error: int | None = None
        self.room = 0  # bytes that still go in before the error comes
        self.truncates = True
        self._write, self._ftruncate = os.write, os.ftruncate
        monkeypatch.setattr(os, "write", self.write)
        monkeypatch.setattr(os, "ftruncate", self.ftruncate)

    def write(self, file: int, data: bytes) -> int:
        if self.error is None or file <= 2:
            return self._write(file, data)
        if not self.room:
            raise OSError(self.error, os.strerror(self.error))
        taken, self.room = min(self.room, len(data)), max(0, self.room - len(data))
        return self._write(file, data[:taken])

    def ftruncate(self, file: int, size: int) -> None:
        if not self.truncates:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._ftruncate(file, size)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


class TestFailures:
    """The server goes on, and the journal catches up as soon as it can."""

    @pytest.mark.parametrize(
        "case",
        [
            *itertools.product([errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT], [0, 1, 15], [True]),
            (errno.EIO, 15, False),
        ],
    )
    def test_what_was_missed_is_written_when_it_clears(
        self, tmp_path: Path, disk: Disk, caplog: pytest.LogCaptureFixture, case: tuple[int, int, bool]
    ) -> None:
        """From the last good record on: what came after it, and no torn record between."""
        first, second, third, fourth = batches(4)
        journal = Journal(tmp_path)
        journal.load()
        contents = Batches()
        journal.open(contents, 1, 0.0)
        contents.written = [first, second, third, fourth]
        journal.append(first, 0.0)
        disk.error, disk.room, disk.truncates = case
        journal.append(second, 0.0)
        journal.append(third, 0.0)
        assert journal.retry_at() == 1.0
        journal.work(1.0)
        assert journal.retry_at() == 2.0
        disk.error, disk.truncates = None, True

        journal.work(2.0)
        assert journal.retry_at() is None
        journal.append(fourth, 2.0)
        journal.close()

        assert sorted(life(tmp_path).nodes) == ["/n0", "/n1", "/n2", "/n3"]
        assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]

    @settings(max_examples=60)
    @given(before=st.lists(st.integers(0, 11), max_size=20), missed=st.lists(st.integers(0, 11), max_size=20))
    def test_what_catches_up_is_what_is(self, before: list[int], missed: list[int]) -> None:
        """Whatever was missed, of nodes and of sessions: one record about these makes the copy right again."""
        machine = Machine()
        peer = machine.peer(timeout_ms=60_000)
        for number in range(8):
            peer.ask(1, create(f"/{number}"))
        actions = _actions(machine)
        for number in before:
            actions[number]()
        copied = State()
        for piece in machine.engine.everything():
            copied.apply(piece)
        machine.journal.clear()
        for number in missed:
            actions[number]()

        copied.apply(machine.engine.current(keys_of(write_epoch(7) + bytes(machine.journal))))

        assert _picture(Machine(copied)) == _picture(machine)

    def test_no_more_room_is_needed_than_what_has_changed(self, tmp_path: Path, disk: Disk) -> None:
        """A disk that has no room for the journal a second time still has room for a small change."""
        journal = Journal(tmp_path)
        journal.load()
        big = write_node("/big", Node(b"x" * 100_000, OPEN_ACL, 0, 1, 0))
        small, later = batches(2)
        contents = Batches(big, small, later)
        journal.open(contents, 1, 0.0)
        disk.error = errno.ENOSPC
        journal.append(small, 0.0)
        disk.room = 200

        journal.work(1.0)
        assert journal.retry_at() is None
        disk.error = None
        journal.append(later, 1.0)
        journal.close()

        assert sorted(life(tmp_path).nodes) == ["/big", "/n0", "/n1"]

    def test_file_that_cannot_be_appended_to_is_written_anew(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A bad block under the old file does not hinder a new one."""
        journal = Journal(tmp_path)
        journal.load()
        first, second = batches(2)
        contents = Batches(first, second)
        journal.open(contents, 1, 0.0)
        bad = (tmp_path / "journal").stat().st_ino
        write = os.write

        def broken(file: int, data: bytes) -> int:
            if os.fstat(file).st_ino == bad:
                raise OSError(errno.EIO, "Input/output error")
            return write(file, data)

        monkeypatch.setattr(os, "write", broken)
        journal.append(second, 0.0)
        now = 0.0
        while journal.retry_at() is not None or journal.is_busy:
            now += 1.0
            journal.work(now)
            assert now < 100
        journal.close()

        assert sorted(life(tmp_path).nodes) == ["/n0", "/n1"]

    def test_no_room_for_the_very_first_bytes_is_an_error(self, tmp_path: Path, disk: Disk) -> None:
        """A server that cannot keep what it was told to keep does not start."""
        journal = Journal(tmp_path)
        journal.load()
        disk.error = errno.ENOSPC

        with pytest.raises(OSError, match="No space left"):
            journal.open(Batches(), 1, 0.0)

        journal.close()

    def test_life_begins_on_a_full_disk_above_the_former_one(self, written: Path, disk: Disk) -> None:
        """Its epoch finds room where the former one's was, and the next life knows of it."""
        disk.error = errno.ENOSPC
        for epoch in (2, 3, 4):
            assert life(written, epoch=epoch).epoch == epoch - 1
        disk.error = None

        state = life(written, epoch=5)

        assert (state.epoch, len(state.nodes)) == (4, 5)

    def test_epoch_that_is_noted_nowhere_keeps_a_life_from_beginning(
        self, written: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its clients might be locked out of the next one."""

        def full(_file: int, _data: bytes, _at: int) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        disk.error = errno.ENOSPC
        monkeypatch.setattr(os, "pwrite", full)

        with pytest.raises(OSError, match="No space left"):
            life(written)


def _actions(machine: Machine) -> list[Callable[[], object]]:
    """Changes of every kind, most of which are possible at any time."""
    peer = machine.peer(timeout_ms=60_000)
    names = iter(range(1_000_000))
    opened = [machine.peer(timeout_ms=60_000)]

    def reopen() -> None:
        opened[0].ask(1, create(f"/e{next(names)}", flags=1))
        opened[0].ask(-11)
        opened[0] = machine.peer(timeout_ms=60_000)

    return [
        lambda: peer.ask(1, create("/0/s-", flags=2)),
        lambda: peer.ask(1, create("/1/s-", b"y" * 9000, flags=3)),
        lambda: peer.ask(2, string("/7") + integer(-1)),
        lambda: peer.ask(1, create("/7", b"again")),
        lambda: peer.ask(5, string("/3") + buffer(b"z" * 5000) + integer(-1)),
        lambda: peer.ask(5, string("/") + buffer(b"root") + integer(-1)),
        lambda: peer.ask(7, string("/4") + integer(1) + integer(1) + string("world") + string("anyone") + integer(-1)),
        lambda: peer.ask(19, create(f"/c{next(names)}", flags=4)),
        lambda: peer.ask(21, create(f"/t{next(names)}", flags=5) + long(1 << 30)),
        lambda: peer.ask(14, multi([(2, string("/6") + integer(-1)), (1, create("/6")), (1, create("/6/x"))])),
        lambda: peer.ask(2, string("/6/x") + integer(-1)),
        reopen,
    ]


def _picture(machine: Machine) -> object:
    """Everything that clients could see, and who owns what."""
    tree = machine.engine.tree
    nodes = {}
    for path, node in tree.nodes.items():
        fields = {name: getattr(node, name) for name in Node.__slots__ if name != "children"}
        nodes[path] = fields, sorted(node.children or ())
    sessions = {number: (s.timeout_ms, s.password) for number, s in machine.engine.sessions.by_id.items()}
    ephemerals = {owner: sorted(paths) for owner, paths in tree.ephemerals.items()}
    return nodes, sessions, ephemerals, sorted(tree.transient)


def due(directory: Path) -> Journal:
    """A journal that is to be written anew the next time it works."""
    journal = Journal(directory)
    journal.load()
    big = write_node("/big", Node(bytes(2**20), OPEN_ACL, 0, 1, 0))
    journal.open(Batches(big), 1, 0.0)
    for _ in range(4):
        journal.append(big, 0.0)
    return journal


def room_only_for(path: Path) -> Callable[[int, bytes], int]:
    """``os.write`` on a disk that is full, but for what goes to the file that is at this path now."""
    good, write = path.stat().st_ino, os.write

    def full(file: int, data: bytes) -> int:
        if os.fstat(file).st_ino != good:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data)

    return full


class TestAnew:
    """Writing it anew fails, too."""

    def test_old_journal_serves_on_where_a_new_one_cannot_be_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is said, tried again without hurry, and no change is lost meanwhile."""
        journal, last = due(tmp_path), batches(1)[0]
        before = journal.size
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", room_only_for(tmp_path / "journal"))
            journal.work(1.0)
            while journal.is_busy:
                journal.work(1.0)
            journal.append(last, 1.0)
            journal.work(2.0)
        assert "journal.new could not be written: No space left" in caplog.text
        assert journal.retry_at() is None
        assert journal.size > before
        journal.close()
        journal.close()

        assert sorted(life(tmp_path).nodes) == ["/big", "/n0"]

    def test_change_that_finds_no_room_in_the_new_file_stays_in_the_old_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Half a new file is dropped."""
        journal, last = due(tmp_path), batches(1)[0]
        journal.work(1.0)
        assert journal.is_busy
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", room_only_for(tmp_path / "journal"))
            journal.append(last, 1.0)
        assert not journal.is_busy
        assert not (tmp_path / "journal.new").exists()
        journal.close()

        assert sorted(life(tmp_path).nodes) == ["/big", "/n0"]
