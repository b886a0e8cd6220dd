"""``autohealer zk delete``."""

from __future__ import annotations

from autohealer.cli.support.where import Where
from autohealer.cli.zk.session import opened


def run(where: Where, path: str, version: int | None) -> int:
    """Delete a node that has no children."""
    with opened(where, path) as nodes:
        nodes.delete(path, -1 if version is None else version)
    return 0
