"""``autohealer leave``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import as_json, no_wait, where

command = CliCommand(
    "leave",
    """End the agent on this host, and not its workers: the next `run` here takes them over, within a second.

      autohealer leave && autohealer run 10 -- python worker.py

    For a new version of autohealer, or other options: no worker is touched. All pools of the agent's process are left.
    The agent ends with exit code 7. It is refused during a rollout, and with --on-partition stop.
    """,
    *where(),
    no_wait(),
    as_json("Print what came of it as one JSON object."),
)
