"""The ZooKeeper server inside an agent process: one for all of its pools, where they are given no other."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from autohealer.processes.tree import procfs
from autohealer.runtime.claim import Claim
from autohealer.runtime.state_dir import ServerDir
from autohealer.zkserver import ZooKeeperServer

USUAL_PORT = 2181
_PORTS_TRIED = 20
_EPHEMERAL_FROM = 32_768


def start_server(claims: Sequence[Claim], state_dir: str | None, *, several: bool, stack: ExitStack) -> ZooKeeperServer:
    """Start it; ``stack`` stops it. Raises AutohealerError.

    The journal of a single pool's server is in the pool's folder; that of several pools is in ``.server``.
    """
    journal = claims[0].state.journal_dir
    if several:
        home = ServerDir(state_dir)
        home.claim()
        stack.callback(home.release)
        journal = home.journal_dir
    server = _listen([claim.ledger.facts.server_port for claim in claims], journal)
    stack.callback(server.stop)
    return server


def _listen(former: Sequence[int | None], journal: Path) -> ZooKeeperServer:
    """Where it was in its former life (workers know it there), at the usual port, or at another one."""
    known = dict.fromkeys(port for port in former if port)
    for port in (*known, USUAL_PORT, *_quiet_ports(), 0):
        server = ZooKeeperServer(port=port, data_dir=journal)
        try:
            server.start()
        except OSError:
            if port == 0:
                raise
        else:
            return server
    raise AssertionError("port 0 either starts or raises")


def _quiet_ports() -> Iterator[int]:
    """Ports that the kernel gives to nobody by itself: one of these is still free when the next agent wants it."""
    text = (procfs.read_file("/proc/sys/net/ipv4/ip_local_port_range", 64) or b"").split()
    first = int(text[0]) if text and text[0].isdigit() else _EPHEMERAL_FROM
    least = min(10_000, first // 2)
    for _ in range(_PORTS_TRIED):
        yield least + secrets.randbelow(first - least)
