"""``autohealer zk deleteall``."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from autohealer.cli.zk.session import path_argument, session
from autohealer.errors import UsageError

if TYPE_CHECKING:
    from autohealer.coordination.nodes import Nodes

WIDTH = 30
BAR_EVERY_S = 0.1
LINE_EVERY_S = 5.0


class Progress:
    """How many of how many, on stderr: a bar on a terminal, elsewhere a line now and then."""

    def __init__(self) -> None:
        self._on_terminal = sys.stderr.isatty()
        self._due = time.monotonic() + (BAR_EVERY_S if self._on_terminal else LINE_EVERY_S)
        self._drawn = False

    def __call__(self, done: int, total: int) -> None:
        """Show it, if it is time to."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + (BAR_EVERY_S if self._on_terminal else LINE_EVERY_S)
        text = f"deleted {done:,} of {total:,}"
        if self._on_terminal:
            self._drawn = True
            full = WIDTH * done // total
            click.echo(f"\r[{'#' * full}{'-' * (WIDTH - full)}] {text}", err=True, nl=False)
        else:
            click.echo(text, err=True)

    def end(self) -> None:
        """Wipe the bar away."""
        if self._drawn:
            click.echo(f"\r{' ' * (WIDTH + 50)}\r", err=True, nl=False)


@click.command(short_help="Delete a node with all that is below it.")
@session
@path_argument
def command(nodes: Nodes, path: str) -> int:
    r"""Delete a node with all that is below it, whatever others create there meanwhile.

    \b
      autohealer zk deleteall /parent

    It is not one transaction: whoever looks meanwhile sees a part of it.
    """
    from autohealer.coordination.subtree import delete_all  # noqa: PLC0415 - not for --help

    if path in {"/", "/zookeeper"} or path.startswith("/zookeeper/"):
        raise UsageError(f"{path} is not deleted", "name what is to go, as in: autohealer zk deleteall /parent")
    progress = Progress()
    try:
        delete_all(nodes, path, progress)
    finally:
        progress.end()
    return 0
