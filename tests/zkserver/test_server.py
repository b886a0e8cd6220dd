"""The server with its sockets, its thread and its files."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autohealer.zkserver import JournalError, ZooKeeperServer
from autohealer.zkserver.engine import Engine
from autohealer.zkserver.four_letter import WORDS
from autohealer.zkserver.journal import Journal
from tests.zkserver.wire import Event, Reply, Wire, boolean, buffer, create, integer, string

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


def word(server: ZooKeeperServer, asked: bytes) -> str:
    with socket.create_connection((server.host, server.port), timeout=10) as connection:
        connection.sendall(asked)
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


@contextlib.contextmanager
def session(hosts: str, timeout_ms: int = 10_000) -> Iterator[Wire]:
    with Wire(hosts, timeout_ms=timeout_ms) as wire:
        yield wire.connect()


class TestStartAndStop:
    """In a thread of the process that wants it."""

    def test_it_listens_when_start_returns(self) -> None:
        """And `hosts` is what clients need."""
        server = ZooKeeperServer()
        server.start()

        with session(server.hosts) as wire:
            assert wire.session_id
        server.stop()

    def test_start_and_stop_twice_are_as_good_as_once(self) -> None:
        """Both may be called again."""
        server = ZooKeeperServer()
        server.start()
        port = server.port
        server.start()
        assert server.port == port
        server.stop()
        server.stop()

    def test_stop_ends_connections_and_thread(self) -> None:
        """Nothing is left of it."""
        with ZooKeeperServer() as server, session(server.hosts) as wire:
            server.stop()

            assert wire.is_closed()
            assert not [thread for thread in threading.enumerate() if thread.name.startswith("zookeeper-")]

    def test_port_that_is_taken_is_an_error(self) -> None:
        """And the journal is free again afterwards."""
        with ZooKeeperServer() as server, pytest.raises(OSError, match="in use"):
            ZooKeeperServer(port=server.port).start()

    def test_damaged_journal_is_an_error_that_frees_the_port(self, tmp_path: Path) -> None:
        """Before anything is served."""
        (tmp_path / "journal").write_text("not a journal")
        with ZooKeeperServer() as other:
            port = other.port

        with pytest.raises(JournalError, match="is damaged"):
            ZooKeeperServer(port=port, data_dir=tmp_path).start()

        with ZooKeeperServer(port=port):
            pass

    def test_beyond_loopback_there_is_a_warning(self, caplog: pytest.LogCaptureFixture) -> None:
        """Whoever reaches it may do as he likes."""
        with caplog.at_level(logging.WARNING), ZooKeeperServer(host="0.0.0.0"):  # noqa: S104
            assert "beyond loopback" in caplog.text

    def test_on_loopback_there_is_none(self, caplog: pytest.LogCaptureFixture) -> None:
        """The usual thing needs no words."""
        with caplog.at_level(logging.DEBUG), ZooKeeperServer():
            assert caplog.text == ""

    def test_serve_forever_ends_by_stop(self) -> None:
        """A signal handler of a standalone process calls it."""
        server = ZooKeeperServer()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        deadline = time.monotonic() + 10
        while not server.port:
            assert time.monotonic() < deadline
        with session(server.hosts) as wire:
            assert wire.session_id

        server.stop()
        thread.join(10)

        assert not thread.is_alive()


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
        """All is written anew within a second or so."""
        monkeypatch.setattr("autohealer.zkserver.journal._RETRY_S", 0.05)
        write = Journal._write
        with ZooKeeperServer(data_dir=tmp_path) as server, session(server.hosts) as wire:
            monkeypatch.setattr(Journal, "_write", _no_room)
            for number in range(20):
                assert wire.ask(1, create(f"/{number}")).error == 0
            _wait_for(lambda: "No space left" in caplog.text)
            monkeypatch.setattr(Journal, "_write", write)
            _wait_for(lambda: "all is on disk again" in caplog.text)
            assert wire.ask(1, create("/after")).error == 0
        with ZooKeeperServer(data_dir=tmp_path) as server, session(server.hosts) as wire:
            for path in ("/0", "/19", "/after"):
                assert wire.ask(3, string(path) + boolean(False)).error == 0


def _no_room(_journal: Journal, _file: int, _data: bytes) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class TestBadCompany:
    """Some clients are strange, and the others are not to notice."""

    def test_half_a_frame_keeps_nobody_waiting(self, zookeeper: ZooKeeperServer) -> None:
        """Neither others nor, once the rest has come, itself."""
        with session(zookeeper.hosts) as slow, session(zookeeper.hosts) as other:
            slow.socket.sendall(integer(100) + b"x" * 50)
            assert other.ask(1, create("/a")).error == 0
            slow.socket.sendall(b"x" * 50)
            assert slow.is_closed() is False  # it is answered: an unknown operation

    def test_one_that_never_reads_is_not_served_for_ever(self, zookeeper: ZooKeeperServer) -> None:
        """Its requests wait; the others' do not; when it reads, it gets all that it asked for."""
        with session(zookeeper.hosts) as lazy, session(zookeeper.hosts) as other:
            lazy.ask(1, create("/big", b"x" * 900_000))
            request = string("/big") + boolean(False)
            for _ in range(60):
                lazy.send(4, request)
            assert other.ask(1, create("/a")).error == 0
            with session(zookeeper.hosts) as looker:
                assert looker.ask(3, string("/a") + boolean(False)).error == 0

            sizes = {len(reply.body) for reply in (lazy.receive() for _ in range(60)) if not isinstance(reply, Event)}

            assert sizes == {4 + 900_000 + 68}

    def test_flood_of_connections(self, zookeeper: ZooKeeperServer) -> None:
        """Hundreds that say nothing do not keep out the next one."""
        silent = [Wire(zookeeper.hosts) for _ in range(300)]

        with session(zookeeper.hosts) as wire:
            assert wire.session_id
        for wire in silent:
            wire.socket.close()

    def test_more_connections_than_descriptors_allow_are_closed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The process around needs some for itself."""
        monkeypatch.setattr("autohealer.zkserver.server._max_connections", lambda: 3)
        with ZooKeeperServer() as server, contextlib.ExitStack() as stack:
            wires = [stack.enter_context(session(server.hosts)) for _ in range(3)]
            assert stack.enter_context(Wire(server.hosts)).is_closed()
            wires[0].ask(-11)
            assert wires[0].is_closed()
            assert stack.enter_context(session(server.hosts)).session_id

    def test_out_of_descriptors_it_waits_for_some(
        self, zookeeper: ZooKeeperServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Who is connected is served on; who comes gets in when there is room again."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with session(zookeeper.hosts) as old, contextlib.ExitStack() as stack:
            waiting = [socket.socket() for _ in range(3)]
            for one in waiting:
                stack.callback(one.close)
            lowest_free = os.dup(0)
            os.close(lowest_free)
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free + 1, hard))
            try:
                for one in waiting:
                    one.connect((zookeeper.host, zookeeper.port))
                while "no more connections for now" not in caplog.text:
                    assert old.ask(1, create("/n-", flags=2)).error == 0
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for one in waiting:
                one.sendall(b"ruok")
                assert one.recv(4) == b"imok"

    def test_connection_without_a_session_is_closed_in_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whether it says nothing or only half of something."""
        monkeypatch.setattr("autohealer.zkserver.loop._PATIENCE_S", 0.1)
        with ZooKeeperServer() as server, Wire(server.hosts) as silent, Wire(server.hosts) as halting:
            halting.socket.sendall(b"\0\0")
            with session(server.hosts) as good:
                assert silent.is_closed()
                assert halting.is_closed()
                assert good.ask(1, create("/a")).error == 0

    def test_reset_in_the_middle_of_anything(self, zookeeper: ZooKeeperServer) -> None:
        """Connections that vanish with answers on their way."""
        for size in range(30):
            with session(zookeeper.hosts) as wire:
                for _ in range(size):
                    wire.send(8, string("/") + boolean(True))
                wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        with session(zookeeper.hosts) as wire:
            assert wire.ask(1, create("/a")).error == 0

    def test_error_of_our_own_ends_one_connection_and_is_logged(
        self, zookeeper: ZooKeeperServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A fault of the server is one client's trouble, not everybody's."""

        def fault(*_: object) -> bytes:
            raise RuntimeError("a fault")

        with session(zookeeper.hosts) as unlucky, session(zookeeper.hosts) as other:
            monkeypatch.setitem(__import__("autohealer.zkserver.writes").zkserver.writes.WRITES, 13, fault)
            unlucky.send(13)

            assert unlucky.is_closed()
            assert other.ask(1, create("/a")).error == 0
        assert "a fault" in caplog.text

    def test_error_of_our_own_elsewhere_does_not_end_the_server(
        self, zookeeper: ZooKeeperServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It says so and goes on."""
        tick = Engine.tick

        def fail_once(_engine: Engine, _now: float) -> None:
            monkeypatch.setattr(Engine, "tick", tick)
            raise RuntimeError("a fault")

        with session(zookeeper.hosts, timeout_ms=400) as expiring, session(zookeeper.hosts) as other:
            monkeypatch.setattr(Engine, "tick", fail_once)
            assert expiring.is_closed()
            assert "a fault" in caplog.text
            assert other.ask(1, create("/a")).error == 0


class TestExpiry:
    """In real time."""

    def test_expired_connection_is_just_closed(self, zookeeper: ZooKeeperServer) -> None:
        """Nothing is sent to it."""
        with session(zookeeper.hosts, timeout_ms=400) as wire:
            start = time.monotonic()
            assert wire.is_closed()
            assert 0.39 < time.monotonic() - start < 1.5

    def test_thousand_ephemerals_go_at_once(self, zookeeper: ZooKeeperServer) -> None:
        """And whoever watches is told soon."""
        with session(zookeeper.hosts) as owner, session(zookeeper.hosts) as watcher:
            for number in range(1000):
                owner.send(1, create(f"/e{number}", flags=1))
            for _ in range(1000):
                owner.receive()
            watcher.ask(8, string("/") + boolean(True))

            owner.ask(-11)

            assert watcher.receive() == Event(4, "/")
            assert watcher.ask(8, string("/") + boolean(False)).body == integer(1) + string("zookeeper")


class TestFourLetterWords:
    """What operators type."""

    @pytest.mark.parametrize("asked", sorted(WORDS))
    def test_every_word_is_answered_and_closed(self, zookeeper: ZooKeeperServer, asked: bytes) -> None:
        """With a session, a watch and an ephemeral node to tell of; bytes behind the word do not matter."""
        with session(zookeeper.hosts) as wire:
            wire.ask(1, create("/e", flags=1))
            wire.ask(3, string("/watched") + boolean(True))
            expected = {
                b"ruok": "imok",
                b"isro": "rw",
                b"srvr": "Mode: standalone",
                b"stat": "Clients:",
                b"mntr": "zk_ephemerals_count\t1",
                b"conf": f"clientPort={zookeeper.port}",
                b"cons": f"sid=0x{wire.session_id:x}",
                b"dump": "/e",
                b"envi": "zookeeper.version=3.8.0",
                b"wchs": "1 connections watching 1 paths",
                b"wchc": "\t/watched",
                b"wchp": f"\t0x{wire.session_id:x}",
                b"srst": "Server stats reset.",
                b"crst": "Connection stats reset.",
            }

            assert expected[asked] in word(zookeeper, asked + b"\n")

    def test_unknown_word_is_closed(self, zookeeper: ZooKeeperServer) -> None:
        """It is the length of a frame that is too long."""
        assert word(zookeeper, b"nope") == ""
