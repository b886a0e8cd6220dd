"""How sessions end, and nodes that end by themselves, on a clock that is turned by hand."""

from __future__ import annotations

import pytest

from tests.zkserver.machine import FIRST_ZXID, Machine
from tests.zkserver.wire import Event, Reply, boolean, buffer, create, integer, long, string

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

    def test_server_that_was_held_up_hears_its_clients_first(self, machine: Machine) -> None:
        """Pings that came while it slept are still unread when the deadline has long passed."""
        peer = machine.peer(timeout_ms=1000)
        machine.now += 30

        machine.engine.tick(machine.now)
        machine.settle()
        assert not peer.is_closed
        peer.ask(PING)
        machine.sleep(0.9)
        assert not peer.is_closed
        machine.sleep(0.5)
        assert peer.is_closed

    def test_many_sessions_are_closed_in_several_goes(self, machine: Machine) -> None:
        """A thousand that expire together must not hold up everybody."""
        peers = [machine.peer(timeout_ms=400) for _ in range(200)]
        machine.now += 0.601

        machine.engine.tick(machine.now)
        closed = sum(peer.is_closed for peer in peers)

        assert 0 < closed < 200
        assert machine.engine.next_deadline(machine.now) == machine.now
        machine.sleep(0)
        assert all(peer.is_closed for peer in peers)

    def test_idle_server_has_no_deadline(self, machine: Machine) -> None:
        """It costs nothing."""
        assert machine.engine.next_deadline(machine.now) is None
        peer = machine.peer()
        peer.ask(CLOSE)
        machine.sleep(10)
        assert machine.engine.next_deadline(machine.now) is None


class TestSweep:
    """Containers and nodes with a time to live."""

    def test_container_goes_when_its_last_child_is_gone(self, machine: Machine) -> None:
        """Within a second; one that never had children stays."""
        peer = machine.peer(timeout_ms=60_000)
        for path in ("/used", "/unused"):
            peer.ask(19, create(path, flags=4))
        peer.ask(CREATE, create("/used/child"))
        machine.sleep(2)
        assert peer.ask(EXISTS, watch("/used")).error == 0

        peer.ask(DELETE, string("/used/child") + integer(-1))
        assert peer.messages() == []
        machine.sleep(1.1)

        assert peer.messages() == [Event(DELETED, "/used")]
        assert peer.ask(EXISTS, watch("/unused")).error == 0

    def test_node_with_a_ttl_goes_when_it_was_not_changed_for_so_long(self, machine: Machine) -> None:
        """A change gives it its whole time again."""
        peer = machine.peer(timeout_ms=60_000)
        peer.ask(21, create("/ttl", flags=5) + long(3000))

        machine.sleep(2)
        peer.ask(SET, string("/ttl") + buffer(b"new") + integer(-1))
        machine.sleep(2)
        assert peer.ask(EXISTS, watch("/ttl")).error == 0
        machine.sleep(2.1)

        assert peer.messages() == [Event(DELETED, "/ttl")]

    def test_nobody_sweeps_where_nothing_is_to_be_swept(self, machine: Machine) -> None:
        """The deadline of the sweep goes with the last such node."""
        peer = machine.peer(timeout_ms=60_000)
        peer.ask(21, create("/ttl", flags=5) + long(100))
        assert machine.engine.next_deadline(machine.now) == machine.now + 1
        machine.sleep(1.5)

        deadline = machine.engine.next_deadline(machine.now)

        assert deadline is not None
        assert deadline > machine.now + 30
