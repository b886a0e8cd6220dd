"""One life of the server after the other, on one directory; and a disk that is full."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autohealer.zkserver import ZooKeeperServer
from autohealer.zkserver.record_file import RecordFile
from autohealer.zkserver.server import _first_zxid, _latest
from tests.support.processes import eventually
from tests.zkserver.wire import Event, Reply, Wire, boolean, buffer, create, integer, session, string

#: What a process of its own runs.
PROGRAM = """
import pathlib, sys
from autohealer.zkserver import ZooKeeperServer
server = ZooKeeperServer(port=int(sys.argv[1]), data_dir=pathlib.Path(sys.argv[2]))
server.start()
print(server.port, flush=True)
sys.stdin.read()
"""


class Process:
    """A server in a process of its own."""

    def __init__(self, directory: Path, port: int = 0) -> None:
        command = [sys.executable, "-c", PROGRAM, str(port), str(directory)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.hosts = f"127.0.0.1:{self.port}"

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()


class TestLives:
    """One server after the other."""

    def test_everything_survives_a_kill(self, tmp_path: Path) -> None:
        """Tree, sessions, ephemerals; on the same port, with a later zxid."""
        first = Process(tmp_path)
        with session(first.hosts) as owner:
            zxid = owner.ask(1, create("/kept", b"data")).zxid
            owner.ask(1, create("/e", flags=1))
            first.kill()
            assert owner.is_closed()

        second = Process(tmp_path, first.port)
        with Wire(second.hosts, session_id=owner.session_id, password=owner.password, zxid=zxid) as back:
            back.connect()
            assert back.session_id == owner.session_id
            assert back.ask(4, string("/kept") + boolean(False)).body.startswith(buffer(b"data"))
            exists = back.ask(3, string("/e") + boolean(False))
            assert exists.error == 0
            assert exists.zxid >> 32 == (zxid >> 32) + 1
            back.ask(-11)
            assert back.is_closed()
        with session(second.hosts) as other:
            assert other.ask(3, string("/e") + boolean(False)).error == -101
        second.kill()

    def test_what_was_answered_survives_a_kill_at_any_moment(self, tmp_path: Path) -> None:
        """In the midst of a stream of writes, life after life."""
        answered = 0
        for life in range(4):
            server = Process(tmp_path)
            with session(server.hosts) as wire:
                wire.ask(1, create("/n"))
                for _ in range(300 + 50 * life):
                    wire.send(1, create("/n/s-", flags=2))
                for _ in range(100 + 60 * life):
                    reply = wire.receive()
                    assert isinstance(reply, Reply)
                    answered = max(answered, int(reply.body[-10:]))
                server.kill()
        with ZooKeeperServer(data_dir=tmp_path) as last, session(last.hosts) as wire:
            listed = wire.ask(8, string("/n") + boolean(False)).body
            for number in range(answered + 1):
                assert f"s-{number:010d}".encode() in listed

    def test_session_that_nobody_takes_up_expires_in_the_next_life(self, tmp_path: Path) -> None:
        """After its whole timeout."""
        with ZooKeeperServer(data_dir=tmp_path) as server, session(server.hosts, timeout_ms=400) as wire:
            wire.ask(1, create("/e", flags=1))
        with ZooKeeperServer(data_dir=tmp_path) as server, session(server.hosts) as watcher:
            assert watcher.ask(3, string("/e") + boolean(True)).error == 0

            assert watcher.receive() == Event(2, "/e")

    def test_life_without_a_journal_begins_above_all_former_ones(self) -> None:
        """Old clients are told that their session is no more, instead of being turned away for ever."""
        with ZooKeeperServer() as server, session(server.hosts) as wire:
            zxid = wire.ask(1, create("/a")).zxid
        for _ in range(3):
            server.start()
            with Wire(server.hosts, session_id=wire.session_id, password=wire.password, zxid=zxid) as back:
                back.connect()
                assert (back.session_id, back.granted_ms) == (0, 0)
            with session(server.hosts) as other:
                later = other.ask(1, create("/a")).zxid
                assert later >> 32 > zxid >> 32
                zxid = later
            server.stop()

    def test_first_zxid_is_short_and_grows_with_the_clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Lives that know of no former one are apart by their clock, and people can read their epochs."""
        now = [1_800_000_000 * 10**9]
        monkeypatch.setattr("autohealer.zkserver.server.time.time_ns", lambda: now[0])

        def begin(seconds: float) -> int:
            monkeypatch.setitem(_latest, "zxid", 0)  # a process of its own
            now[0] += int(seconds * 10**9)
            return _first_zxid(0)

        pauses = [0.001, 0.01, 1, 59, 599, 600, 601, 86_400]
        begun = [begin(seconds) for seconds in (0, *pauses)]

        # a life that writes all the time, faster than any can, is overtaken by the next one
        assert all(
            after - before > 1_000_000 * s for before, after, s in zip(begun[:-1], begun[1:], pauses, strict=True)
        )
        assert max(begun) < 2**53
        # not before the year 2038, and no day after
        now[0] = 2**31 * 10**9
        assert begin(-1) < begin(1) < begin(1) < 2**53

    @pytest.mark.parametrize("clock_s", [-(10**9), 0, 1_700_000_000])
    def test_clock_of_the_past_gives_a_zxid_all_the_same(self, monkeypatch: pytest.MonkeyPatch, clock_s: int) -> None:
        """A board without a battery begins in 1970; low, and above a server that never wrote anything."""
        monkeypatch.setattr("autohealer.zkserver.server.time.time_ns", lambda: clock_s * 10**9)
        monkeypatch.setitem(_latest, "zxid", 0)

        assert _first_zxid(0) == 1 << 32
        assert _first_zxid(0) == 2 << 32

    @pytest.mark.parametrize("last", [1, 47_000, 1_796_000_000])
    def test_life_that_knows_of_a_former_one_begins_at_the_next_high_word(self, last: int) -> None:
        """Also where that one's began at the clock's seconds, as they once did."""
        assert _first_zxid(last) == last + 1 << 32

    def test_journal_is_written_anew_while_it_serves(self, tmp_path: Path) -> None:
        """What is stale does not fill the disk."""
        with ZooKeeperServer(data_dir=tmp_path) as server, session(server.hosts) as wire:
            wire.ask(1, create("/a"))
            sizes = set()
            for _ in range(40):
                wire.ask(5, string("/a") + buffer(b"x" * 100_000) + integer(-1))
                sizes.add((tmp_path / "journal").stat().st_size)
        assert max(sizes) < 2_000_000
        with ZooKeeperServer(data_dir=tmp_path) as server, session(server.hosts) as wire:
            assert len(wire.ask(4, string("/a") + boolean(False)).body) == 4 + 100_000 + 68

    def test_synced_journal(self, tmp_path: Path) -> None:
        """The same, for those who want each write on the disk."""
        with ZooKeeperServer(data_dir=tmp_path, fsync=True) as server, session(server.hosts) as wire:
            assert wire.ask(1, create("/a")).error == 0
        with ZooKeeperServer(data_dir=tmp_path, fsync=True) as server, session(server.hosts) as wire:
            assert wire.ask(3, string("/a") + boolean(False)).error == 0


class TestFullDisk:
    """What a server does whose journal cannot be written."""

    def test_it_goes_on_and_loses_nothing_when_there_is_room_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """What was missed is written within a second or so."""
        monkeypatch.setattr("autohealer.zkserver.journal._RETRY_S", 0.05)
        write = RecordFile._write
        with ZooKeeperServer(data_dir=tmp_path) as server, session(server.hosts) as wire:
            monkeypatch.setattr(RecordFile, "_write", _no_room)
            for number in range(20):
                assert wire.ask(1, create(f"/{number}")).error == 0
            eventually(lambda: "No space left" in caplog.text)
            monkeypatch.setattr(RecordFile, "_write", write)
            eventually(lambda: "all is on disk again" in caplog.text)
            assert wire.ask(1, create("/after")).error == 0
        with ZooKeeperServer(data_dir=tmp_path) as server, session(server.hosts) as wire:
            for path in ("/0", "/19", "/after"):
                assert wire.ask(3, string(path) + boolean(False)).error == 0


def _no_room(_file: RecordFile, _data: bytes) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")
