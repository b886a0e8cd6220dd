"""``autohealer zk delete``."""

from __future__ import annotations

from autohealer.cli.support import shell_complete
from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, value, where_with_credentials
from autohealer.config.kinds import Integer

command = CliCommand(
    "delete",
    """Delete a node that has no children.

      autohealer zk delete /parent/child
    """,
    *where_with_credentials(),
    argument("path", shell_complete=shell_complete.nodes),
    value("-v", "--version", kind=Integer(0), text="Only if this is still its dataVersion."),
    home="autohealer.cli.zk",
)
