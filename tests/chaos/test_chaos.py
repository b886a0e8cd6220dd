"""Random faults from a seed on three agents and three servers: exactly N at the end, and nothing left after a stop."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from tests.chaos.faults import Scene
from tests.chaos.monkey import rage
from tests.support.clusters import Cluster
from tests.support.processes import eventually
from tests.support.real_zookeeper import RealZooKeeper, available

SEED = 20261127
SECONDS = 60.0


@pytest.fixture
def scene(tmp_path: Path, connect: Callable[[str], KazooClient]) -> Iterator[Scene]:
    if reason := available():
        pytest.fail(reason)
    with RealZooKeeper(servers=3) as zookeeper:
        cluster = Cluster(tmp_path, f"{zookeeper.hosts}/chaos", connect)
        yield Scene(cluster, zookeeper, random.Random(SEED), target=6)
        cluster.end()


@pytest.mark.timeout(400)
def test_whatever_happens_there_are_n_in_the_end_and_none_after_a_stop(scene: Scene) -> None:
    scene.cluster.start(scene.target, 3)
    said: list[str] = []
    assert rage(scene, SECONDS, said.append) > 20
    scene.cluster.until_rest(scene.target, timeout=90.0)
    agents = [host.agent for host in scene.cluster.running()]
    stopped = scene.some_host().call("stop")
    assert stopped.returncode == 0, (stopped, said)
    assert [agent.wait(60) for agent in agents] == [0, 0, 0], said
    eventually(lambda: scene.cluster.living() == [], what=f"nothing left after {said}")
