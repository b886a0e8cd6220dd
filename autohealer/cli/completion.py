"""``autohealer completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from autohealer.cli import group

PROGRAM = "autohealer"
VARIABLE = "_AUTOHEALER_COMPLETE"


def run(shell: str) -> int:
    """Print what makes a shell complete commands, options, and the workers, agents and pools that there are."""
    complete = get_completion_class(shell)
    assert complete is not None  # noqa: S101 - click knows all three
    click.echo(complete(group, {}, PROGRAM, VARIABLE).source())
    return 0
