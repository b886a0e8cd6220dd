"""``autohealer zk set``."""

from __future__ import annotations

import json

import click

from autohealer.cli.support.where import Where
from autohealer.cli.zk import show
from autohealer.cli.zk.data import as_bytes
from autohealer.cli.zk.session import opened


def run(where: Where, path: str, data: str, *, with_stat: bool, version: int | None, as_json: bool) -> int:
    """Change the data of a node. DATA - is read from stdin."""
    with opened(where, path) as nodes:
        stat = nodes.set(path, as_bytes(data), -1 if version is None else version)
        if as_json:
            click.echo(json.dumps({"path": path, "stat": show.stat_fields(stat)}))
        elif with_stat:
            click.echo(show.stat_text(stat))
    return 0
