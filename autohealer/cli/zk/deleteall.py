"""``autohealer zk deleteall``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from autohealer.cli.support.progress import Progress
from autohealer.cli.zk.session import path_argument, session
from autohealer.errors import UsageError

if TYPE_CHECKING:
    from autohealer.coordination.explorer.requests import Nodes


@click.command(short_help="Delete a node with all that is below it.")
@session
@path_argument
def command(nodes: Nodes, path: str) -> int:
    r"""Delete a node with all that is below it, whatever others create there meanwhile.

    \b
      autohealer zk deleteall /parent

    It is not one transaction: whoever looks meanwhile sees a part of it.
    """
    from autohealer.coordination.explorer.subtree import delete_all  # noqa: PLC0415 - not for --help

    if path in {"/", "/zookeeper"} or path.startswith("/zookeeper/"):
        raise UsageError(f"{path} is not deleted", "name what is to go, as in: autohealer zk deleteall /parent")
    with Progress("deleted") as progress:
        delete_all(nodes, path, progress)
    return 0
