"""``autohealer zk setacl``."""

from __future__ import annotations

import json

import click

from autohealer.cli.support.where import Where
from autohealer.cli.zk import show
from autohealer.cli.zk.session import opened


def run(where: Where, path: str, acl: str, *, with_stat: bool, version: int | None, as_json: bool) -> int:
    """Change who may do what with a node."""
    with opened(where, path) as nodes:
        stat = nodes.set_acl(path, acl, -1 if version is None else version)
        if as_json:
            click.echo(json.dumps({"path": path, "stat": show.stat_fields(stat)}))
        elif with_stat:
            click.echo(show.stat_text(stat))
    return 0
