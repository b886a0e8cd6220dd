"""``autohealer watch``."""

from __future__ import annotations

from autohealer.cli.support import shell_complete
from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, as_json, where_with_credentials

command = CliCommand(
    "watch",
    """Print every change of a node's existence, data and children as it comes, until Ctrl-C.

      autohealer watch /workers
      autohealer watch /autohealer/plan --json | jq .data

    What is there at first comes as `created`, followed by `children` if it has any; so does what is created later. A
    node need not exist yet. Each line says what is there since: changes that follow each other within a moment, or
    while ZooKeeper is away, may be shown as one, but the last state always is. In JSON, data that is not UTF-8 is
    written out, as \\xff, and what is not known is null.
    """,
    *where_with_credentials(),
    argument("path", shell_complete=shell_complete.nodes),
    as_json("Print changes as JSON, one object a line."),
)
