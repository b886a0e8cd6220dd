"""``autohealer zk ls``."""

from __future__ import annotations

from autohealer.cli.support import shell_complete
from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, as_json, flag, where_with_credentials

command = CliCommand(
    "ls",
    """List the children of a node.

      autohealer zk ls /
      autohealer zk ls -R /workers
    """,
    *where_with_credentials(),
    argument("path", shell_complete=shell_complete.nodes),
    flag("-s", "with_stat", text="Its stat as well."),
    flag("-R", "recursive", text="All that is below it, a path a line."),
    flag("-w", "--watch", text="Tell when they change next; a single command waits for it."),
    as_json("Print one JSON object."),
    home="autohealer.cli.zk",
)
