"""``autohealer config show``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, as_json, flag
from autohealer.config.kinds import FilePath

command = CliCommand(
    "show",
    """Print what a configuration file says, complete with the defaults.

      autohealer config show autohealer.toml
      autohealer config show --origin autohealer.toml

    What is nearer counts: the command line, the environment, [pools.NAME], [defaults], the default. The values of
    environments are not shown, for they may be secrets.
    """,
    argument("file", kind=FilePath()),
    flag("--origin", text="Say where each value comes from."),
    as_json("Print one JSON object."),
    home="autohealer.cli.config",
)
