"""``autohealer zk getacl``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from autohealer.cli.support.options import as_json
from autohealer.cli.zk import show
from autohealer.cli.zk.session import path_argument, session

if TYPE_CHECKING:
    from autohealer.coordination.explorer.requests import Nodes


@click.command(short_help="Print who may do what with a node.")
@session
@path_argument
@click.option("-s", "with_stat", is_flag=True, help="Its stat as well.")
@as_json("Print one JSON object.")
def command(nodes: Nodes, path: str, with_stat: bool, as_json: bool) -> int:
    r"""Print who may do what with a node: c create children, d delete children, r read, w write, a change the ACL.

    \b
      autohealer zk getacl /parent
    """
    acl, stat = nodes.acl(path)
    if as_json:
        click.echo(json.dumps({"path": path, "acl": show.acl_fields(acl), "stat": show.stat_fields(stat)}))
        return 0
    click.echo(show.acl_text(acl))
    if with_stat:
        click.echo(show.stat_text(stat))
    return 0
