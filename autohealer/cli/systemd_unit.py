"""``autohealer systemd-unit``."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autohealer.runtime.state_dir import base_directory
from autohealer.views.systemd import Unit, systemd_unit

if TYPE_CHECKING:
    from autohealer.config.schema import Configuration

NAME = "systemd-unit"
MARGIN_S = 10.0


def run(configuration: Configuration) -> int:
    """Print a systemd unit that runs what `run` would run with the same arguments."""
    pools = configuration.pools
    names = ", ".join(pool.pool for pool in pools)
    unit = Unit(
        description=f"autohealer: {'pool' if len(pools) == 1 else 'pools'} {names}",
        command=(*_program(), "run", *_arguments(sys.argv[sys.argv.index(NAME) + 1 :], configuration.file)),
        directory=str(Path.cwd()),
        environment=tuple(_environment(configuration)),
        stop_timeout_s=max(pool.drain_timeout + pool.stop_timeout for pool in pools) + MARGIN_S,
        wanted_by="multi-user.target" if os.geteuid() == 0 else "default.target",
    )
    click.echo(systemd_unit(unit), nl=False)
    return 0


def _program() -> tuple[str, ...]:
    """How this very program is called by its whole path."""
    found = shutil.which(sys.argv[0])
    is_script = found is not None and not found.endswith(".py")
    return (str(Path(found).absolute()),) if is_script and found is not None else (sys.executable, "-m", "autohealer")


def _arguments(typed: Sequence[str], file: str | None) -> list[str]:
    """What was typed, the file by its whole path."""
    cut = typed.index("--") if "--" in typed else len(typed)
    words = list(typed[:cut])
    for index, word in enumerate(words):
        if word == "--config" and index + 1 < len(words) and file is not None:
            words[index + 1] = file
        elif word.startswith("--config=") and file is not None:
            words[index] = f"--config={file}"
    return [*words, *typed[cut:]]


def _environment(configuration: Configuration) -> Iterator[tuple[str, str]]:
    """What a service does not have by itself, and what was found here by it."""
    if "PATH" in os.environ:
        yield "PATH", os.environ["PATH"]
    if configuration.agent.state_dir is None:
        yield "AUTOHEALER_STATE_DIR", str(base_directory(None, os.environ))
