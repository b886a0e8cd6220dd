"""The server with its sockets, its thread and its files."""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import select
import socket
import threading
import time
from pathlib import Path

import pytest

from autohealer.zkserver import JournalError, ZooKeeperServer
from autohealer.zkserver.engine import Engine
from autohealer.zkserver.four_letter import WORDS
from tests.support.processes import eventually
from tests.zkserver.wire import ClosedError, Event, Wire, boolean, buffer, create, integer, multi, session, string


def word(server: ZooKeeperServer, asked: bytes) -> str:
    with socket.create_connection((server.host, server.port), timeout=10) as connection:
        connection.sendall(asked)
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


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

    def test_loop_that_has_ended_may_be_told_to_end(self) -> None:
        """By a signal that comes late."""
        server = ZooKeeperServer()
        server.start()
        loop = server._loop
        assert loop is not None
        server.stop()

        loop.stop()

        with server, session(server.hosts) as wire:
            assert wire.session_id

    def test_stop_ends_connections_and_thread(self) -> None:
        """Nothing is left of it."""
        with ZooKeeperServer() as server, session(server.hosts) as wire:
            server.stop()

            assert wire.is_closed()
            assert f"zookeeper-{server.port}" not in {thread.name for thread in threading.enumerate()}

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
        with caplog.at_level(logging.WARNING), ZooKeeperServer(host="0.0.0.0"):  # noqa: S104 - it is warned of
            assert "beyond loopback" in caplog.text

    def test_on_loopback_there_is_none(self, caplog: pytest.LogCaptureFixture) -> None:
        """The usual thing needs no words."""
        with caplog.at_level(logging.DEBUG), ZooKeeperServer():
            assert caplog.text == ""

    def test_it_serves_ipv6_as_well(self) -> None:
        """Where there is none on this machine there is nothing to see."""
        server = ZooKeeperServer("::1")
        try:
            server.start()
        except OSError:
            pytest.skip("no IPv6 here")
        with socket.create_connection(("::1", server.port), timeout=10) as client:
            client.sendall(b"ruok")
            assert client.recv(4) == b"imok"
        server.stop()

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

    def test_limits_are_said(
        self, zookeeper: ZooKeeperServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Whose connection was closed, and for which of them; a client that only talks nonsense is not worth a line."""
        monkeypatch.setattr("autohealer.zkserver.watches.MAX_WATCHES", 3)
        monkeypatch.setattr("autohealer.zkserver.auth.MAX_IDENTITIES", 3)
        monkeypatch.setattr("autohealer.zkserver.reads.MAX_REPLY", 1000)
        monkeypatch.setattr("autohealer.zkserver.connection.MAX_UNREAD", 500_000)
        with session(zookeeper.hosts) as wire:
            wire.ask(1, create("/a", b"x" * 900))
            wire.ask(1, create("/big", b"x" * 600_000))
        get, big = (4, string("/a") + boolean(False)), string("/big") + boolean(False)
        offences = {
            "more than 3 watches": [(3, string(f"/{number}") + boolean(True)) for number in range(4)],
            "more than 3 identities": [(100, integer(0) + string("digest") + buffer(b"%d:x" % n)) for n in range(4)],
            "a multiRead of more than 1000 bytes": [(22, multi([get, get]))],
            "a request of 1,048,588 bytes": [(1, bytes(1_048_580))],
            "answers and events are waiting for it, and it does not read": [(4, big)],
            "": [(99, b"")],
        }
        for said, requests in offences.items():
            caplog.clear()
            with session(zookeeper.hosts) as wire:
                for kind, body in requests:
                    wire.send(kind, body)
                while True:
                    try:
                        wire.receive()
                    except ClosedError:
                        break
                number = wire.session_id
            if said:
                eventually(lambda: bool(caplog.records))
                assert f"session 0x{number:x}: " in caplog.text
                assert said in caplog.text
            assert len(caplog.records) == (1 if said else 0)

    @pytest.mark.parametrize("pings", [True, False])
    def test_slow_reader_keeps_its_session(self, zookeeper: ZooKeeperServer, pings: bool) -> None:
        """It pings while it reads, or reads for so long that its pings are not reached: it is there."""
        with session(zookeeper.hosts) as other, session(zookeeper.hosts, timeout_ms=1000) as slow:
            slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            other.ask(1, create("/big", b"x" * 1_000_000))
            slow.ask(1, create("/mine", flags=1))
            # more than the sockets' buffers take
            for _ in range(12):
                slow.send(4, string("/big") + boolean(False))
            if not pings:
                slow.send(4, string("/big") + boolean(False) + bytes(1_000_000))
                slow.send(4, string("/big") + boolean(False) + bytes(200_000))
            ends = time.monotonic() + 3.0
            while time.monotonic() < ends:
                if pings:
                    slow.send(11, xid=-2)
                    assert not select.select([other.socket], [], [], 0.2)[0]
                else:
                    assert len(slow.socket.recv(20_000))
                    assert not select.select([other.socket], [], [], 0.02)[0]
                assert other.ask(3, string("/mine") + boolean(False)).error == 0

    def test_dead_reader_loses_its_session(self, zookeeper: ZooKeeperServer) -> None:
        """One that neither reads nor sends has its answers waiting for it, and that is no sign of life."""
        with session(zookeeper.hosts) as other, session(zookeeper.hosts, timeout_ms=1000) as dead:
            other.ask(1, create("/big", b"x" * 1_000_000))
            dead.ask(1, create("/mine", flags=1))
            for _ in range(12):
                dead.send(4, string("/big") + boolean(False))

            eventually(lambda: other.ask(3, string("/mine") + boolean(False)).error == -101)

    def test_flood_of_connections(self, zookeeper: ZooKeeperServer) -> None:
        """Hundreds that say nothing do not keep out the next one."""
        silent = [Wire(zookeeper.hosts) for _ in range(300)]

        with session(zookeeper.hosts) as wire:
            assert wire.session_id
        for wire in silent:
            wire.socket.close()

    def test_more_connections_than_descriptors_allow_are_closed(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The process around needs some for itself. It is said, once, and counted."""
        monkeypatch.setattr("autohealer.zkserver.server._max_connections", lambda: 3)
        with ZooKeeperServer() as server, contextlib.ExitStack() as stack:
            wires = [stack.enter_context(session(server.hosts)) for _ in range(3)]
            assert stack.enter_context(Wire(server.hosts)).is_closed()
            assert stack.enter_context(Wire(server.hosts)).is_closed()
            assert [record.getMessage() for record in caplog.records] == [
                "connections are refused: there are 3, and the limit of open files allows no more (ulimit -n)"
            ]
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
                b"dirs": "datadir_size: 0",
                b"srst": "Server stats reset.",
                b"crst": "Connection stats reset.",
            }

            assert expected[asked] in word(zookeeper, asked + b"\n")

    def test_unknown_word_is_closed(self, zookeeper: ZooKeeperServer) -> None:
        """It is the length of a frame that is too long."""
        assert word(zookeeper, b"nope") == ""
