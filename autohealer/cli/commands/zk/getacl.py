"""``autohealer zk getacl``."""

from __future__ import annotations

from autohealer.cli.support import shell_complete
from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, as_json, flag, where_with_credentials

command = CliCommand(
    "getacl",
    """Print who may do what with a node: c create children, d delete children, r read, w write, a change the ACL.

      autohealer zk getacl /parent
    """,
    *where_with_credentials(),
    argument("path", shell_complete=shell_complete.nodes),
    flag("-s", "with_stat", text="Its stat as well."),
    as_json("Print one JSON object."),
    home="autohealer.cli.zk",
)
