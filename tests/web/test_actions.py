"""What can be asked of a pool over HTTP, and the one connection to ZooKeeper for all who look."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, cast

import msgspec
import pytest

from autohealer.coordination.admin.pool_client import PoolClient
from autohealer.core.operations import check
from autohealer.errors import AutohealerError, UnreachableError, UsageError
from autohealer.web import session as module
from autohealer.web.actions import ActionBody, operation, read_body
from autohealer.web.session import ClientThread
from tests.support.processes import eventually


class FakeConsole:
    """Writes down what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.is_away = False

    def scale(self, workers: int) -> None:
        self.asked.append(("scale", workers))

    def agents(self) -> dict[str, None]:
        return {"web2-b": None, "web1-a": None}

    def close(self) -> None:
        self.asked.append(("close",))


@pytest.mark.parametrize(
    ("verb", "body", "asked"),
    [
        ("scale", {"workers": 0}, "0"),
        ("scale", {"workers": 100_000}, "100000"),
        ("kill", {"worker": "web1-a-3-9f"}, "web1-a-3-9f"),
        ("restart", {}, ""),
        ("drain", {}, "web1-a"),
        ("drain", {"agent": "web2-b"}, "web2-b"),
        ("undrain", {"agent": "web2-b"}, "web2-b"),
        ("stop", {}, ""),
    ],
)
def test_verbs(verb: str, body: dict[str, object], asked: str) -> None:
    """Each is what the command of that name asks for, and who asks is said."""
    found = operation(verb, msgspec.convert(body, ActionBody), "web1-a", "HTTP from 127.0.0.1")
    assert (found.verb, found.subject, found.by) == (verb, asked, "HTTP from 127.0.0.1")
    assert check(found) is None
    assert found.id != operation(verb, msgspec.convert(body, ActionBody), "web1-a", "").id


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("scale", {}),
        ("scale", {"workers": "10"}),
        ("scale", {"workers": True}),
        ("scale", {"workers": 1.5}),
        ("scale", {"workers": -1}),
        ("scale", {"workers": 100_001}),
        ("kill", {}),
        ("kill", {"worker": "3"}),
        ("kill", {"worker": ["web1-a-3-9f"]}),
        ("kill", {"worker": "../../target"}),
        ("drain", {"agent": 7}),
        ("drain", {"agent": None}),
    ],
)
def test_what_makes_no_sense(verb: str, body: dict[str, object]) -> None:
    """Is refused before anybody is asked."""
    with pytest.raises(UsageError):
        operation(verb, msgspec.convert(body, ActionBody), "web1-a", "")


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b"{", b"\xff", b"[" * 4000, b'{"agent": "\\ud800"}'])
def test_bodies_that_are_no_object(body: bytes) -> None:
    """It is said what would be one."""
    with pytest.raises(UsageError, match="no JSON object"):
        read_body(body)


def test_an_empty_body() -> None:
    """Asks for nothing in particular."""
    assert read_body(b"") == ActionBody()


class Connections:
    """Connects, and counts how often."""

    def __init__(self) -> None:
        self.console, self.count, self.is_away = FakeConsole(), 0, False

    def __call__(self) -> PoolClient:
        self.count += 1
        if self.is_away:
            raise UnreachableError("ZooKeeper does not answer", "check --zk")
        return cast("PoolClient", self.console)


def call(session: ClientThread, function: Callable[[PoolClient], Any]) -> Any:
    return asyncio.run(session.call(function))


def web_threads() -> int:
    return sum(thread.name == "web-zookeeper" for thread in threading.enumerate())


def test_one_session_while_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept for the next question, and closed when there is none; then there is another."""
    monkeypatch.setattr(module, "IDLE_S", 0.3)
    connect = Connections()
    session = ClientThread(connect)
    call(session, lambda console: console.scale(1))
    eventually(lambda: connect.console.asked[-1] == ("close",))
    eventually(lambda: not web_threads())
    call(session, lambda console: console.scale(2))
    assert connect.count == 2
    session.close()
    eventually(lambda: not web_threads())


def test_without_a_thread_who_asks_is_told_and_the_next_one_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may have none to give for a while."""
    session = ClientThread(Connections())
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(UnreachableError, match="no thread to give"):
            call(session, lambda console: console.agents())
    call(session, lambda console: console.scale(1))
    session.close()
    eventually(lambda: not web_threads())


def no_thread(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_after_an_outage() -> None:
    """Who asked is told; the next one gets a new connection. A mistake of who asks costs no connection."""
    connect = Connections()
    session = ClientThread(connect)
    connect.is_away = True
    with pytest.raises(UnreachableError):
        call(session, lambda console: console.agents())
    connect.is_away = False
    assert call(session, lambda console: len(console.agents())) == 2

    def fail(error: Exception) -> Callable[[PoolClient], None]:
        def failing(_: PoolClient) -> None:
            raise error

        return failing

    with pytest.raises(UsageError):
        call(session, fail(UsageError("nobody")))
    call(session, lambda console: console.agents())
    assert connect.count == 2
    with pytest.raises(AutohealerError, match="ValueError"):
        call(session, fail(ValueError("ours")))
    call(session, lambda console: console.agents())
    assert connect.count == 3
    session.close()
    eventually(lambda: not web_threads())


def test_so_many_at_once_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits is bounded."""
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    started, gate, session = threading.Event(), threading.Event(), ClientThread(Connections())

    def hold(_: PoolClient) -> bool:
        started.set()
        return gate.wait(60)

    async def ask() -> list[object]:
        first = asyncio.create_task(session.call(hold))
        await asyncio.to_thread(started.wait, 60)
        rest = [asyncio.create_task(session.call(lambda _: True)) for _ in range(3)]
        await asyncio.sleep(0)
        gate.set()
        return await asyncio.gather(first, *rest, return_exceptions=True)

    found = asyncio.run(ask())
    session.close()
    assert found[:3] == [True, True, True]
    assert isinstance(found[3], UnreachableError)
    eventually(lambda: not web_threads())
