"""``autohealer zk setacl``."""

from __future__ import annotations

from autohealer.cli.support import shell_complete
from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, as_json, flag, value, where_with_credentials
from autohealer.config.kinds import Integer

command = CliCommand(
    "setacl",
    """Change who may do what with a node.

      autohealer zk setacl /parent world:anyone:r,auth::cdrwa
      autohealer zk setacl /parent digest:user:smGaoVKd/cQkjm7b88GyorAUz20=:cdrwa

    ACL is SCHEME:ID:PERMS, several by commas. PERMS are letters of cdrwa: create and delete children, read, write,
    change the ACL. HASH in digest:USER:HASH is base64(sha1(USER:PASSWORD)); auth: is whose credentials are given.
    """,
    *where_with_credentials(),
    argument("path", shell_complete=shell_complete.nodes),
    argument("acl"),
    flag("-s", "with_stat", text="Print its new stat."),
    value("-v", "--version", kind=Integer(0), text="Only if this is still its aclVersion."),
    as_json("Print its new stat as one JSON object."),
    home="autohealer.cli.zk",
)
