"""A single-node ZooKeeper server in pure Python: for tests, for development, for one machine.

    from autohealer.zkserver import ZooKeeperServer

    with ZooKeeperServer() as server:
        client = KazooClient(hosts=server.hosts)

With ``data_dir`` tree and sessions outlive the process, however it ends. What is here behaves on the wire as ZooKeeper
3.8 does, oddities included: `tests/zkserver` asks both. Not here are ensembles and reconfig, SASL, TLS, and the
counting of quotas (they are stored). The server is a thread with a loop of its own; `serve_forever` runs it in the
caller's.

From the bytes up:

- jute, frames, protocol, records: the wire
- paths, acl, tree: the nodes and who may do what with them
- sessions, watches, connection: the clients
- transactions and writes, reads, auth: the requests
- upkeep: what is done without one, when its time has come
- engine, four_letter, statistics: what ties them; bytes and the time in, bytes and a deadline out
- entries, journal_batch, record_file, data_directory, journal: what outlives the process
- peer_user, admission: whose a connection is, and who is served
- acceptor, client_socket: the listening socket, and one client's
- loop, server: sockets, threads, files: all that is not pure
- pytest_plugin: the fixture ``zookeeper``
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autohealer.zkserver.data_directory import JournalError
    from autohealer.zkserver.server import ZooKeeperServer

__all__ = ["JournalError", "ZooKeeperServer"]

_HOMES = {"JournalError": "autohealer.zkserver.data_directory", "ZooKeeperServer": "autohealer.zkserver.server"}


def __getattr__(name: str) -> object:
    # Imported when asked for: pytest imports this package for its plugin, in projects that may never use it.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
