"""``autohealer zk setacl``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from autohealer.cli.support.options import as_json
from autohealer.cli.zk import show
from autohealer.cli.zk.session import path_argument, session

if TYPE_CHECKING:
    from autohealer.coordination.explorer.requests import Nodes


@click.command(short_help="Change who may do what with a node.")
@session
@path_argument
@click.argument("acl")
@click.option("-s", "with_stat", is_flag=True, help="Print its new stat.")
@click.option("-v", "--version", type=click.IntRange(0), help="Only if this is still its aclVersion.")
@as_json("Print its new stat as one JSON object.")
def command(nodes: Nodes, path: str, acl: str, *, with_stat: bool, version: int | None, as_json: bool) -> int:
    r"""Change who may do what with a node.

    \b
      autohealer zk setacl /parent world:anyone:r,auth::cdrwa
      autohealer zk setacl /parent digest:user:smGaoVKd/cQkjm7b88GyorAUz20=:cdrwa

    ACL is SCHEME:ID:PERMS, several by commas. PERMS are letters of cdrwa: create and delete children, read, write,
    change the ACL. HASH in digest:USER:HASH is base64(sha1(USER:PASSWORD)); auth: is whose credentials are given.
    """
    stat = nodes.set_acl(path, acl, -1 if version is None else version)
    if as_json:
        click.echo(json.dumps({"path": path, "stat": show.stat_fields(stat)}))
    elif with_stat:
        click.echo(show.stat_text(stat))
    return 0
