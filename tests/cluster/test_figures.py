"""How quick it is, and how much there may be. ``figures`` measures it many times, on a machine at rest."""

from __future__ import annotations

import json
import os
import signal
from statistics import median

from kazoo.client import KazooClient

from tests.cluster.figures import HOSTS, MORE, N, time_to_grow
from tests.support.clusters import Cluster
from tests.support.processes import eventually

# A tenth of a second where nothing else runs: ``figures`` tells.
WITHIN_S = 1.0
TRIES = 3
# Together more than ZooKeeper's usual limit to what is sent, 1 MiB.
STRANGERS, LONG = 6000, "h" * 200
BATCH = 500


def test_a_new_target_is_obeyed_on_other_hosts_at_once(cluster: Cluster) -> None:
    """The median counts: a machine may be busy for a moment."""
    cluster.start(N, HOSTS)
    took = []
    for number in range(TRIES):
        took.append(time_to_grow(cluster, N + MORE * number, MORE)[0])
        cluster.until_rest(N + MORE * (number + 1))

    assert median(took) < WITHIN_S, took


def register_strangers(client: KazooClient) -> None:
    """Workers of agents that are not there."""
    for start in range(0, STRANGERS, BATCH):
        transaction = client.transaction()
        for number in range(start, start + BATCH):
            transaction.create(f"/workers/{LONG}-{number}-x", b"", ephemeral=True)
        assert not any(isinstance(result, Exception) for result in transaction.commit())


def test_more_than_a_mebibyte_of_registrations(cluster: Cluster) -> None:
    """They are listed and counted, heals go on, and when they are gone their places are taken."""
    hosts = cluster.start(N, 2)
    client = cluster.connect(cluster.hosts.partition("/")[0])
    client.chroot = cluster.client.chroot
    register_strangers(client)
    assert sum(map(len, client.get_children("/workers"))) > 2**20
    # More than are wanted in all: nobody else need run.
    eventually(lambda: cluster.plan()["foreign"] == STRANGERS, 60.0, str(cluster.plan()))
    cluster.until_rest(0)
    cluster.client.set("/autohealer/target", json.dumps({"workers": STRANGERS + N}).encode())
    cluster.until_rest(N)
    victim = hosts[0].living()[0]
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: victim not in cluster.living())
    cluster.until_rest(N)
    cluster.client.set("/autohealer/target", json.dumps({"workers": N}).encode())
    cluster.until_rest(0)
    client.stop()
    eventually(lambda: cluster.plan()["foreign"] == 0, 60.0, str(cluster.plan()))
    cluster.until_rest(N)
