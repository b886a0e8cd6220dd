"""Run the application on this terminal, and say what is to be said when the screen has been left."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from autohealer.tui.app import Dashboard, TerminalScreen
from autohealer.tui.driver import TerminalDriver
from autohealer.views.lines import clean

if TYPE_CHECKING:
    from autohealer.runtime.state_dir import StateDir
    from autohealer.tui.source import PoolSource

BROKEN = 1


def show(source: PoolSource, state: StateDir, *, leaves: bool, lists_pools: bool = False, said: str = "") -> int:
    """Until its end; the exit code. ``said`` is told first. ``lists_pools``: none was named, begin with all."""
    app = Dashboard(
        source,
        folder=state,
        leaves=leaves,
        lists_pools=lists_pools,
        screen=TerminalScreen(
            TerminalDriver,
            not os.environ.get("NO_COLOR"),
            "light" if is_light(os.environ.get("COLORFGBG", "")) else "dark",
        ),
    )
    if said:
        app.say(said)
    outcome = app.run()
    if outcome is None:
        return app.return_code or BROKEN
    if outcome.words:
        print(clean(outcome.words), file=sys.stderr)  # noqa: T201 - the screen is left
    return outcome.code


def is_light(colors: str) -> bool:
    """Whether ``COLORFGBG``, which some terminals set, says that the background is a light one: ``0;15``."""
    background = colors.rpartition(";")[2]
    return background in {"7", "9", "10", "11", "12", "13", "14", "15"}
