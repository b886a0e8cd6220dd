"""``autohealer config`` and its commands: one a file, by its name."""

from __future__ import annotations

from autohealer.cli import Commands
from autohealer.cli.support.command import with_examples

HELP = """Say what a configuration file says, and whether it holds.

      autohealer config check autohealer.toml
      autohealer config show --origin autohealer.toml

    A file is TOML, or a Procfile; docs/configuration.md has every key. `run --config FILE` runs it.
    """


COMMANDS = {
    "check": "Say whether a file holds.",
    "show": "Print what a file says, complete with the defaults.",
    "schema": "Print the JSON schema of configuration files.",
}


class ConfigCommands(Commands):
    """The commands by name, each imported when it is used."""

    home = "autohealer.cli.commands.config"
    offered = COMMANDS


command = ConfigCommands("config", help=with_examples(HELP))
