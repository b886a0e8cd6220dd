"""``autohealer undo``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import as_json, no_wait, rollout, where

command = CliCommand(
    "undo",
    """Replace all workers by workers of the revision before the present one, as it was before the last `update`.

      autohealer undo

    It goes as an `update` goes, and can itself be undone. Several agents take turns.
    """,
    *where(),
    *rollout("10"),
    no_wait(),
    as_json("Print what came of it as one JSON object."),
)
