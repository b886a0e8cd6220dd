"""``autohealer status``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
import msgspec

from autohealer.cli.support.late import Late
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.pool_status import pool_status
from autohealer.cli.support.where import Where
from autohealer.errors import AutohealerError
from autohealer.runtime.state_dir import pools_running
from autohealer.views.status import SilentPool, Status

if TYPE_CHECKING:
    from autohealer.cli.support.repeat import watch_status
    from autohealer.cli.support.status_text import print_pools, print_status
else:  # not for --json
    watch_status = Late("autohealer.cli.support.repeat").watch_status
    print_pools = Late("autohealer.cli.support.status_text").print_pools
    print_status = Late("autohealer.cli.support.status_text").print_status

NOT_AS_WANTED = 6


def run(where: Where, *, every_pool: bool, watch: bool, as_json: bool) -> int:
    """Show the pool: its target, its agents, its workers; or all pools that run here, a line each."""
    names = pools_running(where.state_dir) if where.pool is None and where.zk is None else []
    if every_pool or (len(names) > 1 and not watch):
        return _show_all(where, names, as_json=as_json)
    address = PoolAddress(where)
    if watch:
        return watch_status(address, lambda: pool_status(address), as_json=as_json)
    found = pool_status(address)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found)))
    else:
        print_status(address, found)
    return NOT_AS_WANTED if found.is_below else 0


def _show_all(where: Where, names: list[str], *, as_json: bool) -> int:
    if not names:
        raise PoolAddress(where).nobody()
    addresses = [PoolAddress(where._replace(pool=name)) for name in names]
    found = [_status(address) for address in addresses]
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found)))
    else:
        print_pools(list(zip(addresses, found, strict=True)))
    return NOT_AS_WANTED if any(isinstance(one, SilentPool) or one.is_below for one in found) else 0


def _status(address: PoolAddress) -> Status | SilentPool:
    """The status of one of several pools; one that does not answer keeps nobody from seeing the others."""
    try:
        return pool_status(address)
    except AutohealerError as error:
        return SilentPool(address.name, str(error))
