"""``autohealer import``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument
from autohealer.config.kinds import FilePath

command = CliCommand(
    "import",
    """Print the pools of another supervisor's file as TOML, for `run --config`.

      autohealer import /etc/supervisor/supervisord.conf > autohealer.toml
      autohealer import ecosystem.json > autohealer.toml
      pm2 prettylist > pm2.json && autohealer import pm2.json > autohealer.toml
      autohealer import web.service > autohealer.toml

    FILE is a supervisord.conf, a pm2 ecosystem file as JSON (or what pm2 prettylist prints), a Procfile, or a systemd
    unit. A setting that has no equal is named in a comment, with what to do instead.
    """,
    argument("file", kind=FilePath()),
)
