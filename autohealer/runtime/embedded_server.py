"""The ZooKeeper server inside an agent process: one for all of its pools, where they are given no other."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from autohealer.processes.tree import procfs
from autohealer.processes.tree.users import users_of_workers
from autohealer.runtime.claim import Claim
from autohealer.runtime.state_dir import ServerDir
from autohealer.zkserver import ZooKeeperServer

USUAL_PORT = 2181
_log = logging.getLogger("autohealer.zkserver")
_PORTS_TRIED = 20
_EPHEMERAL_FROM = 32_768


class _ServerLog(logging.Handler):
    """What the server logs goes where the agent's other warnings go: stderr may be a dashboard's."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        super().__init__()
        self._warn = warn

    def emit(self, record: logging.LogRecord) -> None:
        """Called in the server's thread."""
        self._warn(f"embedded server: {self.format(record)}")


def start_server(
    claims: Sequence[Claim],
    state_dir: str | None,
    *,
    several: bool,
    warn: Callable[[str], None],
    stack: ExitStack,
) -> ZooKeeperServer:
    """Start it; ``stack`` stops it. Raises AutohealerError.

    The journal of a single pool's server is in the pool's folder; that of several pools is in ``.server``. Every user
    of the machine can reach it, and only some are served: our own, root, and those that our workers run as.
    """
    journal = claims[0].state.journal_dir
    if several:
        home = ServerDir(state_dir)
        home.claim()
        stack.callback(home.release)
        journal = home.journal_dir

    def users() -> set[int]:
        # called in the server's thread: each dictionary is copied in one step
        entries = [entry for claim in claims for entry in list(claim.ledger.workers.values())]
        return users_of_workers((entry.pid, entry.start_time) for entry in entries)

    complaints = _ServerLog(warn)
    _log.addHandler(complaints)
    stack.callback(_log.removeHandler, complaints)
    server = _listen([claim.ledger.facts.server_port for claim in claims], journal, users)
    stack.callback(server.stop)
    return server


def _listen(former: Sequence[int | None], journal: Path, users: Callable[[], set[int]]) -> ZooKeeperServer:
    """Where it was in its former life (workers know it there), at the usual port, or at another one."""
    known = dict.fromkeys(port for port in former if port)
    for port in (*known, USUAL_PORT, *_quiet_ports(), 0):
        server = ZooKeeperServer(port=port, data_dir=journal, users=users)
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
