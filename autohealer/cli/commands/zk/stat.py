"""``autohealer zk stat``."""

from __future__ import annotations

from autohealer.cli.support import shell_complete
from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, as_json, where_with_credentials

command = CliCommand(
    "stat",
    """Print the stat of a node: when and by which transactions it was made and changed, its versions and sizes.

      autohealer zk stat /parent
      autohealer zk stat /parent --json | jq .stat.numChildren
    """,
    *where_with_credentials(),
    argument("path", shell_complete=shell_complete.nodes),
    as_json("Print one JSON object; times are in milliseconds."),
    home="autohealer.cli.zk",
)
