"""``autohealer zk delete``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from autohealer.cli.zk.session import path_argument, session

if TYPE_CHECKING:
    from autohealer.coordination.explorer.requests import Nodes


@click.command(short_help="Delete a node that has no children.")
@session
@path_argument
@click.option("-v", "--version", type=click.IntRange(0), help="Only if this is still its dataVersion.")
def command(nodes: Nodes, path: str, version: int | None) -> int:
    r"""Delete a node that has no children.

    \b
      autohealer zk delete /parent/child
    """
    nodes.delete(path, -1 if version is None else version)
    return 0
