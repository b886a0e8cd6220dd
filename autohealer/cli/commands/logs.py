"""``autohealer logs``."""

from __future__ import annotations

from autohealer.cli.support import shell_complete
from autohealer.cli.support.command import Command
from autohealer.cli.support.options import argument, flag, value, where
from autohealer.config.kinds import Integer

command = Command(
    "logs",
    """Show what the workers on this host wrote; WORKER is a slot's number or a worker's id.

      autohealer logs 3 -f
      autohealer logs -n 100
    """,
    *where(),
    argument("worker", shell_complete=shell_complete.workers, required=False),
    flag("-f", "--follow", text="Go on with what they write from now on."),
    value("-n", "--lines", kind=Integer(0), default="20", text="The last so many of each."),
)
