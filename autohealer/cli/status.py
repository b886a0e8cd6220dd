"""``autohealer status``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from autohealer.cli.support.late import Late
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.pool_status import pool_status
from autohealer.cli.support.where import Where
from autohealer.views.status import is_below

if TYPE_CHECKING:
    from autohealer.cli.support.repeat import watch_status
    from autohealer.cli.support.status_text import print_status
else:  # not for --json
    watch_status = Late("autohealer.cli.support.repeat").watch_status
    print_status = Late("autohealer.cli.support.status_text").print_status

NOT_AS_WANTED = 6


def run(where: Where, *, watch: bool, as_json: bool) -> int:
    """Show the pool: its target, its agents, its workers."""
    address = PoolAddress(where)
    if watch:
        return watch_status(lambda: pool_status(address), as_json=as_json)
    found = pool_status(address)
    if as_json:
        click.echo(json.dumps(found))
    else:
        print_status(address, found)
    return NOT_AS_WANTED if is_below(found) else 0
