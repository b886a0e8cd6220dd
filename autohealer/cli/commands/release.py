"""``autohealer release``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, as_json, where
from autohealer.config.kinds import Choice
from autohealer.core.model import Sense

command = CliCommand(
    "release",
    """Let workers that are found faulty be replaced again.

      autohealer release
      autohealer release probe

    SENSE is what finds them so: {senses}. Without one, none is held any more. A worker that is still found faulty is
    replaced then, as far as --max-faulty allows.
    """.replace("{senses}", ", ".join(Sense)),
    *where(),
    argument("sense", kind=Choice("all", *Sense), required=False),
    as_json("Print what came of it as one JSON object."),
)
