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

from autohealer.coordination.election.election import Election, ElectionCallbacks
from autohealer.coordination.pool.listing import CALM_S
from autohealer.coordination.session.access import PLAIN
from autohealer.coordination.session.ensemble import Ensemble
from autohealer.coordination.session.link import Link
from tests.support.clusters import Cluster, Host
from tests.support.pools import children
from tests.support.processes import ROOT, eventually
from tests.support.proxy import Proxy
from tests.support.real_zookeeper import RealZooKeeper

CANDIDATES = 50
PING, CHILDREN, EXISTS = 11, 8, 3
# Registers itself, and is quick at it: the leader waits a second for a replacement.
QUICK = (sys.executable, "-I", "-S", ROOT / "tests" / "support" / "quick_worker.py")


@pytest.fixture
def proxy(ensemble: RealZooKeeper) -> Iterator[Proxy]:
    """Counts what candidates ask and are told."""
    with Proxy(ensemble.hosts) as made:
        yield made


class Candidate:
    """Stands for election, and does nothing else."""

    def __init__(self, number: int, servers: str, loop: asyncio.AbstractEventLoop) -> None:
        self.epoch: int | None = None
        call_soon: Callable[..., Any] = loop.call_soon_threadsafe
        self.link = Link(Ensemble(servers, 10.0), observer=self, call_soon=call_soon)
        self._election = Election(self.link, "/herd", f"c{number:02}", PLAIN, ElectionCallbacks(self._won, self._lost))

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


class Pool:
    """Agents on so many hosts, each behind a proxy that counts what it asks. Workers go to the servers directly."""

    def __init__(
        self, cluster: Cluster, hosts: int, registration: str, *, by_itself: bool, with_addresses: bool = False
    ) -> None:
        self._cluster, self._suffix = cluster, "" if by_itself else ".agent"
        self._with_addresses = with_addresses
        command = (*QUICK, cluster.hosts) if by_itself else ("sleep", "1000")
        options = ("--registration", registration, *(("--port-base", "8000") if with_addresses else ()))
        self.hosts = cluster.start(6, hosts, proxied=range(hosts), command=command, options=options)
        eventually(self.registered)
        eventually(self.quiet)

    def registered(self) -> bool:
        workers = {worker["worker"] for host in self.hosts for worker in host.workers().values()}
        ids = {f"{worker}{self._suffix}" for worker in workers}
        addresses = set(children(self._cluster.client, "/service_registry"))
        are_there = addresses == (workers if self._with_addresses else set())
        return len(ids) == 6 and set(children(self._cluster.client, "/workers")) == ids and are_there

    def quiet(self) -> bool:
        """Nothing is asked for longer than a leader waits before it looks."""
        before, until = self.requests(), time.monotonic() + CALM_S * 1.5
        eventually(lambda: time.monotonic() >= until or before != self.requests())
        return before == self.requests()

    def requests(self) -> list[Counter[int]]:
        """What each agent has asked for so far."""
        return [Counter(kind for kind in host.proxy.requests if kind != PING) for host in self.hosts if host.proxy]

    def heal(self, host: Host) -> list[Counter[int]]:
        """Kill a worker there; what each agent asks for until all is quiet again."""
        before = self.requests()
        victim = host.living()[0]
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: victim not in host.living() and self.registered())
        eventually(self.quiet)
        return [after - count for after, count in zip(self.requests(), before, strict=True)]


@pytest.mark.parametrize(
    ("hosts", "registration", "by_itself", "with_addresses"),
    [
        (3, "agent", False, False),
        (1, "auto", False, False),
        (3, "auto", False, False),
        (3, "auto", True, False),
        (1, "self", True, False),
        (1, "agent", False, True),
        (3, "auto", True, True),
    ],
)
def test_requests_of_a_heal(
    cluster: Cluster, hosts: int, registration: str, by_itself: bool, with_addresses: bool
) -> None:
    """Four by the agent at most, one more for an address, one listing by the leader, and nothing by anybody else.

    The best of a few: a worker may take longer to register than a leader waits, and an agent looks at everything now
    and then.
    """
    pool = Pool(cluster, hosts, registration, by_itself=by_itself, with_addresses=with_addresses)
    heals = []
    for _ in range(6):
        leader, *others = pool.heal(pool.hosts[-1])
        healer = (others[-1] if others else leader) - Counter({CHILDREN: 1 if not others else 0})
        heals.append((leader, others))
        idle = [leader - Counter({CHILDREN: 1}), *others[:-1]] if others else []
        if healer.total() <= 4 + with_addresses and not any(idle):
            return
    raise AssertionError(heals)
