"""``autohealer import``."""

from __future__ import annotations

import click

from autohealer.config.importing.formats import import_file


def run(file: str) -> int:
    """Print the pools of another supervisor's file as TOML."""
    click.echo(import_file(file), nl=False)
    return 0
