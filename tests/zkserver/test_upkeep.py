"""What the server does by itself, on a clock that is turned by hand."""

from __future__ import annotations

from tests.zkserver.machine import Machine
from tests.zkserver.wire import Event, boolean, buffer, create, integer, long, string

CREATE, DELETE, EXISTS, SET, PING, CLOSE = 1, 2, 3, 5, 11, -11
DELETED = 2


def watch(path: str) -> bytes:
    return string(path) + boolean(True)


def delete(path: str) -> bytes:
    return string(path) + integer(-1)


class TestExpiry:
    """Sessions of which nothing was heard."""

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


def test_container_that_has_a_child_again_when_its_turn_comes_stays(machine: Machine) -> None:
    """Many are swept in several goes, and meanwhile clients go on."""
    peer = machine.peer(timeout_ms=60_000)
    paths = [f"/c{number}" for number in range(300)]
    for path in paths:
        peer.ask(19, create(path, flags=4))
        peer.ask(CREATE, create(f"{path}/x"))
        peer.ask(DELETE, delete(f"{path}/x"))
    while len(machine.engine.tree.nodes) > 150:
        deadline = machine.engine.next_deadline(machine.now)
        assert deadline is not None
        machine.now = max(machine.now, deadline)
        peer.ask(PING, xid=-2)
        machine.engine.tick(machine.now)
        machine.settle()
    left = [path for path in paths if path in machine.engine.tree.nodes]
    assert peer.ask(CREATE, create(f"{left[-1]}/y")).error == 0
    machine.sleep(1.0)

    assert [path for path in paths if path in machine.engine.tree.nodes] == left[-1:]
