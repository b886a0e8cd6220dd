"""``autohealer drain``."""

from __future__ import annotations

from autohealer.cli.support import shell_complete
from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, as_json, flag, no_wait, where

command = CliCommand(
    "drain",
    """Empty an agent, the one on this host if none is named, and wait until its workers are gone.

      autohealer drain web1-k3x9qa
      autohealer drain --undo

    The other agents start their replacements first. The agent stays, without workers, until `drain --undo`.
    """,
    *where(),
    argument("agent", shell_complete=shell_complete.agents, required=False),
    flag("--undo", text="Let it have workers again."),
    no_wait(),
    as_json("Print what came of it as one JSON object."),
)
