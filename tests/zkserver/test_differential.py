"""Random requests of several sessions, the same to real ZooKeeper and to ours: every answer has to be the same.

Replies, Stats, zxids (counted from the example's start), error codes and watch events are compared, by clients of
bare bytes. Only times, session ids and the order of children are the server's own affair.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autohealer.zkserver import ZooKeeperServer
from tests.support.real_zookeeper import RealZooKeeper
from tests.zkserver import wire
from tests.zkserver.wire import ClosedError, Reply, Wire, boolean, buffer, integer, long, string, strings

STAT_SIZE = 68
SESSIONS = 3

Body = Callable[[str, int], bytes]  # of the example's root and the last zxid
Answer = dict[str, object]

_paths = st.sampled_from(["", "/a", "/a/b", "/a/b/c", "/b", "/e", "/e/x", "/absent/x", "/a//b", "/a/", "/s-"])
_data = st.sampled_from([None, b"", b"x", b"some data"])
_versions = st.sampled_from([-1, -1, -1, 0, 1, 2])
_watch = st.booleans()
_plain_flags = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4, 5, 9])
_acls = st.sampled_from(
    [
        wire.WORLD,
        wire.WORLD,
        wire.WORLD,
        ((1, "world", "anyone"),),
        ((31, "auth", ""),),
        ((31, "digest", "ann:hashed"), (1, "world", "anyone")),
        ((31, "ip", "127.0.0.0/8"),),
        ((23, "ip", "10.0.0.1"), (4, "world", "anyone")),
        ((31, "bogus", "x"),),
        (),
    ]
)


def _create(path: str, data: bytes | None, entries: wire.Acl, flags: int, tail: bytes = b"") -> Body:
    return lambda root, _zxid: wire.create(root + path, data, flags, entries) + tail


_creates = st.builds(
    lambda kind, path, data, entries, flags: (kind, _create(path, data, entries, flags)),
    st.sampled_from([1, 1, 1, 15]),
    _paths,
    _data,
    _acls,
    _plain_flags,
)
# a container that had children may be swept at any time: these never have any
_containers = st.builds(lambda data, entries: (19, _create("/container", data, entries, 4)), _data, _acls)
_ttls = st.builds(
    lambda flags, ttl: (21, _create("/ttl", b"", wire.WORLD, flags, long(ttl))),
    st.sampled_from([5, 6]),  # with another mode the real server dies of a ttl that is out of range
    st.sampled_from([0, -1, 1 << 30, 1 << 41]),
)
_deletes = st.builds(
    lambda path, version: (2, lambda root, _zxid: string(root + path) + integer(version)), _paths, _versions
)
_sets = st.builds(
    lambda path, data, version: (
        5,
        lambda root, _zxid: string(root + path) + buffer(data) + integer(version),
    ),
    _paths,
    _data,
    _versions,
)
_checks = st.builds(
    lambda path, version: (13, lambda root, _zxid: string(root + path) + integer(version)), _paths, _versions
)
_set_acls = st.builds(
    lambda path, entries, version: (
        7,
        lambda root, _zxid: string(root + path) + wire.acl(entries) + integer(version),
    ),
    _paths,
    _acls,
    _versions,
)
_reads = st.builds(
    lambda kind, path, watch: (kind, lambda root, _zxid: string(root + path) + boolean(watch)),
    st.sampled_from([3, 4, 8, 12]),
    _paths,
    _watch,
)
_path_only = st.builds(
    lambda kind, path: (kind, lambda root, _zxid: string(root + path)), st.sampled_from([6, 9, 103, 104]), _paths
)
_multis = st.builds(
    lambda parts: (14, lambda root, zxid: wire.multi([(kind, body(root, zxid)) for kind, body in parts])),
    st.lists(st.one_of(_creates, _deletes, _sets, _checks, _containers, _ttls), max_size=5),
)
_multi_reads = st.builds(
    lambda parts: (22, lambda root, zxid: wire.multi([(kind, body(root, zxid)) for kind, body in parts])),
    # writes, too: they have no place there, and what comes of it is odd
    st.lists(st.one_of(_reads.filter(lambda part: part[0] in {4, 8}), _creates, _deletes, _sets, _checks), max_size=4)
    | st.lists(_reads.filter(lambda part: part[0] in {4, 8}), max_size=4),
)
_watches = st.one_of(
    st.builds(
        lambda path, mode: (106, lambda root, _zxid: string(root + path) + integer(mode)),
        _paths,
        st.sampled_from([0, 0, 1, 1, 2]),
    ),
    st.builds(
        lambda kind, path, which: (kind, lambda root, _zxid: string(root + path) + integer(which)),
        st.sampled_from([17, 18]),
        _paths,
        st.sampled_from([1, 2, 3]),
    ),
)
_few_paths = st.lists(_paths, max_size=2)
_set_watches = st.builds(
    lambda ago, lists: (
        101 if len(lists) == 3 else 105,
        lambda root, zxid: long(zxid - ago) + b"".join(strings([root + path for path in paths]) for paths in lists),
    ),
    st.integers(0, 20),
    st.one_of(st.tuples(*[_few_paths] * 3), st.tuples(*[_few_paths] * 5)),
)
_auths = st.sampled_from(
    [
        (100, lambda _root, _zxid: integer(0) + string("digest") + buffer(b"ann:secret")),
        (100, lambda _root, _zxid: integer(0) + string("digest") + buffer(b"bob:secret")),
        (100, lambda _root, _zxid: integer(0) + string("bogus") + buffer(b"")),
        (107, lambda _root, _zxid: b""),
    ]
)
_others = st.sampled_from(
    [
        (-11, lambda _root, _zxid: b""),  # close the session
        (11, lambda _root, _zxid: b""),
        (99, lambda _root, _zxid: b""),  # unknown
        (4, lambda _root, _zxid: b"\0\0"),  # cut short
        (1, lambda _root, _zxid: string("/x")),
    ]
)
_requests = st.one_of(
    _creates, _creates, _deletes, _sets, _reads, _reads, _multis, _watches, _path_only, _set_acls, _set_watches,
    _multi_reads, _containers, _ttls, _auths, _others,
)  # fmt: skip
_steps = st.lists(st.tuples(st.integers(0, SESSIONS - 1), _requests), min_size=1, max_size=30)


class Run:
    """One example on one server."""

    def __init__(self, hosts: str, root: str, stack: ExitStack) -> None:
        self._hosts = hosts
        self._root = root
        self._stack = stack
        self._sessions = [self._open() for _ in range(SESSIONS)]
        self._sessions[0].ask(1, wire.create(root.rpartition("/")[0]))
        created = self._sessions[0].ask(1, wire.create(root))
        self._start = self._zxid = created.zxid
        self._names = {wire_.session_id: f"session {number}" for number, wire_ in enumerate(self._sessions)}

    def step(self, number: int, kind: int, body: Body) -> Answer:
        asker = self._sessions[number]
        answer: Answer = {}
        try:
            # a ping is answered with the ping's own xid, whatever was sent
            reply = asker.ask(kind, body(self._root, self._zxid), xid=-2 if kind == 11 else None)
            self._zxid = max(self._zxid, reply.zxid)
            answer = {"error": reply.error, "zxid": self._relative(reply.zxid), "body": self._normal(kind, reply)}
            if kind == -11 or reply.error in {-6, -115}:
                # the real server may answer what comes next, before it gets to closing
                answer["closes"] = asker.is_closed()
        except ClosedError:
            answer["closed"] = True
        for watcher in range(SESSIONS):
            self._hear(watcher, answer)
        return answer

    def _hear(self, number: int, answer: Answer) -> None:
        """What events came to this session by now, and whether its connection lives; if not, it gets a new one."""
        session = self._sessions[number]
        try:
            session.ping()
            ended = False
        except ClosedError:
            ended = True
        answer[f"events {number}"] = sorted((event.kind, self._strip(event.path)) for event in session.events)
        session.events.clear()
        if ended:
            answer[f"ended {number}"] = True
            # its session lives on, unless it was closed: it is closed now, so that its ephemerals go
            with Wire(self._hosts, session_id=session.session_id, password=session.password) as again:
                again.connect()
                answer[f"refused {number}"] = again.session_id == 0
                if again.session_id:
                    again.ask(-11)
            self._sessions[number] = opened = self._open()
            self._names[opened.session_id] = f"session {number}"
            self._zxid += 1

    def finish(self) -> None:
        for session in self._sessions:
            session.ask(-11)

    def _open(self) -> Wire:
        return self._stack.enter_context(Wire(self._hosts, timeout_ms=30_000)).connect()

    def _relative(self, zxid: int) -> int:
        # 0 and -1 stand for themselves: the auth reply's, and an unknown request's
        return zxid - self._start if zxid > 0 else zxid

    def _strip(self, path: str) -> str:
        return path.removeprefix(self._root)

    def _normal(self, kind: int, reply: Reply) -> object:
        """The body, with what is the server's own affair taken out."""
        body = reply.body
        if reply.error or not body:
            return body
        if kind == 8:
            return self._children(body)[0]
        if kind in {12, 103}:
            children, rest = self._children(body)
            return children, self._stat(rest)
        if kind in {14, 22}:
            return self._results(body)
        if kind == 107:
            return sorted(body)
        if kind in {3, 4, 5, 6, 7, 15, 19, 21}:
            return body[:-STAT_SIZE].replace(self._root.encode(), b""), self._stat(body[-STAT_SIZE:])
        return body.replace(self._root.encode(), b"")

    def _stat(self, stat: bytes) -> object:
        if len(stat) != STAT_SIZE:
            return stat
        czxid, mzxid, ctime, mtime, *versions, owner, length, count, pzxid = struct.unpack(">qqqqiiiqiiq", stat)
        zxids = [self._relative(zxid) for zxid in (czxid, mzxid, pzxid)]
        return zxids, ctime <= mtime, versions, self._names.get(owner, owner), length, count

    def _children(self, body: bytes) -> tuple[list[str], bytes]:
        (count,) = struct.unpack_from(">i", body)
        at = 4
        names = []
        for _ in range(count):
            (size,) = struct.unpack_from(">i", body, at)
            names.append(self._strip(body[at + 4 : at + 4 + size].decode()))
            at += 4 + size
        return sorted(names), body[at:]

    def _results(self, body: bytes) -> list[object]:
        """The results of a multi or multiRead; they are told apart by their types."""
        results: list[object] = []
        at = 0
        while True:
            kind, done, error = struct.unpack_from(">i?i", body, at)
            at += 9
            results.append((kind, done, error))
            if done:
                return [*results, body[at:]]
            start = at
            if kind in {1, 15, 4}:
                (size,) = struct.unpack_from(">i", body, at)
                at += 4 + max(0, size)
                results.append(body[start:at].replace(self._root.encode(), b""))
            if kind == 8:
                children, rest = self._children(body[at:])
                at = len(body) - len(rest)
                results.append(children)
            if kind in {15, 4, 5}:
                results.append(self._stat(body[at : at + STAT_SIZE]))
                at += STAT_SIZE
            if kind == -1:
                results.append(body[at : at + 4])
                at += 4


@pytest.fixture(scope="module")
def ours() -> Iterator[ZooKeeperServer]:
    with ZooKeeperServer() as server:
        yield server


_roots = iter(range(1, 1 << 30))


@pytest.mark.timeout(300)
@settings(max_examples=150)
@given(steps=_steps)
def test_answers_as_zookeeper_does(
    real_zookeeper: RealZooKeeper,
    ours: ZooKeeperServer,
    steps: list[tuple[int, tuple[int, Body]]],
) -> None:
    """Whatever is asked in whatever order, every byte of every answer and every event is the same."""
    # Below a node of its own: a sequence counts all children of a parent, and others make some at the top.
    root = f"/d{next(_roots):09d}/r"
    with ExitStack() as stack:
        theirs = Run(real_zookeeper.hosts, root, stack)
        own = Run(ours.hosts, root, stack)
        try:
            for number, (kind, body) in steps:
                expected = theirs.step(number, kind, body)
                assert own.step(number, kind, body) == expected, (number, kind, body(root, 0))
        finally:
            # a session that is left behind takes a zxid when it expires: in the midst of another example
            theirs.finish()
            own.finish()
