"""``autohealer services``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, as_json, where_with_credentials

command = CliCommand(
    "services",
    """Show the addresses of SERVICE, or of all services.

      autohealer services web
      autohealer services --json | jq -r '.[] | select(.service == "web") | .address'

    Addresses without a service are those of the pool's own workers and agents.
    """,
    argument("service", required=False),
    *where_with_credentials(),
    as_json("Print one JSON list."),
)
