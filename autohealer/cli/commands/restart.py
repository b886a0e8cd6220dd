"""``autohealer restart``."""

from __future__ import annotations

from autohealer.cli.support import shell_complete
from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, as_json, no_wait, rollout, where

command = CliCommand(
    "restart",
    """Replace all workers, or one, by new ones of the same command, never with fewer ready than before.

      autohealer restart
      autohealer restart --parallel 10%
      autohealer restart 3

    One worker more is started first; then slot after slot gets its new worker, each once the one before it is ready. A
    new worker that ends three times before it was ready ends all of it: the rest of the old ones stay, and the exit
    code is 4. Several agents take turns. WORKER is a worker's id, or the number of a slot where that is clear.
    """,
    *where(),
    *rollout("0"),
    argument("worker", required=False, shell_complete=shell_complete.workers),
    no_wait(),
    as_json("Print what came of it as one JSON object."),
)
