"""``autohealer zk ls``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from autohealer.cli.support.where import Where
from autohealer.cli.zk import show
from autohealer.cli.zk.session import opened, shells_session
from autohealer.coordination.explorer.subtree import in_order, walk
from autohealer.errors import UsageError

if TYPE_CHECKING:
    from autohealer.coordination.explorer.requests import Nodes


def run(where: Where, path: str, *, with_stat: bool, recursive: bool, watch: bool, as_json: bool) -> int:
    """List the children of a node."""
    with opened(where, path) as nodes:
        if recursive:
            if with_stat or watch:
                raise UsageError("-R goes with neither -s nor -w", "see one node with `stat`, follow one with `watch`")
            _print_tree(nodes, path, as_json)
            return 0
        told = show.Told(path, in_shell=shells_session() is not None) if watch else None
        names, stat = nodes.children(path, told)
        if as_json:
            more = {"stat": show.stat_fields(stat)} if with_stat else {}
            click.echo(json.dumps({"path": path, "children": names, **more}))
        else:
            click.echo(f"[{show.printable(', '.join(names))}]")
            if with_stat:
                click.echo(show.stat_text(stat))
        if told is not None:
            told.wait(json.dumps if as_json else None)
    return 0


def _print_tree(nodes: Nodes, path: str, as_json: bool) -> None:
    paths = list(in_order(path, walk(nodes, path)))
    click.echo(json.dumps({"path": path, "paths": paths}) if as_json else "\n".join(map(show.printable, paths)))
