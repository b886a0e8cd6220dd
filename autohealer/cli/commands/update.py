"""``autohealer update``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import as_json, no_wait, rollout, where

command = CliCommand(
    "update",
    """Replace all workers of the agent on this host by workers of another command, and undo that if it is worse.

      autohealer update -- python worker-2.py
      autohealer update --soak 1m --parallel 2 -- ./serve --port {port}

    One new worker is started beside the others, and must stay ready for --soak; then slot after slot gets its new
    worker. When a new worker ends three times, is faulty, or is not ready in time, all goes back to the former command,
    and the exit code is 4. `undo` goes back later.
    """,
    *where(),
    *rollout("10"),
    no_wait(),
    as_json("Print what came of it as one JSON object."),
    trailing="command",
)
