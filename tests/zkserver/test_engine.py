"""The engine, request by request, on a clock that is turned by hand."""

from __future__ import annotations

import struct

import pytest

from autohealer.zkserver.acl import OPEN
from autohealer.zkserver.engine import Engine, ServerPlace
from autohealer.zkserver.entries import State
from autohealer.zkserver.sessions import Sessions
from autohealer.zkserver.tree import Node
from tests.zkserver.machine import FIRST_SESSION, FIRST_ZXID, Machine, connect_request, frame, request
from tests.zkserver.wire import Event, Reply, acl, boolean, buffer, create, integer, long, multi, string, strings

CREATE, DELETE, EXISTS, GET, SET, CHILDREN, PING, MULTI, CLOSE = 1, 2, 3, 4, 5, 8, 11, 14, -11
CREATED, DELETED, CHANGED, CHILD = 1, 2, 3, 4
LAST = 0x7FFFFFFF


def watch(path: str) -> bytes:
    return string(path) + boolean(True)


def delete(path: str, version: int = -1) -> bytes:
    return string(path) + integer(version)


def put(path: str, data: bytes = b"new", version: int = -1) -> bytes:
    return string(path) + buffer(data) + integer(version)


class TestOrder:
    """Events before replies, replies in the order of their requests."""

    def test_event_comes_before_the_reply_to_its_write(self, machine: Machine) -> None:
        """On the writer's own connection as well."""
        peer = machine.peer()
        peer.ask(EXISTS, watch("/a"))

        peer.feed(request(CREATE, create("/a"), 9))

        event, reply = peer.messages()
        assert event == Event(CREATED, "/a")
        assert isinstance(reply, Reply)
        assert reply.xid == 9

    def test_deletion_is_one_event_for_each_connection_and_then_the_parents(self, machine: Machine) -> None:
        """However many watches it has on the node."""
        writer, watcher = machine.peer(), machine.peer()
        writer.ask(CREATE, create("/a"))
        for kind, path in ((GET, "/a"), (EXISTS, "/a"), (CHILDREN, "/a"), (CHILDREN, "/")):
            watcher.ask(kind, watch(path))

        writer.ask(DELETE, delete("/a"))

        assert watcher.messages() == [Event(DELETED, "/a"), Event(CHILD, "/")]

    def test_everything_is_answered_in_order(self, machine: Machine) -> None:
        """Pings and auth do not overtake: kazoo takes replies off its queue blindly."""
        peer = machine.peer()
        auth = integer(0) + string("digest") + buffer(b"user:secret")

        peer.feed(
            request(CREATE, create("/a"), 1)
            + request(100, auth, -4)
            + request(PING, b"", -2)
            + request(GET, string("/a") + boolean(False), 2)
        )

        assert [message.xid for message in peer.messages() if isinstance(message, Reply)] == [1, -4, -2, 2]

    def test_failed_write_takes_a_zxid_and_read_does_not(self, machine: Machine) -> None:
        """The reply to a read bears the last transaction's zxid."""
        peer = machine.peer()

        replies = [peer.ask(DELETE, delete("/absent")), peer.ask(GET, watch("/absent")), peer.ask(CREATE, create("/a"))]

        assert [reply.zxid - FIRST_ZXID for reply in replies] == [2, 2, 3]

    def test_many_requests_are_answered_in_several_goes(self, machine: Machine) -> None:
        """A flood from one client must not hold up the others, nor the process around."""
        peer = machine.peer()
        peer.connection.frames.feed(request(PING) * 100)

        assert machine.engine.receive(peer.connection, machine.now)
        assert 0 < len(peer.messages()) < 100

    def test_whoever_does_not_read_is_not_answered_further(self, machine: Machine) -> None:
        """What waits to be read is bounded; the rest of the requests waits unanswered."""
        peer = machine.peer()
        peer.ask(CREATE, create("/big", b"x" * 500_000))
        peer.connection.frames.feed(request(GET, string("/big") + boolean(False)) * 10)

        machine.engine.receive(peer.connection, machine.now)
        machine.engine.receive(peer.connection, machine.now)
        sent = len(peer.messages())

        assert sent < 6
        assert machine.engine.receive(peer.connection, machine.now) is True
        assert len(peer.messages()) > 0

    def test_events_for_one_who_never_reads_end_its_connection(self, machine: Machine) -> None:
        """Events cannot be held back as requests can: at some size it is given up."""
        writer, watcher = machine.peer(), machine.peer()
        path = "/" + "x" * 100_000
        watcher.ask(106, string("/") + integer(1))
        for _ in range(700):
            if watcher.is_closed:
                break
            writer.ask(CREATE, create(path))
            writer.ask(DELETE, delete(path))

        assert watcher.is_closed
        assert not watcher.connection.outgoing


