"""``autohealer events``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import as_json, between, flag, value, where
from autohealer.config.kinds import Integer

command = CliCommand(
    "events",
    """Show what happened to the pool on this host.

      autohealer events -f
      autohealer events --since 10m --grep exited
      autohealer events --json | jq 'select(.event == "worker.exited")'
    """,
    *where(),
    flag("-f", "--follow", text="Go on with what happens from now on."),
    value("-n", "--lines", kind=Integer(0), text="Only the last so many."),
    *between("happened"),
    as_json("Print events as JSON, one object a line."),
)
