"""``autohealer zk create``."""

from __future__ import annotations

from autohealer.cli.support import shell_complete
from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, as_json, flag, value, where_with_credentials
from autohealer.config.kinds import Integer

MOST_TTL_MS = 2**40 - 1

command = CliCommand(
    "create",
    """Create a node, and print its path.

      autohealer zk create /parent "some parent data"
      autohealer zk create -s -e --hold /election/n_ host-a
      autohealer zk create /locked data world:anyone:r,digest:user:HASH:cdrwa

    DATA - is read from stdin; without DATA it is null. Without ACL anyone may do anything. The session of a single
    command ends with it, and so does an ephemeral node: keep it with --hold, or create it in the shell.
    """,
    *where_with_credentials(),
    argument("path", shell_complete=shell_complete.nodes),
    argument("data", required=False),
    argument("acl", required=False),
    flag("-s", "sequential", text="ZooKeeper appends a number that grows."),
    flag("-e", "ephemeral", text="It ends with the session that made it."),
    flag("-c", "container", text="It ends after its last child."),
    value("-t", "--ttl", kind=Integer(1, MOST_TTL_MS, name="MS"), text="It ends when not changed for so long."),
    flag("--hold", text="Stay until Ctrl-C, and keep an ephemeral node so long."),
    as_json("Print one JSON object."),
    home="autohealer.cli.zk",
)