class TestRefusals:
    """What ends a connection, and what does not."""

    def test_unknown_operation_is_answered_and_closed(self, machine: Machine) -> None:
        """As ZooKeeper does it."""
        peer = machine.peer()

        assert peer.ask(4711).error == -6
        assert peer.is_closed

    @pytest.mark.parametrize("kind", [CREATE, DELETE, EXISTS, GET, SET, 6, 7, CHILDREN, 9, 12, 13, MULTI, 101, 105])
    def test_body_that_does_not_parse_is_an_error_reply(self, machine: Machine, kind: int) -> None:
        """The connection is kept."""
        peer = machine.peer()

        assert peer.ask(kind, b"\0\0").error == -5
        assert peer.ask(PING).error == 0

    def test_vector_is_not_believed(self, machine: Machine) -> None:
        """Two billion entries are claimed, none is there."""
        peer = machine.peer()

        assert peer.ask(CREATE, string("/a") + buffer(b"") + integer(2_000_000_000)).error == -5
        assert peer.ask(CREATE, string("/a") + buffer(b"") + integer(-7) + integer(0)).error == -114

    @pytest.mark.parametrize("length", [-1, -(2**31), 0x100000, 2**31 - 1])
    def test_impossible_length_closes(self, machine: Machine, length: int) -> None:
        """At the length itself, whatever follows."""
        peer = machine.peer()

        peer.feed(integer(length))

        assert peer.is_closed
        assert peer.take() == b""

    def test_longest_request_is_served(self, machine: Machine) -> None:
        """0xfffff bytes, the limit itself."""
        peer = machine.peer()
        overhead = 8 + len(create("/big", b""))

        assert peer.ask(CREATE, create("/big", b"x" * (0xFFFFF - overhead))).error == 0

    def test_frame_without_a_header_closes(self, machine: Machine) -> None:
        """There is no xid to answer to."""
        peer = machine.peer()

        peer.feed(frame(b"\0\0\0"))

        assert peer.is_closed

    def test_multi_read_of_everything_again_and_again_is_refused(self, machine: Machine) -> None:
        """A small request must not make an answer of gigabytes."""
        peer = machine.peer()
        peer.ask(CREATE, create("/big", b"x" * 1_000_000))

        peer.feed(request(22, multi([(GET, string("/big") + boolean(False))] * 100)))

        assert peer.is_closed
        assert peer.take() == b""

    def test_more_watches_than_anyone_needs_are_refused(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is kept for a connection is bounded; what was kept goes with it."""
        monkeypatch.setattr("autohealer.zkserver.watches.MAX_WATCHES", 10)
        peer = machine.peer()
        for number in range(10):
            assert peer.ask(EXISTS, watch(f"/{number}")).error == -101

        peer.feed(request(EXISTS, watch("/one-more")))

        assert peer.is_closed
        assert not machine.engine.watches.data.by_path

    def test_others_go_on(self, machine: Machine) -> None:
        """Whatever one connection did."""
        good, bad = machine.peer(), machine.peer()

        bad.feed(b"\xff" * 1000)

        assert good.ask(CREATE, create("/a")).error == 0


class TestMulti:
    """All or nothing."""

    def test_failed_multi_leaves_no_trace(self, machine: Machine) -> None:
        """Neither in the tree nor in the journal, nor as events."""
        peer = machine.peer()
        peer.ask(CREATE, create("/a"))
        before = peer.ask(GET, watch("/a")), peer.ask(12, watch("/"))
        machine.journal.clear()

        reply = peer.ask(
            MULTI,
            multi(
                [
                    (SET, put("/a")),
                    (CREATE, create("/b")),
                    (CREATE, create("/e", flags=1)),
                    (DELETE, delete("/a")),
                    (DELETE, delete("/absent")),
                ]
            ),
        )

        assert reply.error == 0
        assert machine.journal == b""
        after = peer.ask(GET, watch("/a")), peer.ask(12, watch("/"))
        assert [reply.body for reply in after] == [reply.body for reply in before]
        assert not machine.engine.tree.ephemerals

    def test_later_operations_see_earlier_ones(self, machine: Machine) -> None:
        """And one zxid is for all."""
        peer = machine.peer()

        peer.ask(MULTI, multi([(CREATE, create("/a")), (CREATE, create("/a/s-", flags=2)), (SET, put("/a", b"1", 0))]))

        node = machine.engine.tree.nodes["/a"]
        assert (node.data, node.czxid, node.mzxid, node.pzxid) == (b"1", *[FIRST_ZXID + 2] * 3)
        assert "/a/s-0000000000" in machine.engine.tree.nodes


def test_watches_die_with_the_connection(machine: Machine) -> None:
    """The session's next connection sets its own."""
    first, writer = machine.peer(), machine.peer()
    first.ask(EXISTS, watch("/a"))
    second = machine.peer(session_id=first.session_id, password=first.password)

    writer.ask(CREATE, create("/a"))

    assert second.messages() == []


def test_watches_are_set_again_with_what_was_missed(machine: Machine) -> None:
    """What changed meanwhile is told at once, the rest is watched on."""
    peer = machine.peer()
    seen = peer.ask(CREATE, create("/same")).zxid
    peer.ask(CREATE, create("/changed"))
    peer.ask(SET, put("/changed"))

    paths = [["/same", "/changed", "/gone"], ["/changed", "/absent"], ["/same", "/"]]
    peer.feed(request(101, long(seen) + b"".join(map(strings, paths)), -8))

    *events, reply = peer.messages()
    assert events == [
        Event(CHANGED, "/changed"),
        Event(DELETED, "/gone"),
        Event(CREATED, "/changed"),
        Event(CHILD, "/"),
    ]
    assert isinstance(reply, Reply)
    assert reply.xid == -8
    peer.feed(request(SET, put("/same")) + request(CREATE, create("/absent")))
    assert [message for message in peer.messages() if isinstance(message, Event)] == [
        Event(CHANGED, "/same"),
        Event(CREATED, "/absent"),
    ]


class TestCounters:
    """Versions and sequence numbers are signed integers of 32 bits."""

    @pytest.fixture
    def late(self) -> Machine:
        """A tree in which a node has been changed two billion times."""
        state = State()
        node = Node(b"", OPEN, 0, 1, 0)
        node.version = node.cversion = node.aversion = LAST
        state.nodes["/a"] = node
        return Machine(state)

    def test_version_goes_on_with_the_smallest(self, late: Machine) -> None:
        """And both can be asked for."""
        peer = late.peer()

        assert version_of(peer.ask(SET, put("/a", version=LAST)).body) == -LAST - 1
        assert peer.ask(SET, put("/a", version=LAST)).error == -103
        assert version_of(peer.ask(SET, put("/a", version=-LAST - 1)).body) == -LAST

    def test_version_of_the_acl_goes_on_with_the_smallest(self, late: Machine) -> None:
        """The same for the ACL."""
        peer = late.peer()

        stat = peer.ask(7, string("/a") + acl() + integer(LAST)).body

        assert struct.unpack_from(">i", stat, 40)[0] == -LAST - 1

    def test_sequence_goes_on_with_the_smallest(self, late: Machine) -> None:
        """The name is one digit longer then, for the sign."""
        peer = late.peer()

        paths = [peer.ask(CREATE, create("/a/s-", flags=2)).body for _ in range(2)]

        assert paths == [string("/a/s-2147483647"), string("/a/s--2147483648")]
        # creates and deletes together, in 32 bits, too
        assert struct.unpack_from(">i", peer.ask(EXISTS, string("/a") + boolean(False)).body, 36)[0] == 0

    def test_changes_that_are_undone_leave_them_as_they_were(self, late: Machine) -> None:
        """Across the end of the numbers."""
        peer = late.peer()
        before = peer.ask(EXISTS, string("/a") + boolean(False)).body

        peer.ask(MULTI, multi([(CREATE, create("/a/x")), (SET, put("/a")), (DELETE, delete("/absent"))]))

        assert peer.ask(EXISTS, string("/a") + boolean(False)).body == before

    def test_they_outlive_the_process(self, late: Machine) -> None:
        """The journal holds them."""
        peer = late.peer()
        peer.ask(SET, put("/a"))
        peer.ask(CREATE, create("/a/x"))
        state = State()
        state.apply(bytes(late.journal))

        node = state.nodes["/a"]

        assert (node.version, node.cversion) == (-LAST - 1, -LAST - 1)

    def test_low_word_of_the_zxid_runs_over_into_the_next_epoch(self) -> None:
        """Ten days at full speed; the next life has to begin above it."""
        machine = Machine()
        machine.engine.zxid = (7 << 32) - 2
        peer = machine.peer()
        peer.ask(CREATE, create("/a"))
        peer.ask(SET, put("/a"))
        state = State()

        state.apply(bytes(machine.journal))

        assert state.epoch == 7


def version_of(stat: bytes) -> int:
    return int(struct.unpack_from(">i", stat, 32)[0])


class TestEnds:
    """What comes when it is too late, or too early, for it."""

    def test_socket_that_is_gone_twice_is_gone_once(self, machine: Machine) -> None:
        """The session of the connection may have a newer one by then, which keeps it."""
        first = machine.peer()
        second = machine.peer(session_id=first.session_id, password=first.password)

        machine.engine.disconnect(first.connection)
        machine.engine.disconnect(first.connection)

        assert second.ask(CREATE, create("/e", flags=1)).error == 0

    def test_nothing_is_sent_on_a_connection_that_is_closing(self, machine: Machine) -> None:
        """What was to be sent before still is."""
        peer = machine.peer()
        peer.connection.send(b"before")
        peer.connection.close()

        peer.connection.send(b"after")

        assert peer.take() == b"before"

    def test_first_bytes_of_a_busy_server_prolong_nobodys_session(self, machine: Machine) -> None:
        """There is none yet; the handshake follows as usual."""
        peer = machine.bare_peer()
        peer.connection.heard(machine.now)

        peer.shake_hands()

        assert peer.session_id == FIRST_SESSION

    def test_session_that_is_closed_while_it_is_about_to_expire_is_closed_once(self, machine: Machine) -> None:
        """Many expire at the same moment, and some of them say good-bye before their turn."""
        peers = [machine.peer(timeout_ms=400) for _ in range(200)]
        machine.now += 1.0
        while not any(peer.is_closed for peer in peers):
            machine.engine.tick(machine.now)
            machine.now += 0.05
        late = [peer for peer in peers if not peer.is_closed]
        assert late
        zxid = machine.engine.zxid
        assert late[-1].ask(CLOSE).error == 0
        machine.sleep(1.0)

        assert all(peer.is_closed for peer in peers)
        assert machine.engine.zxid == zxid + len(late)


def test_ephemeral_node_has_no_children(machine: Machine) -> None:
    """ZooKeeper's own error."""
    peer = machine.peer()
    peer.ask(CREATE, create("/e", flags=1))

    assert peer.ask(CREATE, create("/e/c")).error == -108


def test_watch_for_good_on_a_node_does_not_see_what_is_far_below(machine: Machine) -> None:
    """A recursive one does."""
    near, deep, peer = machine.peer(), machine.peer(), machine.peer()
    for path in ("/a", "/a/b"):
        peer.ask(CREATE, create(path))
    assert near.ask(106, string("/a") + integer(0)).error == 0
    assert deep.ask(106, string("/a") + integer(1)).error == 0
    peer.ask(CREATE, create("/a/b/c"))

    assert near.messages() == []
    assert deep.messages() == [Event(CREATED, "/a/b/c")]


def test_null_among_strings_is_refused(machine: Machine) -> None:
    """In a list of watches there is no path that is none."""
    peer = machine.peer()

    assert peer.ask(101, long(0) + integer(1) + integer(-1) + strings([]) + strings([])).error == -5


def test_engine_without_a_journal_has_nothing_to_write() -> None:
    """Its changes are kept nowhere else."""
    engine = Engine(
        zxid=FIRST_ZXID,
        sessions=Sessions(FIRST_SESSION, bytes),
        now=50.0,
        wall_ms=lambda: 0,
        journalled=False,
        place=ServerPlace(2181),
    )
    connection = engine.connect("127.0.0.1", 40_000, 50.0)
    connection.frames.feed(frame(connect_request()) + request(CREATE, create("/a")))
    while engine.receive(connection, 50.0):
        pass

    assert "/a" in engine.tree.nodes
    assert engine.take_entries() == b""


def test_node_that_came_and_went_in_one_multi_leaves_its_parent_alone(machine: Machine) -> None:
    """Together with that parent, which is not written down either."""
    peer = machine.peer()
    machine.settle()
    steps = [(CREATE, create("/p")), (CREATE, create("/p/c")), (DELETE, delete("/p/c")), (DELETE, delete("/p"))]

    assert peer.ask(MULTI, multi(steps)).error == 0

    copy = State()
    copy.apply(bytes(machine.journal))
    assert "/p" not in copy.nodes
    assert "/p/c" not in copy.nodes
