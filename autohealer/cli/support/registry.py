"""What the commands of the service registry share: which pool's registry, and which service."""

from __future__ import annotations

import click

from autohealer.errors import UsageError


def pool_name(ctx: click.Context) -> str:
    """The pool that is named; else the one that runs here where no ZooKeeper is named, or ``default``."""
    from autohealer.cli.support.pool import DEFAULT, PoolAddress  # noqa: PLC0415 - not for --help
    from autohealer.runtime.state_dir import check_pool_name  # noqa: PLC0415

    zk, pool, state_dir = (ctx.params[name] for name in ("zk", "pool", "state_dir"))
    if pool is None:
        return DEFAULT if zk else PoolAddress(None, None, state_dir).name
    check_pool_name(pool)
    return str(pool)


def check_service(service: str) -> None:
    """A service's name is one node. Raises UsageError for what cannot be one."""
    from autohealer.coordination.explorer.requests import check_path  # noqa: PLC0415 - not for --help

    if "/" in service:
        raise UsageError(f"{service!r} cannot be the name of a service", "use a name without slashes, such as web")
    check_path(f"/{service}")
