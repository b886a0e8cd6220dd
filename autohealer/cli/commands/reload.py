"""``autohealer reload``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import as_json, flag, no_wait, rollout, where

command = CliCommand(
    "reload",
    """Read the agent's configuration file again, print the difference, and apply it.

      autohealer reload --dry-run
      autohealer reload

    Pools that are equal are not touched. Another number of workers is a scale; another command, environment, directory
    or limit is a rollout, which undoes itself when it is worse; new pools start, missing ones are drained and stopped.
    A file that does not hold changes nothing (exit code 2).
    """,
    *where(),
    flag("--dry-run", text="Print the difference, and do nothing."),
    *rollout("10"),
    no_wait(),
    as_json("Print what came of it as one JSON object, with the difference."),
)
