"""``autohealer watch``: what it prints of a node's changes, whatever the connection does meanwhile."""

from __future__ import annotations

import itertools
import json
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from kazoo.client import KazooClient

from autohealer.cli import main
from autohealer.coordination.explorer import node_follower as watching
from autohealer.coordination.explorer.node_follower import NodeChange, Seen, Watching, differences
from autohealer.coordination.pool.paths import split_hosts
from autohealer.coordination.session.access import PLAIN, Access
from autohealer.errors import AutohealerError, UnreachableError, UsageError
from autohealer.zkserver import ZooKeeperServer
from tests.support.processes import Processes, eventually

Follow = Callable[..., "Follower"]
ANSWER_S = 20.0


class _Enough(Exception):  # noqa: N818 - no error
    """The test has seen what it wanted."""


class Follower:
    """A watch that runs beside the test."""

    def __init__(self, hosts: str, path: str) -> None:
        self.seen: list[NodeChange] = []
        self.notes: list[str] = []
        self.error: Exception | None = None
        self._watching = Watching(hosts, path, access=PLAIN, note=self.notes.append)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            for change in self._watching.changes(ANSWER_S):
                self.seen.append(change)
        except _Enough:
            pass
        except AutohealerError as error:
            self.error = error

    def wait(self, event: str, data: bytes | None = None) -> NodeChange:
        """The newest change, once it is this one."""

        def found() -> NodeChange | None:
            last = self.seen[-1] if self.seen else None
            return last if last and (last.event, last.data) == (event, data) else None

        change = eventually(found, what=f"{event} {data!r} at the end")
        assert change is not None
        return change

    def end(self) -> None:
        def enough() -> None:
            raise _Enough

        self._watching._call_soon(enough)
        self._thread.join(20)
        self._watching.close()


@pytest.fixture
def follow() -> Iterator[Follow]:
    """Starts watches; the end of the test ends them."""
    followers: list[Follower] = []

    def started(hosts: str, path: str) -> Follower:
        followers.append(Follower(hosts, path))
        return followers[-1]

    yield started
    for one in followers:
        one.end()


# ---- what has happened, told from two looks


def seen(life: int = 1, edition: int = 1, data: bytes = b"data", children: tuple[str, ...] = ()) -> Seen:
    """A look."""
    return Seen(life, edition, data, children)


@pytest.mark.parametrize(
    ("before", "now", "events"),
    [
        (None, None, []),
        (None, seen(), ["created"]),
        (None, seen(children=("a",)), ["created", "children"]),
        (seen(), None, ["deleted"]),
        (seen(), seen(), []),
        (seen(), seen(edition=2), ["changed"]),  # set to what it was is a change as well
        (seen(), seen(children=("a",)), ["children"]),
        (seen(children=("a", "b")), seen(children=("a",)), ["children"]),
        (seen(), seen(edition=2, children=("a",)), ["changed", "children"]),
        (seen(), seen(life=2, edition=2), ["deleted", "created"]),
        (seen(children=("a",)), seen(life=2, edition=2, children=("a",)), ["deleted", "created", "children"]),
    ],
)
def test_two_looks_tell_what_has_happened(before: Seen | None, now: Seen | None, events: list[str]) -> None:
    """Each line says what is there since; of what is gone nothing is known."""
    changes = list(differences(before, now))

    assert [change.event for change in changes] == events
    for change in changes:
        is_there = None if change.event == "deleted" or now is None else (now.data, now.children)
        assert (change.data, change.children) == (is_there or (None, None))


# ---- both servers


def test_every_kind_of_change_is_printed(processes: Processes, zookeeper_hosts: str, client: KazooClient) -> None:
    """The contract of --json, to the letter."""
    watch = processes.autohealer("watch", "/a", "--json", env={"AUTOHEALER_ZK": zookeeper_hosts})

    def lines() -> list[dict[str, Any]]:
        text = processes.read()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines() if line.startswith("{")]

    def grown_to(count: int) -> dict[str, Any]:
        return eventually(lambda: lines()[count - 1 :], what=f"line {count}")[0]

    eventually(lambda: "note: Node does not exist: /a" in processes.read())
    client.create("/a", "grüß".encode())
    created = grown_to(1)
    client.create("/a/b")
    children = grown_to(2)
    client.set("/a", b"\xff")
    changed = grown_to(3)
    client.delete("/a", recursive=True)
    eventually(lambda: lines()[-1]["event"] == "deleted")
    watch.send_signal(signal.SIGINT)

    assert watch.wait(20) == 130
    assert created.pop("time").endswith("Z")
    assert created == {"event": "created", "path": "/a", "data": "grüß", "children": []}
    assert (children["event"], children["data"], children["children"]) == ("children", "grüß", ["b"])
    assert (changed["event"], changed["data"], changed["children"]) == ("changed", r"\xff", ["b"])
    assert list(lines()[-1]) == ["time", "event", "path", "data", "children"]
    assert (lines()[-1]["data"], lines()[-1]["children"]) == (None, None)


def test_lines_for_people_hold_no_orders_for_their_terminal(
    processes: Processes, zookeeper_hosts: str, client: KazooClient
) -> None:
    """Nor line ends: a change is a line."""
    client.create("/a", b"\x1b[31m\nred")
    client.create("/a/b")
    processes.autohealer("watch", "/a", env={"AUTOHEALER_ZK": zookeeper_hosts})
    eventually(lambda: processes.read().count("\n") == 2)

    assert [line.split(None, 1)[1] for line in processes.read().splitlines()] == [
        r"created   /a  \x1b[31m\nred",
        "children  /a  [b]",
    ]


