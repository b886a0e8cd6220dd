"""What it costs ZooKeeper: watch events when a leader goes, requests when a worker is healed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from autohealer.coordination.access import Access
from autohealer.coordination.election import Election
from autohealer.coordination.link import Link
from tests.support.clusters import Cluster, Host
from tests.support.pools import children
from tests.support.processes import ROOT, eventually
from tests.support.proxy import Proxy
from tests.support.real_zookeeper import RealZooKeeper

CANDIDATES = 50
PING, CHILDREN, EXISTS = 11, 8, 3
STEADY = (sys.executable, ROOT / "flaky_worker" / "flaky_worker.py", "--fault", "none", "--session-timeout", "2")


@pytest.fixture
def proxy(ensemble: RealZooKeeper) -> Iterator[Proxy]:
    """Counts what candidates ask and are told."""
    with Proxy(ensemble.hosts) as made:
        yield made


class Candidate:
    """Stands for election, and does nothing else."""

    def __init__(self, number: int, servers: str, loop: asyncio.AbstractEventLoop) -> None:
        self.epoch: int | None = None
        access = Access.parse(None)
        call_soon: Callable[..., Any] = loop.call_soon_threadsafe
        self.link = Link(servers, 10.0, observer=self, call_soon=call_soon, prior=None, access=access)
        self._election = Election(self.link, "/herd", f"c{number:02}", access, won=self._won, lost=self._lost)

    def _won(self, epoch: int) -> None:
        self.epoch = epoch

    def _lost(self) -> None:
        self.epoch = None

    def opened(self, granted_s: float, *, resumed: bool) -> None:
        self._election.resume()

    def resumed(self) -> None:
        self._election.resume()

    def suspended(self) -> None:
        self._election.cut()

    def lost(self) -> None:
        self._election.cut()

    def denied(self, path: str) -> None:
        raise AssertionError(path)

    @property
    def stands(self) -> bool:
        """Whether it has its place in the queue, and has asked all that it will."""
        return self._election.node is not None and not self._election._busy


def test_no_herd(cluster: Cluster, proxy: Proxy) -> None:
    """When the first of fifty goes, one is told of it; only that one asks anything, and leads."""
    servers = cluster.client
    servers.chroot = ""
    servers.ensure_path("/herd")

    async def lead() -> None:
        loop = asyncio.get_running_loop()
        first = Candidate(0, cluster.hosts.partition("/")[0], loop)
        first.link.connect()
        await until(lambda: first.epoch is not None)
        candidates = [Candidate(number, proxy.hosts, loop) for number in range(1, CANDIDATES)]
        try:
            for candidate in candidates:
                candidate.link.connect()
            await until(lambda: all(candidate.stands for candidate in candidates))
            queue = sorted(servers.get_children("/herd"), key=lambda name: name.rpartition(":")[2])
            proxy.requests.clear()
            proxy.events = 0
            first.link.close(10)
            await until(lambda: any(candidate.epoch is not None for candidate in candidates))
            (heir,) = [candidate for candidate in candidates if candidate.epoch is not None]
            assert heir.epoch == servers.exists(f"/herd/{queue[1]}").czxid
            assert proxy.events == 1
            assert Counter(proxy.requests) - Counter({PING: 10**6}) == {CHILDREN: 1, EXISTS: 1}
        finally:
            for candidate in candidates:
                candidate.link.close(0)

    asyncio.run(lead())


async def until(probe: Callable[[], bool]) -> None:
    """Wait for it while the loop runs."""
    for _ in range(4000):
        if probe():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("not within 40 s")


@pytest.mark.parametrize("by_itself", [False, True], ids=["stand-ins", "by themselves"])
def test_requests_of_a_heal(cluster: Cluster, by_itself: bool) -> None:
    """Four by the agent at most, a listing by the leader for each change, and nothing by anybody else.

    There are two changes: a registration goes, and another one comes.
    """
    # Workers go to the servers directly, so that only agents are counted.
    command = (*STEADY, "--zk", cluster.hosts) if by_itself else ("sleep", "1000")
    hosts = cluster.start(9, 3, proxied=(0, 1, 2), command=command)
    suffix = "" if by_itself else ".agent"

    def registered() -> bool:
        ids = {f"{worker['worker']}{suffix}" for host in hosts for worker in host.workers().values()}
        return len(ids) == 9 and set(children(cluster.client, "/workers")) == ids

    def requests(host: Host) -> Counter[int]:
        assert host.proxy is not None
        return Counter(kind for kind in host.proxy.requests if kind != PING)

    def quiet() -> bool:
        """Nothing is asked for half a second."""
        before, until = [requests(host) for host in hosts], time.monotonic() + 0.5
        while time.monotonic() < until and before == [requests(host) for host in hosts]:
            time.sleep(0.02)
        return before == [requests(host) for host in hosts]

    eventually(registered)
    eventually(quiet)
    before = [requests(host) for host in hosts]
    victim = hosts[1].living()[0]
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: victim not in hosts[1].living() and registered())
    eventually(quiet)
    leader, healer, other = (requests(host) - count for host, count in zip(hosts, before, strict=True))
    assert healer.total() <= 4, healer
    assert leader <= Counter({CHILDREN: 2}), leader
    assert other == {}, other
