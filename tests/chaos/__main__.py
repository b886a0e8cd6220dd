"""``python -m tests.chaos``: rounds of random faults, each with a seed of its own, for as long as one likes."""

from __future__ import annotations

import random
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click
from kazoo.client import KazooClient

from tests.chaos.faults import Scene, kill_a_worker
from tests.chaos.monkey import rage
from tests.chaos.watch import Cost
from tests.conftest import RECONNECTING
from tests.support.clusters import Cluster
from tests.support.real_zookeeper import RealZooKeeper


@click.command()
@click.option("--minutes", default=60.0, show_default=True, help="How long in all.")
@click.option("--round", "round_s", default=60.0, show_default=True, help="Seconds of faults before each rest.")
@click.option("--seed", type=int, help="Of the first round.  [default: another one each time]")
@click.option("--keep", is_flag=True, help="Keep the agents over the rounds, to see whether they grow.")
def main(minutes: float, round_s: float, seed: int | None, *, keep: bool) -> None:
    """Random faults on three agents and three ZooKeeper servers, with exactly N at rest after each round."""
    end = time.monotonic() + minutes * 60
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, RealZooKeeper(servers=3) as zookeeper:
        cluster = Cluster(Path(folder), f"{zookeeper.hosts}/soak", _connected)
        scene = Scene(cluster, zookeeper, random.Random(), target=6)
        try:
            cluster.start(scene.target, 3)
            while time.monotonic() < end:
                chosen = secrets.randbelow(2**31) if seed is None else seed
                seed = None
                scene.choices.seed(chosen)
                say = _told(f"seed {chosen}")
                faults = _only_workers(scene, round_s) if keep else rage(scene, round_s, say)
                cluster.until_rest(scene.target, timeout=120.0)
                costs = [str(Cost.of(host.agent.pid)) for host in cluster.running()]
                say(f"at rest with {scene.target} after {faults} faults; agents: {'; '.join(costs)}")
        except AssertionError as error:
            click.echo(f"did not hold: {error}", err=True)
            sys.exit(1)
        finally:
            cluster.end()


def _only_workers(scene: Scene, seconds: float) -> int:
    """Deaths of workers alone, as quick as they are healed: the agents live on, and what they keep shows."""
    end, done = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        kill_a_worker(scene)
        done += 1
        time.sleep(0.02)
    return done


def _told(prefix: str) -> Callable[[str], None]:
    return lambda text: click.echo(f"{datetime.now():%H:%M:%S} {prefix}: {text}")


def _connected(hosts: str) -> KazooClient:
    client = KazooClient(hosts=hosts, timeout=10, connection_retry=RECONNECTING)
    client.start()
    return client


if __name__ == "__main__":
    main()
