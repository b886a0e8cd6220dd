"""``autohealer status``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import as_json, flag, where

command = CliCommand(
    "status",
    """Show the pool: its target, its agents, its workers.

      autohealer status
      autohealer status --all
      autohealer status --watch
      autohealer status --json | jq .running

    Exits with 0 when all is as wanted, 6 when fewer workers run than should, 3 when no agent runs.
    """,
    *where(),
    flag("--all", "every_pool", text="All pools that run here, a line each; with --json a list."),
    flag("--watch", text="Go on, and show every change; with --json an object a line."),
    as_json("Print one JSON object."),
)
