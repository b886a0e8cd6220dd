"""What is done to a cluster. Each fault is a function that does it, and gives what makes it good again, if anything."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from tests.support.clusters import Cluster, Host
from tests.support.real_zookeeper import RealZooKeeper

Remedy = Callable[[], object]


@dataclass
class Scene:
    """What faults are done to; ``target`` is what the pool should have."""

    cluster: Cluster
    zookeeper: RealZooKeeper
    choices: random.Random
    target: int

    def some_host(self) -> Host:
        """One whose agent runs."""
        return self.choices.choice(self.cluster.running())


Fault = Callable[[Scene], Remedy | None]


def kill_a_worker(scene: Scene) -> Remedy | None:
    """SIGKILL to one worker of any host."""
    if pids := scene.cluster.living():
        _signal(scene.choices.choice(pids), signal.SIGKILL)
    return None


def kill_half_of_a_host(scene: Scene) -> Remedy | None:
    """SIGKILL to half of one host's workers in one moment."""
    pids = scene.some_host().living()
    for pid in scene.choices.sample(pids, len(pids) // 2):
        _signal(pid, signal.SIGKILL)
    return None


def kill_an_agent(scene: Scene) -> Remedy | None:
    """SIGKILL to an agent; its workers live on, and the next agent there adopts them."""
    host = scene.some_host()
    host.kill_agent()
    return lambda: scene.cluster.run(host, scene.target)


def freeze_an_agent(scene: Scene) -> Remedy | None:
    """SIGSTOP to an agent, for longer than its session or not."""
    agent = scene.some_host().agent
    agent.send_signal(signal.SIGSTOP)
    return lambda: agent.send_signal(signal.SIGCONT)


def lose_a_host(scene: Scene) -> Remedy | None:
    """An agent and all its workers, in one moment."""
    host = scene.some_host()
    host.die()
    return lambda: scene.cluster.run(host, scene.target)


def kill_a_server(scene: Scene) -> Remedy | None:
    """SIGKILL to one ZooKeeper server."""
    index = scene.choices.randrange(3)
    scene.zookeeper.kill(index)
    return lambda: scene.zookeeper.restart(index)


def freeze_a_server(scene: Scene) -> Remedy | None:
    """SIGSTOP to one ZooKeeper server."""
    index = scene.choices.randrange(3)
    scene.zookeeper.pause(index)
    return lambda: scene.zookeeper.resume(index)


def scale(scene: Scene) -> Remedy | None:
    """Another target."""
    target = scene.choices.randint(3, 9)
    if scene.some_host().call("scale", "--no-wait", str(target)).returncode == 0:
        scene.target = target
    return None


def restart(scene: Scene) -> Remedy | None:
    """A rolling restart of all workers, which nobody waits for."""
    scene.some_host().call("restart", "--no-wait")
    return None


# Deaths of workers are what happens most.
FAULTS: tuple[Fault, ...] = (
    *(kill_a_worker, kill_a_worker, kill_a_worker, kill_half_of_a_host),
    *(kill_an_agent, freeze_an_agent, lose_a_host, kill_a_server, freeze_a_server, scale, restart),
)


def _signal(pid: int, signum: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signum)
