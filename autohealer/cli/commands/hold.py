"""``autohealer hold``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, as_json, where
from autohealer.config.kinds import Choice
from autohealer.core.model import Sense

command = CliCommand(
    "hold",
    """Keep workers that are found faulty from being replaced, in the whole pool.

      autohealer hold
      autohealer hold probe

    SENSE is what finds them so: {senses}. Without one, all verdicts are held. Workers that die are replaced as ever.
    What is held is shown by `status`, and held until `release`, or until the pool ends.
    """.replace("{senses}", ", ".join(Sense)),
    *where(),
    argument("sense", kind=Choice("all", *Sense), required=False),
    as_json("Print what came of it as one JSON object."),
)
