"""``autohealer zk set``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from autohealer.cli.support.options import as_json
from autohealer.cli.zk import show
from autohealer.cli.zk.data import data_argument
from autohealer.cli.zk.session import path_argument, session

if TYPE_CHECKING:
    from autohealer.coordination.explorer.requests import Nodes


@click.command(short_help="Change the data of a node.")
@session
@path_argument
@data_argument(required=True)
@click.option("-s", "with_stat", is_flag=True, help="Print its new stat.")
@click.option("-v", "--version", type=click.IntRange(0), help="Only if this is still its dataVersion.")
@as_json("Print its new stat as one JSON object.")
def command(nodes: Nodes, path: str, data: bytes, *, with_stat: bool, version: int | None, as_json: bool) -> int:
    r"""Change the data of a node. DATA - is read from stdin.

    \b
      autohealer zk set /parent "some new data"
      autohealer zk set /image - < image.png
    """
    stat = nodes.set(path, data, -1 if version is None else version)
    if as_json:
        click.echo(json.dumps({"path": path, "stat": show.stat_fields(stat)}))
    elif with_stat:
        click.echo(show.stat_text(stat))
    return 0
