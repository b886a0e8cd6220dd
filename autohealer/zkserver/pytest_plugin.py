"""A fixture for everybody's tests of ZooKeeper clients: ``zookeeper``, an empty server of the test's own.

    def test_my_lock(zookeeper):
        client = KazooClient(hosts=zookeeper.hosts)
        client.start()
        ...

It is there wherever this package is installed: no Java, no port to choose, a millisecond to start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autohealer.zkserver.server import ZooKeeperServer


@pytest.fixture
def zookeeper() -> Iterator[ZooKeeperServer]:
    """A ZooKeeper server that keeps nothing and ends with the test; ``zookeeper.hosts`` is for its clients."""
    from autohealer.zkserver.server import ZooKeeperServer  # noqa: PLC0415  # whoever has no use for it pays nothing

    with ZooKeeperServer() as server:
        yield server
