"""``autohealer scale``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, as_json, no_wait, where
from autohealer.config.schema import FIELDS

command = CliCommand(
    "scale",
    """Change how many workers the pool has, over all its agents, and wait until so many run.

      autohealer scale 20
    """,
    *where(),
    argument("workers", metavar="N", kind=FIELDS["workers"].option.kind),
    no_wait(),
    as_json("Print what came of it as one JSON object."),
)
