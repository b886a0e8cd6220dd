"""What the commands of the service registry share: which pool's registry, and which service."""

from __future__ import annotations

from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.where import Where
from autohealer.config.schema import DEFAULT_POOL
from autohealer.coordination.explorer.requests import check_path
from autohealer.errors import UsageError


def pool_name(where: Where) -> str:
    """The pool that is named; else the one that runs here where no ZooKeeper is named, or ``default``."""
    if where.pool is not None:
        return where.pool
    return DEFAULT_POOL if where.zk else PoolAddress(where).name


def check_service(service: str) -> None:
    """A service's name is one node. Raises UsageError for what cannot be one."""
    if "/" in service:
        raise UsageError(f"{service!r} cannot be the name of a service", "use a name without slashes, such as web")
    check_path(f"/{service}")
