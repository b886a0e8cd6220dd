"""The small rules: paths, ACLs, watches, and the undoing of what a multi began."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autohealer.zkserver import acl as acls
from autohealer.zkserver.paths import is_valid
from autohealer.zkserver.protocol import RequestError
from autohealer.zkserver.tree import Node, Tree
from tests.zkserver.machine import Machine, Peer, request
from tests.zkserver.wire import Event, Reply, create, integer, string


@pytest.mark.parametrize("path", ["/", "/a", "/a/b", "/...", "/a.b", "/.a", "/a..", "/ä", "/\ud7ff", "/\uf900", "/a b"])
def test_valid_paths(path: str) -> None:
    """What ZooKeeper takes."""
    assert is_valid(path)


@pytest.mark.parametrize(
    "path",
    [
        *[None, "", "a", "/a/", "//", "/a//b", "/.", "/..", "/a/./b", "/a/.."],
        *["/\0", "/\n", "/\x7f", "/\x9f", "/\ue000", "/\ufff0", "/\U0001f600"],
    ],
)
def test_invalid_paths(path: str | None) -> None:
    """What ZooKeeper does not take."""
    assert not is_valid(path)


@pytest.mark.parametrize(
    ("entry", "identity", "allowed"),
    [
        ((1, "world", "anyone"), ("ip", "1.2.3.4"), True),
        ((2, "world", "anyone"), ("ip", "1.2.3.4"), False),
        ((1, "ip", "1.2.3.4"), ("ip", "1.2.3.4"), True),
        ((1, "ip", "1.2.3.4"), ("ip", "1.2.3.5"), False),
        ((1, "ip", "1.2.0.0/16"), ("ip", "1.2.3.5"), True),
        ((1, "ip", "1.2.0.0/16"), ("ip", "1.3.3.5"), False),
        ((1, "ip", "0.0.0.0/0"), ("ip", "1.3.3.5"), True),
        ((1, "digest", "ann:hash"), ("digest", "ann:hash"), True),
        ((1, "digest", "ann:hash"), ("digest", "ann:other"), False),
        ((31, "digest", "ann:hash"), ("ip", "ann:hash"), False),
    ],
)
def test_permissions(entry: tuple[int, str, str], identity: acls.Identity, allowed: bool) -> None:
    """Reading, by one entry and one identity."""
    if allowed:
        acls.check((entry,), 1, [identity])
    else:
        with pytest.raises(RequestError):
            acls.check((entry,), 1, [identity])


@pytest.mark.parametrize(
    ("entries", "stored"),
    [
        ([(31, "world", "anyone"), (31, "world", "anyone")], acls.OPEN),
        ([(1, "auth", "whatever")], ((1, "digest", "ann:hash"),)),
        ([(1, "ip", "10.0.0.0/8"), (2, "digest", "bob:hash")], ((1, "ip", "10.0.0.0/8"), (2, "digest", "bob:hash"))),
    ],
)
def test_acls_that_are_stored(entries: list[acls.Entry], stored: acls.Acl) -> None:
    """Without doubles, and with names for whoever authenticated."""
    assert acls.resolve(entries, [("ip", "127.0.0.1"), ("digest", "ann:hash")]) == stored


@pytest.mark.parametrize(
    "entries",
    [
        None,
        [],
        [(31, None, "x")],
        [(31, "world", "me")],
        [(31, "auth", "")],
        [(31, "digest", "ann")],
        [(31, "ip", "1.2.3")],
    ]
    + [[(31, "ip", f"1.2.3.{end}")] for end in ("256", "4/33", "4/", "x")],
)
def test_acls_that_are_refused(entries: list[acls.Entry] | None) -> None:
    """With InvalidACL."""
    with pytest.raises(RequestError):
        acls.resolve(entries, [("ip", "127.0.0.1")])


def test_digests_are_hidden_from_those_who_may_not_change_them() -> None:
    """Names are shown, and other schemes."""
    acl = ((1, "digest", "ann:hash"), (2, "ip", "1.2.3.4"))

    assert acls.masked(acl) == ((1, "digest", "ann:x"), (2, "ip", "1.2.3.4"))


def test_digest_is_the_one_that_other_servers_store() -> None:
    """It stands in ACLs that clients compute themselves."""
    assert acls.digest_identity(b"super:test") == ("digest", "super:D/InIHSb7yEEbrWz8b9l71RjZJU=")


@given(operations=st.lists(st.tuples(st.sampled_from("cds"), st.sampled_from(["/a", "/a/b", "/a/c", "/d", "/e"]))))
def test_what_is_rolled_back_was_never_there(operations: list[tuple[str, str]]) -> None:
    """Counts, owners and all."""
    tree = Tree()
    tree.create("/a", Node(b"a", acls.OPEN, 0, 1, 1))
    tree.create("/d", Node(b"d", acls.OPEN, 77, 2, 2))
    tree.create("/e", Node(b"e", acls.OPEN, -1, 3, 3))
    tree.changes.clear()
    before = _picture(tree)

    tree.begin()
    for zxid, (operation, path) in enumerate(operations, 10):
        node = tree.nodes.get(path)
        if operation == "c" and node is None and path[: path.rindex("/")] in tree.nodes:
            tree.create(path, Node(b"new", acls.OPEN, 77, zxid, zxid))
        elif operation == "d" and node is not None and not node.children:
            tree.delete(path, zxid)
        elif operation == "s" and node is not None:
            tree.set_data(path, b"set", zxid, zxid)
    tree.roll_back()

    assert _picture(tree) == before
    assert not tree.changes


def _picture(tree: Tree) -> object:
    fields = [name for name in Node.__slots__ if name != "children"]
    nodes = {
        path: ([getattr(node, name) for name in fields], sorted(node.children or ()))
        for path, node in tree.nodes.items()
    }
    return nodes, {owner: set(paths) for owner, paths in tree.ephemerals.items()}, set(tree.transient)


class TestWatches:
    """Persistent and recursive ones; the one-shot ones are in test_engine."""

    @pytest.fixture
    def machine(self) -> Machine:
        return Machine()

    @pytest.fixture
    def watcher(self, machine: Machine) -> Peer:
        return machine.peer()

    @pytest.fixture
    def writer(self, machine: Machine) -> Peer:
        return machine.peer()

    def test_persistent_watch_tells_of_node_and_children_for_good(self, watcher: Peer, writer: Peer) -> None:
        """Creation, change, children, deletion; again and again."""
        watcher.ask(106, string("/a") + integer(0))
        for _ in range(2):
            writer.ask(1, create("/a"))
            writer.ask(1, create("/a/b"))
            writer.ask(2, string("/a/b") + integer(-1))
            writer.ask(2, string("/a") + integer(-1))

        assert watcher.messages() == [Event(1, "/a"), Event(4, "/a"), Event(4, "/a"), Event(2, "/a")] * 2

    def test_recursive_watch_tells_of_all_below(self, watcher: Peer, writer: Peer) -> None:
        """By nodes, never by children; not of neighbours."""
        watcher.ask(106, string("/a") + integer(1))
        for path in ("/a", "/a/b", "/a/b/c", "/ab"):
            writer.ask(1, create(path))

        assert watcher.messages() == [Event(1, "/a"), Event(1, "/a/b"), Event(1, "/a/b/c")]

    def test_watch_is_taken_back(self, watcher: Peer, writer: Peer) -> None:
        """Once; there is none to take back afterwards."""
        watcher.ask(106, string("/a") + integer(1))

        assert watcher.ask(18, string("/a") + integer(3)).error == 0
        assert watcher.ask(18, string("/a") + integer(3)).error == -121
        writer.ask(1, create("/a"))
        assert watcher.messages() == []

    def test_many_watches_of_many_leave_nothing_behind(self, machine: Machine) -> None:
        """When their connections are gone, so is all that was kept for them."""
        for _ in range(10):
            peer = machine.peer()
            for number in range(10):
                peer.feed(request(106, string(f"/{number}") + integer(number % 2)))
                peer.feed(request(3, string(f"/x{number}") + b"\1"))
            assert all(isinstance(message, Reply) for message in peer.messages())
            peer.ask(-11)

        watches = machine.engine.watches
        assert not watches.data.by_path
        assert not watches.children.by_path
        assert not watches.data.by_connection
        assert not watches.children.by_connection
