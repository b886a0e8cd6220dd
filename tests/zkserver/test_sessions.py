"""How sessions end, on a clock that is turned by hand."""

from __future__ import annotations

import pytest

from tests.zkserver.machine import FIRST_ZXID, Machine
from tests.zkserver.wire import Event, Reply, boolean, create, string

CREATE, DELETE, EXISTS, SET, CHILDREN, PING, CLOSE = 1, 2, 3, 5, 8, 11, -11
DELETED, CHILD = 2, 4


def watch(path: str) -> bytes:
    return string(path) + boolean(True)


class TestSessions:
    """How sessions end."""

    @pytest.mark.parametrize("timeout_ms", [400, 1000, 2000, 60_000])
    def test_silent_session_expires_within_a_bucket_of_its_timeout(self, machine: Machine, timeout_ms: int) -> None:
        """Not before its time, and at most 200 ms after it."""
        peer = machine.peer(timeout_ms=timeout_ms)

        machine.sleep(timeout_ms / 1000 - 0.001)
        assert not peer.is_closed
        machine.sleep(0.202)
        assert peer.is_closed
        assert peer.take() == b""

    def test_pings_keep_a_session(self, machine: Machine) -> None:
        """As does anything else that is sent."""
        peer = machine.peer(timeout_ms=1000)

        for _ in range(20):
            machine.sleep(0.9)
            assert peer.ask(PING, xid=-2) == Reply(-2, FIRST_ZXID + 1, 0, b"")

    def test_broken_connection_is_no_sign_of_death(self, machine: Machine) -> None:
        """The session has its whole timeout to come back."""
        peer = machine.peer(timeout_ms=1000)
        machine.engine.disconnect(peer.connection)

        machine.sleep(0.9)

        assert machine.peer(session_id=peer.session_id, password=peer.password).session_id == peer.session_id

    def test_shorter_timeout_on_return_holds(self, machine: Machine) -> None:
        """A client that comes back asks anew."""
        first = machine.peer(timeout_ms=60_000)
        second = machine.peer(session_id=first.session_id, password=first.password, timeout_ms=1000)

        machine.sleep(1.3)

        assert second.is_closed

    def test_ephemerals_go_with_their_session(self, machine: Machine) -> None:
        """In one transaction, each with its events, before the reply to the close."""
        closing, watcher = machine.peer(), machine.peer()
        for name in ("/a", "/b"):
            closing.ask(CREATE, create(name, flags=1))
            watcher.ask(EXISTS, watch(name))
        watcher.ask(CHILDREN, watch("/"))

        reply = closing.ask(CLOSE)

        assert closing.is_closed
        assert watcher.messages() == [Event(DELETED, "/a"), Event(CHILD, "/"), Event(DELETED, "/b")]
        assert watcher.ask(PING).zxid == reply.zxid
