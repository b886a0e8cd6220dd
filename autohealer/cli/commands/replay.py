"""``autohealer replay``."""

from __future__ import annotations

import click

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.moment import Moment
from autohealer.cli.support.options import as_json, value

command = CliCommand(
    "replay",
    """Run a recorded agent again, decision by decision, and say whether it decides the same.

      autohealer replay ~/.local/state/autohealer/default
      autohealer replay recording-0.jsonl --until 14:03:20

    FILE is a recording, or the folder of a pool, of which the newer one is taken. Each agent keeps there the last
    megabytes of what went into its decisions. Nothing is started and nothing is changed.

    Exits with 1 where another decision is made than was made then.
    """,
    click.Argument(["file"], type=click.Path()),
    value("--until", kind=Moment(), text="Stop there: a duration ago, HH:MM[:SS], or RFC 3339."),
    as_json("Print one JSON object for each event, and one for the end."),
)
