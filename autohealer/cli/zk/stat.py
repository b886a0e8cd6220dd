"""``autohealer zk stat``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from autohealer.cli.support.options import as_json
from autohealer.cli.zk import show
from autohealer.cli.zk.session import path_argument, session

if TYPE_CHECKING:
    from autohealer.coordination.explorer.requests import Nodes


@click.command(short_help="Print the stat of a node.")
@session
@path_argument
@as_json("Print one JSON object; times are in milliseconds.")
def command(nodes: Nodes, path: str, as_json: bool) -> int:
    r"""Print the stat of a node: when and by which transactions it was made and changed, its versions and sizes.

    \b
      autohealer zk stat /parent
      autohealer zk stat /parent --json | jq .stat.numChildren
    """
    stat = nodes.stat(path)
    click.echo(json.dumps({"path": path, "stat": show.stat_fields(stat)}) if as_json else show.stat_text(stat))
    return 0
