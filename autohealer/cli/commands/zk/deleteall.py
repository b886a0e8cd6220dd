"""``autohealer zk deleteall``."""

from __future__ import annotations

from autohealer.cli.support import shell_complete
from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, where_with_credentials

command = CliCommand(
    "deleteall",
    """Delete a node with all that is below it, whatever others create there meanwhile.

      autohealer zk deleteall /parent

    It is not one transaction: whoever looks meanwhile sees a part of it.
    """,
    *where_with_credentials(),
    argument("path", shell_complete=shell_complete.nodes),
    home="autohealer.cli.zk",
)
