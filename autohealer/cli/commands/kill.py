"""``autohealer kill``."""

from __future__ import annotations

from autohealer.cli.support import shell_complete
from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, as_json, no_wait, where

command = CliCommand(
    "kill",
    """Kill one worker with SIGKILL, and wait until another runs in its place.

      autohealer kill 3
      autohealer kill web1-k3x9qa-3-5f2e1

    WORKER is a worker's id, or the number of a slot where that is clear.
    """,
    *where(),
    argument("worker", shell_complete=shell_complete.workers),
    no_wait(),
    as_json("Print what came of it as one JSON object."),
)
