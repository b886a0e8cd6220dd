"""``autohealer zk getacl``."""

from __future__ import annotations

import json

import click

from autohealer.cli.support.where import Where
from autohealer.cli.zk import show
from autohealer.cli.zk.session import opened


def run(where: Where, path: str, with_stat: bool, as_json: bool) -> int:
    """Print who may do what with a node: c create children, d delete children, r read, w write, a change the ACL."""
    with opened(where, path) as nodes:
        acl, stat = nodes.acl(path)
        if as_json:
            click.echo(json.dumps({"path": path, "acl": show.acl_fields(acl), "stat": show.stat_fields(stat)}))
            return 0
        click.echo(show.acl_text(acl))
        if with_stat:
            click.echo(show.stat_text(stat))
    return 0
