"""What people ask of a pool through ZooKeeper, and agents of each other."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

from autohealer.coordination.pool import requests
from autohealer.core.events import (
    LeadershipWon,
    OperationRequested,
    RequestGone,
)
from autohealer.core.operations import Operation
from tests.coordination.member import Member, entry
from tests.support.processes import eventually


def test_requests_are_told_once_and_deleted_when_answered(member: Callable[..., Member], client: KazooClient) -> None:
    """Expired ones, unknown verbs and nonsense are not told."""
    client.ensure_path("/autohealer/requests")
    later = int(time.time()) + 600
    for data in (
        b'{"verb": "kill", "subject": "host-a-0-x", "expires": %d}' % later,
        b'{"verb": "stop", "subject": "", "expires": 5}',
        b'{"verb": "exec", "subject": "rm", "expires": %d}' % later,
        b"\xff",
    ):
        client.create("/autohealer/requests/r-", data, sequence=True)
    a = member().join()
    a.wait(LeadershipWon)
    told = a.wait(OperationRequested)
    operation = told.operation
    assert (operation.verb, operation.subject, told.stood) == ("kill", "host-a-0-x", True)
    a.do(a.cluster._look_again)
    a.do(a.cluster.answer_request, operation.request)

    # What has expired or makes no sense is nobody's, so the leader clears it away.
    eventually(lambda: client.get_children("/autohealer/requests") == [])
    client.create("/autohealer/requests/r-", b'{"verb": "drain", "subject": "a", "expires": 9e9}', sequence=True)
    assert not a.wait(OperationRequested, lambda e: e.operation.verb == "drain").stood
    assert len(a.of(OperationRequested)) == 2


def test_of_too_many_requests_the_newest_are_told_in_their_order(
    member: Callable[..., Member], client: KazooClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood, of nonsense or not, keeps nobody from being heard; the leader clears what makes no sense."""
    monkeypatch.setattr(requests, "AT_ONCE", 20)
    client.ensure_path("/autohealer/requests")
    for n in range(30):
        data = b"\xff" if n % 2 else b'{"verb": "kill", "subject": "host-a-%d-x", "expires": 9e9}' % n
        client.create("/autohealer/requests/r-", data, sequence=True)
    a = member().join()
    a.wait(LeadershipWon)
    eventually(lambda: len(a.of(OperationRequested)) == 10)
    assert [e.operation.subject for e in a.of(OperationRequested)] == [f"host-a-{n}-x" for n in range(10, 30, 2)]
    client.create("/autohealer/requests/r-", b'{"verb": "stop", "subject": "", "expires": 9e9}', sequence=True)
    a.wait(OperationRequested, lambda e: e.operation.verb == "stop")
    a.do(a.cluster._look_again)
    eventually(lambda: len(client.get_children("/autohealer/requests")) < 31)
    for _ in range(5):
        a.do(a.cluster._look_again)

    def nonsense() -> list[str]:
        found = []
        for name in client.get_children("/autohealer/requests"):
            with suppress(NoNodeError):
                if client.get(f"/autohealer/requests/{name}")[0] == b"\xff":
                    found.append(name)
        return found

    eventually(lambda: len(nonsense()) <= 5)


def test_what_is_behind_too_many_requests_counts_as_gone(
    member: Callable[..., Member], client: KazooClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would hear of its end, and what comes after it would wait for that."""
    monkeypatch.setattr(requests, "AT_ONCE", 2)
    client.ensure_path("/autohealer/requests")
    data = b'{"verb": "restart", "subject": "", "expires": 9e9}'
    paths = [client.create("/autohealer/requests/r-", data, sequence=True) for _ in range(2)]
    a = member().join()
    eventually(lambda: len(a.of(OperationRequested)) == 2)
    client.create("/autohealer/requests/r-", data, sequence=True)

    assert a.wait(RequestGone).request == paths[0].rpartition("/")[2]


def test_what_an_agent_asks_of_others(member: Callable[..., Member], client: KazooClient) -> None:
    """A request for each, told by its own id; who asked is told when the last has been answered."""
    a = member().join()
    b = member("host-b").join()
    answered: list[bool] = []
    restart = Operation("o1", "restart", "", "me@here")
    a.do(a.cluster.forward, restart, ["host-a", "host-b"], lambda _: answered.append(True))
    eventually(lambda: len(b.of(OperationRequested)) == 2)
    told = {e.operation.subject: e.operation for e in b.of(OperationRequested)}
    assert {subject: operation.id for subject, operation in told.items()} == {
        "host-a": "o1/host-a", "host-b": "o1/host-b",
    }  # fmt: skip
    b.do(b.cluster.answer_request, told["host-b"].request)
    eventually(lambda: len(client.get_children("/autohealer/requests")) == 1)
    assert answered == []
    a.do(a.cluster.answer_request, told["host-a"].request)
    eventually(lambda: answered == [True])


def test_a_request_goes_once_what_came_of_it_is_there_to_be_read(
    member: Callable[..., Member], client: KazooClient
) -> None:
    """Its outcome may be in what the agent says of itself: that is written first."""
    a = member().join()
    a.wait(LeadershipWon)
    client.create("/autohealer/requests/r-", b'{"verb":"drain","subject":"a","expires":9e9}', sequence=True)
    request = a.wait(OperationRequested).operation.request
    entries: list[Any] = []
    client.exists(
        f"/autohealer/requests/{request}", lambda _: entries.append(client.get_async("/autohealer/agents/host-a"))
    )

    def answer() -> None:
        a.cluster.publish_agent(entry(7))
        a.cluster.answer_request(str(request))

    a.do(answer)
    eventually(lambda: entries)

    assert b'"running":7' in entries[0].get()[0]
