"""``autohealer zk get``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from autohealer.cli.support.options import as_json
from autohealer.cli.zk import show
from autohealer.cli.zk.session import path_argument, session, shells_session

if TYPE_CHECKING:
    from autohealer.coordination.explorer.requests import Nodes


@click.command(short_help="Print the data of a node.")
@session
@path_argument
@click.option("-s", "with_stat", is_flag=True, help="Its stat as well.")
@click.option("-w", "--watch", is_flag=True, help="Tell when it changes next; a single command waits for it.")
@click.option("--raw", is_flag=True, help="The bytes as they are, and nothing else.")
@as_json("Print one JSON object; data that is not UTF-8 is exact in its `base64`.")
def command(nodes: Nodes, path: str, *, with_stat: bool, watch: bool, raw: bool, as_json: bool) -> int:
    r"""Print the data of a node.

    \b
      autohealer zk get /parent
      autohealer zk get --raw /image > image.png

    Without --raw, bytes that are not UTF-8 and whatever a terminal would obey are written out, as \x1b.
    """
    told = show.Told(path, in_shell=shells_session(click.get_current_context()) is not None) if watch else None
    data, stat = nodes.get(path, told)
    if raw:
        out = sys.stdout.buffer
        out.write(data or b"")
        out.flush()
    elif as_json:
        fields: dict[str, Any] = {"path": path, **show.data_fields(data), "stat": show.stat_fields(stat)}
        click.echo(json.dumps(fields))
    else:
        click.echo(show.data_text(data))
        if with_stat:
            click.echo(show.stat_text(stat))
    if told is not None:
        told.wait(json.dumps if as_json else None)
    return 0
