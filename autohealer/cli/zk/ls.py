"""``autohealer zk ls``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from autohealer.cli.support.options import as_json
from autohealer.cli.zk import show
from autohealer.cli.zk.session import path_argument, session, shells_session
from autohealer.errors import UsageError

if TYPE_CHECKING:
    from autohealer.coordination.explorer.requests import Nodes


@click.command(short_help="List the children of a node.")
@session
@path_argument
@click.option("-s", "with_stat", is_flag=True, help="Its stat as well.")
@click.option("-R", "recursive", is_flag=True, help="All that is below it, a path a line.")
@click.option("-w", "--watch", is_flag=True, help="Tell when they change next; a single command waits for it.")
@as_json("Print one JSON object.")
def command(nodes: Nodes, path: str, *, with_stat: bool, recursive: bool, watch: bool, as_json: bool) -> int:
    r"""List the children of a node.

    \b
      autohealer zk ls /
      autohealer zk ls -R /workers
    """
    if recursive:
        if with_stat or watch:
            raise UsageError("-R goes with neither -s nor -w", "see one node with `stat`, follow one with `watch`")
        _print_tree(nodes, path, as_json)
        return 0
    told = show.Told(path, in_shell=shells_session(click.get_current_context()) is not None) if watch else None
    names, stat = nodes.children(path, told)
    if as_json:
        fields: dict[str, Any] = {"path": path, "children": names}
        click.echo(json.dumps(fields | ({"stat": show.stat_fields(stat)} if with_stat else {})))
    else:
        click.echo(f"[{show.printable(', '.join(names))}]")
        if with_stat:
            click.echo(show.stat_text(stat))
    if told is not None:
        told.wait(json.dumps if as_json else None)
    return 0


def _print_tree(nodes: Nodes, path: str, as_json: bool) -> None:
    from autohealer.coordination.explorer.subtree import in_order, walk  # noqa: PLC0415 - not for --help

    paths = list(in_order(path, walk(nodes, path)))
    click.echo(json.dumps({"path": path, "paths": paths}) if as_json else "\n".join(map(show.printable, paths)))
