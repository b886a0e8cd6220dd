"""Agents' clusters, and a plain client to look over their shoulders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kazoo.client import KazooClient

from tests.coordination.member import Member

Join = Callable[..., Member]


@pytest.fixture
def member(zookeeper_hosts: str) -> Iterator[Callable[..., Member]]:
    """Makes members of a pool; the end of the test closes them."""
    members: list[Member] = []

    def made(agent: str = "host-a", hosts: str = zookeeper_hosts, **options: Any) -> Member:
        members.append(Member(hosts, agent, **options))
        return members[-1]

    yield made
    for one in members:
        one.end()


@pytest.fixture
def client(zookeeper_hosts: str, connect: Callable[[str], KazooClient]) -> KazooClient:
    """A client that knows nothing of us; its paths are within the test's chroot."""
    return connect(zookeeper_hosts)
