"""The command behind ``--`` of those that run one."""

from __future__ import annotations

import os
from pathlib import Path

from autohealer.processes.launch.command import Command, resolve_command


def resolved(argv: tuple[str, ...]) -> Command | None:
    """The command as it will be executed, or None. UsageError where it cannot be."""
    return resolve_command(argv, os.environ, str(Path.cwd())) if argv else None
