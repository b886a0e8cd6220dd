"""What can be learnt of a ZooKeeper and of a pool's nodes in it. For ``doctor``, which judges."""

from __future__ import annotations

import re
import socket
import time
from contextlib import suppress
from typing import Any

import msgspec
from kazoo.exceptions import KazooException, NoNodeError

from autohealer.coordination.admin.blocking_client import SESSION_S, BlockingClient
from autohealer.coordination.pool.paths import Paths, split_hosts
from autohealer.coordination.session.access import Access
from autohealer.errors import AutohealerError

_VERSION = re.compile(rb"Zookeeper version: ([0-9.]+)")
_MODE = re.compile(rb"Mode: (\w+)")
_ANSWER_BYTES = 4096


class Server(msgspec.Struct, frozen=True):
    """One server of the connection string; ``mode`` is leader, follower, standalone, or empty where it does not say."""

    address: str
    reachable: bool
    version: str
    mode: str


class Inspection(msgspec.Struct, frozen=True):
    """``clock_ahead_s``: how far this host's clock is before ZooKeeper's; None where it is not known."""

    servers: tuple[Server, ...]
    latency_s: float
    asked_s: float
    granted_s: float
    clock_ahead_s: float | None
    open_to_world: tuple[str, ...]
    names_bytes: int
    """The size of the list of /workers: a list of more than a megabyte is no longer read by all clients."""


def inspect(hosts: str, pool: str, timeout_s: float, access: Access) -> Inspection:
    """Ask the servers. Raises AutohealerError where none answers in time, or access is denied."""
    addresses, chroot = split_hosts(hosts)
    servers = tuple(_server(address, timeout_s) for address in addresses.split(","))
    client = BlockingClient(hosts, addresses, timeout_s, access)
    try:
        return _inspect(client, Paths(chroot, pool), access, servers)
    except KazooException as error:
        raise AutohealerError(f"ZooKeeper refuses: {type(error).__name__}", "check AUTOHEALER_ZK_AUTH") from error
    finally:
        client.close()


def _inspect(asker: BlockingClient, paths: Paths, access: Access, servers: tuple[Server, ...]) -> Inspection:
    began = time.monotonic()
    asker.ask(lambda: asker.client.exists_async("/"))
    latency_s = time.monotonic() - began
    return Inspection(
        servers=servers,
        latency_s=latency_s,
        asked_s=SESSION_S,
        granted_s=asker.client.handshake.granted_s,
        clock_ahead_s=_clock_ahead(asker, paths, access),
        open_to_world=tuple(path for path in (paths.workers, paths.plan, paths.target) if _is_open(asker, path)),
        names_bytes=sum(4 + len(name) for name in _children(asker, paths.workers)),
    )


def _server(address: str, timeout_s: float) -> Server:
    """What a server says to the four-letter word ``srvr``, which ZooKeeper allows by default."""
    host, _, port = address.strip().rpartition(":")
    answer = b""
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_s) as connection:
            reachable = True
            with suppress(OSError):
                connection.sendall(b"srvr")
                while len(answer) < _ANSWER_BYTES and (more := connection.recv(_ANSWER_BYTES)):
                    answer += more
    except (OSError, ValueError):
        reachable = False
    version, mode = _VERSION.search(answer), _MODE.search(answer)
    return Server(
        address.strip(),
        reachable,
        version.group(1).decode() if version else "",
        mode.group(1).decode() if mode else "",
    )


def _clock_ahead(asker: BlockingClient, paths: Paths, access: Access) -> float | None:
    """ZooKeeper tells its time only with what it writes: an ephemeral node is created and deleted at once.

    To within the time of two requests. None where it may not be created, or the pool was never there.
    """
    folder = paths.agents.rpartition("/")[0]
    before = time.time()
    try:
        path = asker.ask_once(
            lambda: asker.client.create_async(f"{folder}/doctor-", b"", access.acl, ephemeral=True, sequence=True)
        )
        stat: Any = asker.ask(lambda: asker.client.exists_async(path))
        after = time.time()
        asker.ask(lambda: asker.client.delete_async(path))
    except KazooException:
        return None
    return None if stat is None else (before + after) / 2 - stat.ctime / 1000


def _is_open(asker: BlockingClient, path: str) -> bool:
    """Whether everybody may write or delete there, by its ACL."""
    try:
        acls, _ = asker.ask(lambda: asker.client.get_acls_async(path))
    except NoNodeError:
        return False
    return any(acl.id.scheme == "world" and acl.perms & 0b1110 for acl in acls)  # write, create, delete


def _children(asker: BlockingClient, path: str) -> list[str]:
    try:
        names: list[str] = asker.ask(lambda: asker.client.get_children_async(path))
    except NoNodeError:
        return []
    return names
