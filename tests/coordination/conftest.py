"""Agents' clusters, and a plain client to look over their shoulders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kazoo.client import KazooClient

from tests.coordination.member import Member


@pytest.fixture
def member_at() -> Iterator[Callable[..., Member]]:
    """Makes members of the pool at a connection string; the end of the test closes them."""
    members: list[Member] = []

    def made(hosts: str, agent: str = "host-a", **options: Any) -> Member:
        members.append(Member(hosts, agent, **options))
        return members[-1]

    yield made
    for one in members:
        one.end()


@pytest.fixture
def member(zookeeper_hosts: str, member_at: Callable[..., Member]) -> Callable[..., Member]:
    """Makes members of the test's own pool."""

    def made(agent: str = "host-a", hosts: str = zookeeper_hosts, **options: Any) -> Member:
        return member_at(hosts, agent, **options)

    return made


@pytest.fixture
def client(zookeeper_hosts: str, connect: Callable[[str], KazooClient]) -> KazooClient:
    """A client that knows nothing of us; its paths are within the test's chroot."""
    return connect(zookeeper_hosts)
