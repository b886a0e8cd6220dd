"""``autohealer config schema``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand

command = CliCommand(
    "schema",
    """Print the JSON schema of configuration files, for editors and checkers.

      autohealer config schema > autohealer.schema.json
    """,
    home="autohealer.cli.config",
)
