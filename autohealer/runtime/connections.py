"""Which workers hold a connection to ZooKeeper: such a worker may have registered itself."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress

from autohealer.coordination.pool.paths import split_hosts


def inspect_connections(workers: Mapping[int, str], hosts: str, tell: Callable[[frozenset[str]], object]) -> None:
    """Look, in a thread of its own, at these processes; ``tell`` gets the workers, none where the look has failed."""

    def told(future: asyncio.Future[set[int]]) -> None:
        tell(frozenset() if future.exception() else frozenset(workers[pid] for pid in future.result()))

    looking = asyncio.get_running_loop().run_in_executor(None, _connected, list(workers), hosts)
    looking.add_done_callback(told)


def _connected(pids: list[int], hosts: str) -> set[int]:
    """Which of these processes hold a connection to one of the servers. Takes its time: not for the loop's thread."""
    from autohealer.processes.stats import holding_connection  # noqa: PLC0415 - only where somebody asks

    addresses = set()
    for server in split_hosts(hosts)[0].split(","):
        host, _, port = server.strip().rpartition(":")
        with suppress(OSError):
            found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
            addresses |= {(str(address[4][0]), int(address[4][1])) for address in found}
    return holding_connection(pids, addresses)
