"""``autohealer zk set``."""

from __future__ import annotations

from autohealer.cli.support import shell_complete
from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, as_json, flag, value, where_with_credentials
from autohealer.config.kinds import Integer

command = CliCommand(
    "set",
    """Change the data of a node. DATA - is read from stdin.

      autohealer zk set /parent "some new data"
      autohealer zk set /image - < image.png
    """,
    *where_with_credentials(),
    argument("path", shell_complete=shell_complete.nodes),
    argument("data", required=True),
    flag("-s", "with_stat", text="Print its new stat."),
    value("-v", "--version", kind=Integer(0), text="Only if this is still its dataVersion."),
    as_json("Print its new stat as one JSON object."),
    home="autohealer.cli.zk",
)
