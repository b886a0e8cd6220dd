"""``autohealer config schema``."""

from __future__ import annotations

import json

import click

from autohealer.config.json_schema import json_schema


def run() -> int:
    """Print the JSON schema of configuration files."""
    click.echo(json.dumps(json_schema(), indent=2))
    return 0
