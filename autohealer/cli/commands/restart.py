"""``autohealer restart``."""

from __future__ import annotations

from autohealer.cli.support.command import Command
from autohealer.cli.support.options import no_wait, where

command = Command(
    "restart",
    """Exchange all workers for new ones, one by one, with never fewer than before, and wait until it is done.

      autohealer restart

    Each agent first starts one worker more; then it exchanges its own, each once the one before it has registered.
    """,
    *where(),
    no_wait(),
)
