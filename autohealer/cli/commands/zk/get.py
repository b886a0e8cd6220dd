"""``autohealer zk get``."""

from __future__ import annotations

from autohealer.cli.support import shell_complete
from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, as_json, flag, where_with_credentials

command = CliCommand(
    "get",
    """Print the data of a node.

      autohealer zk get /parent
      autohealer zk get --raw /image > image.png

    Without --raw, bytes that are not UTF-8 and whatever a terminal would obey are written out, as \\x1b.
    """,
    *where_with_credentials(),
    argument("path", shell_complete=shell_complete.nodes),
    flag("-s", "with_stat", text="Its stat as well."),
    flag("-w", "--watch", text="Tell when it changes next; a single command waits for it."),
    flag("--raw", text="The bytes as they are, and nothing else."),
    as_json("Print one JSON object; data that is not UTF-8 is exact in its `base64`."),
    home="autohealer.cli.zk",
)
