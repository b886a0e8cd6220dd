"""Hosts on a real ensemble of three; each is a state directory, and a network of its own where it is to be cut."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from tests.support.clusters import Cluster
from tests.support.real_zookeeper import RealZooKeeper, available

Connect = Callable[[str], KazooClient]

_chroot_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def ensemble() -> Iterator[RealZooKeeper]:
    """Three servers that are up. Tests that kill one start their own."""
    if reason := available():
        pytest.fail(reason)
    with RealZooKeeper(servers=3) as servers:
        yield servers


@pytest.fixture
def cluster(tmp_path: Path, ensemble: RealZooKeeper, connect: Connect) -> Iterator[Cluster]:
    """A pool's hosts, on a chroot of its own that is not there yet."""
    made = Cluster(tmp_path, f"{ensemble.hosts}/cluster-{next(_chroot_numbers)}", connect)
    yield made
    made.end()


@pytest.fixture
def mortal() -> Iterator[RealZooKeeper]:
    """Three servers that may be killed."""
    with RealZooKeeper(servers=3) as servers:
        yield servers


@pytest.fixture
def mortal_cluster(tmp_path: Path, mortal: RealZooKeeper, connect: Connect) -> Iterator[Cluster]:
    """A pool's hosts on an ensemble that may be killed."""
    made = Cluster(tmp_path, f"{mortal.hosts}/pool", connect)
    yield made
    made.end()
