"""``autohealer logs``."""

from __future__ import annotations

from autohealer.cli.support import shell_complete
from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, as_json, between, flag, value, where
from autohealer.config.kinds import Integer

command = CliCommand(
    "logs",
    """Show what the workers on this host wrote; WORKER is a slot's number or a worker's id.

      autohealer logs 3 -f
      autohealer logs --since 10m --grep Traceback -t

    Lines are merged by time. On a terminal, with -t and in JSON it is shown where a life began and ended. An id means
    one life of a slot.
    """,
    *where(),
    argument("worker", shell_complete=shell_complete.workers, required=False),
    flag("-f", "--follow", text="Go on with what they write from now on."),
    value("-n", "--lines", kind=Integer(0), text="The last so many of each; 20 without --since, --until and --grep."),
    *between("was written"),
    flag("-t", "--timestamps", text="With the time of each line, exact to a second or better."),
    as_json("Print lines as JSON, one object a line."),
)
