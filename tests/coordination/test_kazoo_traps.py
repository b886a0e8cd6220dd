"""What kazoo does that one would not think, and that this package is built around.

Each of these held for kazoo 2.11. One that fails after an upgrade is no fault here: it is good news, or a reason to
look again at what leans on it.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import ConnectionClosedError, ConnectionLoss
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.protocol.states import EventType, KazooState, WatchedEvent
from kazoo.retry import KazooRetry

from autohealer.coordination.session.access import Access
from autohealer.coordination.session.client import kazoo_client
from autohealer.core.events import LeadershipWon
from tests.coordination.member import Member, expire
from tests.support.processes import eventually
from tests.support.real_zookeeper import RealZooKeeper

Connect = Callable[[str], KazooClient]


def cut(client: KazooClient) -> None:
    """Break the connection; the session lives on."""
    client._connection._socket.shutdown(socket.SHUT_RDWR)


def watch_told(client: KazooClient) -> None:
    """Wait until every watch event so far has been told: they are told one after the other."""
    told = threading.Event()
    client.create("/barrier", b"")
    client.exists("/barrier", lambda _: told.set())
    client.delete("/barrier")
    assert told.wait(20)


def test_a_lock_stays_acquired_when_its_session_is_lost(zk_hosts: str, connect: Connect) -> None:
    """So is_acquired, and the election on top of it, prove nothing."""
    client = connect(zk_hosts)
    lost = threading.Event()
    client.add_listener(lambda state: lost.set() if state == KazooState.LOST else None)
    lock = client.Lock("/lock", "me")
    lock.acquire(timeout=20)
    expire(zk_hosts, client.client_id)
    assert lost.wait(20)
    eventually(lambda: client.connected)
    eventually(lambda: client.get_children("/lock") == [])

    assert lock.is_acquired


def test_while_the_server_is_away_nothing_is_lost_and_everything_blocks() -> None:
    """LOST comes from a server's refusal only, and a call that nobody answers ends by its own timeout or not at all."""
    with RealZooKeeper() as server:
        client = KazooClient(hosts=server.hosts, timeout=0.4, connection_retry={"max_tries": -1, "max_delay": 0.1})
        client.start()
        suspended, lost = threading.Event(), threading.Event()
        heard = {KazooState.SUSPENDED: suspended, KazooState.LOST: lost}
        client.add_listener(lambda state: heard[state].set() if state in heard else None)
        server.kill(0)
        assert suspended.wait(20)
        answer = client.get_async("/")
        with pytest.raises(KazooTimeoutError):
            answer.get(timeout=0.6)

        assert not lost.wait(0.6)
        assert client.state == KazooState.SUSPENDED
        client.stop()
        client.close()


def test_pauses_grow_to_an_hour_by_default() -> None:
    """And to a second here."""
    by_default, ours = KazooClient()._conn_retry, kazoo_client("127.0.0.1:1", 1.0, Access())._conn_retry

    assert (by_default.max_delay, KazooRetry().max_delay) == (3600, 60)
    assert (ours.max_tries, ours.delay, ours.backoff, ours.max_delay) == (-1, 0.05, 1.5, 1.0)


def test_a_children_watch_ends_with_its_node(zk_hosts: str, connect: Connect) -> None:
    """For ever, and silently: when the node is made again, nobody hears of its children."""
    client = connect(zk_hosts)
    client.create("/parent")
    told: list[list[str]] = []
    client.ChildrenWatch("/parent", told.append)
    client.delete("/parent")
    watch_told(client)
    client.create("/parent")
    client.create("/parent/child")
    watch_told(client)

    assert told == [[]]


def test_a_data_watch_hides_a_type_error(zk_hosts: str, connect: Connect) -> None:
    """It takes one for a callback of two arguments, and calls it a second time."""
    client = connect(zk_hosts)
    client.create("/node", b"x")
    calls: list[int] = []

    def broken(*arguments: object) -> None:
        calls.append(len(arguments))
        if len(arguments) == 3:
            raise TypeError("a bug")

    client.DataWatch("/node", broken)

    assert calls == [3, 2]


def test_a_megabyte_breaks_the_connection(zk_hosts: str, connect: Connect) -> None:
    """It is no error of the request, so one that retries does so for ever."""
    client = connect(zk_hosts)
    suspended = threading.Event()
    client.add_listener(lambda state: suspended.set() if state == KazooState.SUSPENDED else None)
    with pytest.raises(ConnectionLoss):
        client.create_async("/huge", b"x" * (2**20 + 10)).get(timeout=20)

    assert suspended.wait(20)


def test_watches_do_not_outlive_a_connection(zk_hosts: str, connect: Connect) -> None:
    """They are told of its end by an event without type, and are not set again."""
    client, other = connect(zk_hosts), connect(zk_hosts)
    client.create("/node")
    told: list[WatchedEvent] = []
    client.exists("/node", told.append)
    cut(client)
    eventually(lambda: told)
    eventually(lambda: client.connected)
    client.exists("/node")
    other.set("/node", b"new")
    watch_told(client)

    assert [event.type for event in told] == [EventType.NONE]


def test_the_granted_timeout_is_nowhere(zk_hosts: str) -> None:
    """Kazoo's own field is what was asked for, so it has to be overheard."""
    client = kazoo_client(zk_hosts, 600, Access())
    client.start()

    assert client._session_timeout == 600_000
    assert client.handshake.granted_s == 60.0
    client.stop()
    client.close()


def test_no_server_is_waited_for_until_the_session_has_ended() -> None:
    """Kazoo gives each that takes no connection all of its timeout."""
    waited: list[tuple[object, float]] = []
    client = kazoo_client("a:1,b:1,c:1", 8.0, Access())
    client.handshake._create = lambda address, timeout: waited.append((address, timeout))
    client.handler.create_connection(address=("a", 1), timeout=client._session_timeout / 1000)

    assert waited == [(("a", 1), 2.0)]


def test_a_closed_client_answers_at_once(zk_hosts: str) -> None:
    """With an error, rather than never."""
    client = KazooClient(hosts=zk_hosts)
    with pytest.raises(ConnectionClosedError):
        client.get_async("/").get(timeout=20)


def test_kazoo_says_nothing_of_secrets() -> None:
    """At its most talkative it would log the session's password, and what it says must not reach a user's terminal."""
    kazoo_client("127.0.0.1:1", 1.0, Access())
    log = logging.getLogger("kazoo")

    assert log.getEffectiveLevel() >= logging.WARNING
    assert not log.propagate
    assert log.hasHandlers()


def test_everything_comes_in_the_order_of_the_wire(member: Callable[..., Member]) -> None:
    """A watch before the answer to the write that fired it, and kazoo's own callback threads are not even started."""
    a = member().join()
    a.wait(LeadershipWon)
    link, path = a.cluster._link, a.paths.services + "/node"
    order: list[str] = []

    def answered(what: str) -> Callable[[Any, Exception | None], None]:
        return lambda _value, _error: order.append(what)

    def ask() -> None:
        for n in range(50):
            link.exists(f"{path}{n}", answered("looked"), lambda event: order.append(event.type))
            link.create(f"{path}{n}", b"", Access().acl, answered("made"), ephemeral=True)

    a.do(ask)
    eventually(lambda: len(order) == 150)

    made = [n for n, what in enumerate(order) if what == "made"]
    assert all(order[:n].count("CREATED") > order[:n].count("made") for n in made)
    assert a.kazoo.handler._workers == []
