"""``autohealer config check``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, as_json
from autohealer.config.kinds import FilePath

command = CliCommand(
    "check",
    """Say whether a configuration file holds, and what pools there are in it.

      autohealer config check autohealer.toml

    What is wrong is said in one line with the file, the line and the key, and the exit code is 2. Commands are looked
    for, too, as far as that can be done on this host; nothing is started.
    """,
    argument("file", kind=FilePath()),
    as_json("Print one JSON object."),
    home="autohealer.cli.config",
)
