"""``autohealer zk deleteall``."""

from __future__ import annotations

from autohealer.cli.support.progress import ProgressLine
from autohealer.cli.support.where import Where
from autohealer.cli.zk.session import opened
from autohealer.coordination.explorer.subtree import delete_all
from autohealer.errors import UsageError


def run(where: Where, path: str) -> int:
    """Delete a node with all that is below it, whatever others create there meanwhile."""
    with opened(where, path) as nodes:
        if path in {"/", "/zookeeper"} or path.startswith("/zookeeper/"):
            raise UsageError(f"{path} is not deleted", "name what is to go, as in: autohealer zk deleteall /parent")
        with ProgressLine("deleted") as progress:
            delete_all(nodes, path, progress)
    return 0
