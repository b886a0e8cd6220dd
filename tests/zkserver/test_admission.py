"""Whose a connection is, and who is served. Other users are made by root alone: elsewhere they are skipped."""

from __future__ import annotations

import errno
import logging
import os
import socket
import struct
from collections.abc import Iterator
from typing import IO

import pytest

from autohealer.zkserver import ZooKeeperServer, peer_user
from autohealer.zkserver.admission import Admission
from autohealer.zkserver.peer_user import PeerUsers
from tests.support.strangers import ANOTHER, STRANGER, client_of, needs_root
from tests.zkserver.wire import ClosedError, Wire, session


@pytest.fixture(params=["sock_diag", "proc"])
def peers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[PeerUsers]:
    """Both ways of asking the kernel."""
    if request.param == "proc":
        monkeypatch.setattr(peer_user, "_open_netlink", lambda: None)
    users = PeerUsers()
    yield users
    users.close()


class TestPeerUsers:
    """What the kernel says."""

    def test_own_connections_are_ours(self, peers: PeerUsers) -> None:
        """From both ends."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            client = socket.create_connection(listener.getsockname())
            accepted, address = listener.accept()
            with client, accepted:
                assert peers.user_of(address, accepted.getsockname()) == os.geteuid()
                assert peers.user_of(accepted.getsockname(), address) == os.geteuid()

    @pytest.mark.parametrize("end", ["close", "shutdown"])
    def test_connection_that_was_ended_is_nobodys(self, peers: PeerUsers, end: str) -> None:
        """The kernel would show it as root's: nobody may pass for root by being quick."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            client = socket.create_connection(listener.getsockname())
            accepted, address = listener.accept()
            with accepted, client:
                if end == "close":
                    client.close()
                else:
                    client.shutdown(socket.SHUT_WR)
                assert accepted.recv(1) == b""

                assert peers.user_of(address, accepted.getsockname()) is None

    def test_no_such_connection_is_nobodys(self, peers: PeerUsers) -> None:
        """A listening socket is none either."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            assert peers.user_of(listener.getsockname(), ("127.0.0.1", 1)) is None
            assert peers.user_of(("127.0.0.1", 1), listener.getsockname()) is None

    def test_socket_of_ipv6_is_found(self, peers: PeerUsers) -> None:
        """Java's clients have such."""
        with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_INET6) as client:
            client.connect(("::ffff:127.0.0.1", listener.getsockname()[1]))
            accepted, address = listener.accept()
            with accepted:
                assert peers.user_of(address, accepted.getsockname()) == os.geteuid()

    def test_kernel_that_does_not_answer_is_asked_by_proc(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A sandbox may let us open the socket, and no more."""

        def refuse(*_: object) -> int:
            raise PermissionError

        monkeypatch.setattr(PeerUsers, "_ask", refuse)
        users = PeerUsers()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            client = socket.create_connection(listener.getsockname())
            accepted, address = listener.accept()
            with client, accepted:
                assert users.user_of(address, accepted.getsockname()) == os.geteuid()
        users.close()

    def test_kernel_without_such_questions_is_asked_by_proc(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nor need it have IPv6."""

        def without_ipv6(path: str, **how: str) -> IO[str]:
            if path.endswith("tcp6"):
                raise FileNotFoundError(path)
            return open(path, **how)  # type: ignore[call-overload,no-any-return]  # passed on as it is

        monkeypatch.setattr(peer_user, "_NETLINK_SOCK_DIAG", 9999)
        monkeypatch.setattr(peer_user, "open", without_ipv6, raising=False)
        users = PeerUsers()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            client = socket.create_connection(listener.getsockname())
            accepted, address = listener.accept()
            with client, accepted:
                assert users.user_of(address, accepted.getsockname()) == os.geteuid()
            assert users.user_of(("127.0.0.1", 1), listener.getsockname()) is None

    def test_late_answer_is_of_another_question_and_a_refusal_is_final(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Then the kernel is not asked in that way again."""
        ours, kernel = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        ours.settimeout(10)
        monkeypatch.setattr(peer_user, "_open_netlink", lambda: ours)
        for sequence, code in ((0, errno.ENOENT), (1, errno.EPERM)):
            kernel.send(struct.pack("=IHHIIi", 20, 2, 0, sequence, 0, -code))
        users = PeerUsers()
        with kernel, socket.create_server(("127.0.0.1", 0)) as listener:
            client = socket.create_connection(listener.getsockname())
            accepted, address = listener.accept()
            with client, accepted:
                assert users.user_of(address, accepted.getsockname()) == os.geteuid()
        assert ours.fileno() == -1


class TestAdmission:
    """Who is let in, with a kernel that says what it is told to."""

    @pytest.fixture
    def admission(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Admission, list[int], list[int]]]:
        others: list[int] = []
        looks: list[int] = []

        def look() -> list[int]:
            looks.append(1)
            return others

        monkeypatch.setattr(PeerUsers, "user_of", lambda _self, peer, _own: None if peer[1] < 0 else peer[1])
        admission = Admission(look)
        yield admission, others, looks
        admission.close()

    def test_own_user_and_root_come_in_without_a_look(self, admission: tuple[Admission, list[int], list[int]]) -> None:
        """What is looked up costs time."""
        gate, _, looks = admission
        for user in (0, os.geteuid()):
            assert gate.admits(("127.0.0.1", user), ("", 0), 0.0) == (True, "")
        assert not looks

    def test_stranger_is_named_once_a_minute(self, admission: tuple[Admission, list[int], list[int]]) -> None:
        """He could fill the log; and he makes us look once a second at most."""
        gate, _, looks = admission
        said = [gate.admits(("127.0.0.1", STRANGER), ("", 0), now / 10)[1] for now in range(1000)]

        assert [index for index, line in enumerate(said) if line] == [0, 600]
        assert f"user {STRANGER}" in said[0]
        assert len(looks) == 100

    def test_notes_of_strangers_do_not_pile_up(self, admission: tuple[Admission, list[int], list[int]]) -> None:
        """User ids are cheap: of a thousand each is said once, and then it begins anew."""
        gate, _, _ = admission
        said = [gate.admits(("127.0.0.1", 10_000 + n), ("", 0), 0.0)[1] for n in range(1500)]

        assert all(said)
        assert len(gate._note_at) <= 1000

    def test_users_of_workers_come_in_for_as_long_as_there_are_such(
        self, admission: tuple[Admission, list[int], list[int]]
    ) -> None:
        """Looked up when somebody comes."""
        gate, others, _ = admission
        assert not gate.admits(("127.0.0.1", STRANGER), ("", 0), 0.0)[0]
        others.append(STRANGER)
        assert not gate.admits(("127.0.0.1", STRANGER), ("", 0), 0.5)[0]
        assert gate.admits(("127.0.0.1", STRANGER), ("", 0), 1.0)[0]
        others.clear()
        assert not gate.admits(("127.0.0.1", STRANGER), ("", 0), 2.0)[0]

    def test_ended_connection_is_not_served_and_not_worth_a_line(
        self, admission: tuple[Admission, list[int], list[int]]
    ) -> None:
        """Port scanners do that."""
        assert admission[0].admits(("127.0.0.1", -1), ("", 0), 0.0) == (False, "")


class TestServer:
    """The server that is told whom to serve."""

    def test_own_user_is_served(self) -> None:
        """As ever."""
        with ZooKeeperServer(users=set[int]) as server, session(server.hosts) as wire:
            assert wire.session_id

    def test_beyond_loopback_it_cannot_be_known(self) -> None:
        """So it cannot be asked for."""
        with pytest.raises(ValueError, match="loopback"):
            ZooKeeperServer(host="0.0.0.0", users=set[int])  # noqa: S104 - it is refused

    @needs_root
    @pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
    def test_stranger_is_closed_before_it_has_a_session(self, caplog: pytest.LogCaptureFixture, family: int) -> None:
        """With a line in the log; others are served."""
        users: set[int] = {ANOTHER}
        with ZooKeeperServer(users=lambda: users) as server, caplog.at_level(logging.WARNING):
            with client_of(server.port, STRANGER, family=family) as said:
                assert said == "closed"
            with client_of(server.port, ANOTHER, family=family) as said:
                assert said == "served"
            assert f"user {STRANGER} was closed" in caplog.text
            with session(server.hosts) as wire:
                assert b"zk_global_sessions\t2" in _word(server.hosts, b"mntr")
                assert b"zk_connection_rejected\t1" in _word(server.hosts, b"mntr")
                assert wire.session_id

    @needs_root
    def test_stranger_who_is_gone_at_once_has_changed_nothing(self) -> None:
        """It sends all that it wants, and closes before it can be asked for."""
        with ZooKeeperServer(users=set[int]) as server, session(server.hosts) as wire:
            for _ in range(20):
                with client_of(server.port, STRANGER, hurried=True):
                    pass
            assert wire.ask(3, b"\0\0\0\2/x\0").error == -101

    @needs_root
    def test_everybody_is_served_where_nobody_is_named(self, zookeeper: ZooKeeperServer) -> None:
        """As `zk serve` does."""
        with client_of(zookeeper.port, STRANGER) as said:
            assert said == "served"

    def test_failing_look_keeps_strangers_out_and_the_server_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever goes wrong in the caller's code."""

        def broken() -> set[int]:
            raise OSError("no /proc")

        monkeypatch.setattr(PeerUsers, "user_of", lambda *_: STRANGER)
        with ZooKeeperServer(users=broken) as server:
            with pytest.raises(ClosedError), Wire(server.hosts) as wire:
                wire.connect()
            monkeypatch.setattr(PeerUsers, "user_of", lambda *_: os.geteuid())
            with session(server.hosts) as wire:
                assert wire.session_id


def _word(hosts: str, asked: bytes) -> bytes:
    host, _, port = hosts.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(asked)
        return b"".join(iter(lambda: connection.recv(65536), b""))
