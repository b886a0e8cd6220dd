"""An agent that ``run --detach`` has started: how it knows that, and how it leaves the terminal."""

from __future__ import annotations

import os
from typing import TextIO

from autohealer.runtime.private_files import open_file
from autohealer.runtime.state_dir import StateDir

MARK = "AUTOHEALER_DETACHED"
"""In the environment of the agent that was started so."""


def let_go(state: StateDir) -> TextIO:
    """Nothing is left of the terminal. Where warnings go from now on. Raises OSError."""
    log = os.fdopen(open_file(state.agent_log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)
    return log