def test_what_is_there_comes_first(zookeeper_hosts: str, client: KazooClient, follow: Follow) -> None:
    """As if it were created now."""
    client.create("/a", b"data")
    client.create("/a/b")
    follower = follow(zookeeper_hosts, "/a")
    follower.wait("children", b"data")

    assert follower.seen == [NodeChange("created", b"data", ("b",)), NodeChange("children", b"data", ("b",))]


def test_of_a_burst_the_last_state_is_never_missed(zookeeper_hosts: str, client: KazooClient, follow: Follow) -> None:
    """Whatever was merged on the way."""
    client.create("/a", b"0")
    follower = follow(zookeeper_hosts, "/a")
    follower.wait("created", b"0")
    for n in range(1, 300):
        client.set_async("/a", b"%d" % n)
    for n in range(20):
        client.create("/a/c", b"")
        client.delete("/a/c")
        client.delete("/a")
        client.create("/a", b"life %d" % n)
    client.create("/a/last")
    eventually(lambda: follower.seen[-1].children == ("last",))
    events = [change.event for change in follower.seen]

    assert follower.seen[-1].data == b"life 19"
    assert "deleted" in events
    for one, then in itertools.pairwise(events):
        assert (one == "deleted") == (then == "created")


def test_the_root_of_a_chroot_is_watched_too(zookeeper_hosts: str, client: KazooClient, follow: Follow) -> None:
    """Its path is /."""
    follower = follow(zookeeper_hosts, "/")
    eventually(lambda: follower.seen)
    client.create("/a")

    assert follower.wait("children", follower.seen[0].data).children == ("a",)


def test_what_may_not_be_read_any_more_ends_it(
    zookeeper_hosts: str, client: KazooClient, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one clear error; a real server is silent about it, so it is looked at now and then."""
    monkeypatch.setattr(watching, "LOOK_AGAIN_S", 0.1)
    client.create("/a", b"data")
    follower = follow(zookeeper_hosts, "/a")
    follower.wait("created", b"data")
    client.add_auth("digest", "user:secret")
    client.set_acls("/a", Access.parse("digest:user:secret").acl)
    eventually(lambda: follower.error)

    assert str(follower.error) == "Insufficient permission: /a"


# ---- outages


def test_changes_during_an_outage_are_told_after_it(
    tmp_path: Path, connect: Callable[[str], KazooClient], follow: Follow
) -> None:
    """What has happened is what differs."""
    server = ZooKeeperServer(data_dir=tmp_path)
    server.start()
    client = connect(server.hosts)
    client.create("/a", b"before")
    follower = follow(server.hosts, "/a")
    follower.wait("created", b"before")
    server.stop()
    eventually(lambda: len(follower.notes) == 1)
    server.start()
    client.retry(client.set, "/a", b"after")
    follower.wait("changed", b"after")
    server.stop()

    assert follower.notes[:2] == [
        "ZooKeeper does not answer: what changes now is shown when it does",
        "ZooKeeper answers again",
    ]


def test_a_lost_session_is_replaced(zookeeper_hosts: str, client: KazooClient, follow: Follow) -> None:
    """The watches in it are gone."""
    client.create("/a", b"before")
    follower = follow(zookeeper_hosts, "/a")
    follower.wait("created", b"before")
    session = follower._watching._link.session
    assert session is not None
    _close(zookeeper_hosts, session)
    client.set("/a", b"after")
    follower.wait("changed", b"after")

    assert eventually(lambda: follower._watching._link.session) != session


def test_a_server_that_forgot_everything_is_followed_again(
    monkeypatch: pytest.MonkeyPatch, connect: Callable[[str], KazooClient], follow: Follow
) -> None:
    """It turns away, without a word, every client that has seen more than it knows."""
    monkeypatch.setattr(watching, "SESSION_S", 0.5)
    with ZooKeeperServer() as first:
        connect(first.hosts).create("/a", b"before")
        follower = follow(first.hosts, "/a")
        follower.wait("created", b"before")
    monkeypatch.setattr("autohealer.zkserver.server._first_zxid", lambda _last: 1 << 32)
    with ZooKeeperServer(port=first.port) as second:
        connect(second.hosts).create("/a", b"after")
        follower.wait("created", b"after")


def test_no_answer_in_time_is_said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it has begun it waits for ever, but it must begin."""
    monkeypatch.setattr("autohealer.cli.zk.session.ANSWER_S", 0.2)
    with pytest.raises(SystemExit) as ended:
        main(["watch", "--zk", "127.0.0.1:1", "/a"])

    assert ended.value.code == UnreachableError.exit_code
    assert "no ZooKeeper answers at 127.0.0.1:1 within 0.2 s" in capsys.readouterr().err


def test_a_bad_path_is_a_usage_error() -> None:
    """Before anything is connected."""
    with pytest.raises(UsageError, match="Path must start with /"):
        Watching("127.0.0.1:1", "a", access=PLAIN, note=print)


def _close(hosts: str, session: tuple[int, bytes]) -> None:
    """Close somebody else's session: attach to it and end it in one breath, before its owner comes back for it."""
    host, _, port = split_hosts(hosts)[0].rpartition(":")
    session_id, password = session
    attach = struct.pack(">iqiqi", 0, 0, 10_000, session_id, len(password)) + password + b"\0"
    end = struct.pack(">ii", 1, -11)
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"".join(struct.pack(">i", len(frame)) + frame for frame in (attach, end)))
        with suppress(ConnectionResetError):
            while connection.recv(4096):
                pass
