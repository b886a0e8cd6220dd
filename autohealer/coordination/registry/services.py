"""Who is in the service registry, for commands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple

from kazoo.exceptions import KazooException, NoNodeError

from autohealer.coordination.admin.blocking_client import BlockingClient
from autohealer.coordination.explorer.error_messages import in_words
from autohealer.coordination.pool.codec import read_name
from autohealer.coordination.pool.paths import Paths, split_hosts
from autohealer.coordination.session.access import Access


class Service(NamedTuple):
    """One address. A pool's own workers have no service, and who wrote nonsense has no address."""

    service: str | None
    id: str
    address: str | None


def services(hosts: str, pool: str, service: str | None, timeout: float, access: Access) -> list[Service]:
    """All addresses, or those of one service, in the order of their names; those of the pool's own come first."""
    servers, chroot = split_hosts(hosts)
    with closing(BlockingClient(hosts, servers, timeout, access)) as asker:
        registry = Paths(chroot, pool).services
        if service is not None:
            return list(_addresses(asker, registry, service))
        found: list[Service] = []
        folders = []
        names = _children(asker, registry)
        for name, (data, stat) in _read(asker, [f"{registry}/{name}" for name in names]):
            if stat.ephemeralOwner:
                found.append(Service(None, name, read_name(data)))
            else:
                folders.append(name)
        for folder in folders:
            found += _addresses(asker, registry, folder)
        return found


def _addresses(asker: BlockingClient, registry: str, service: str) -> Iterator[Service]:
    folder = f"{registry}/{service}"
    for name, (data, stat) in _read(asker, [f"{folder}/{name}" for name in _children(asker, folder)]):
        if stat.ephemeralOwner:
            yield Service(service, name, read_name(data))


def _children(asker: BlockingClient, path: str) -> list[str]:
    try:
        return sorted(asker.ask(partial(asker.client.get_children_async, path)))
    except NoNodeError:
        return []
    except KazooException as error:
        raise in_words(error, path) from error


def _read(asker: BlockingClient, paths: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """The name, and data and stat, of each that is still there and may be read."""
    calls = (partial(asker.client.get_async, path) for path in paths)
    for path, outcome in zip(paths, asker.each(calls), strict=True):
        if not isinstance(outcome, Exception):
            yield path.rpartition("/")[2], outcome
