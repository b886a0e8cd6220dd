"""``autohealer why``."""

from __future__ import annotations

from autohealer.cli.support import shell_complete
from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.moment import Moment
from autohealer.cli.support.options import argument, as_json, value, where

command = CliCommand(
    "why",
    """Tell why workers of this host were replaced, as stories.

      autohealer why
      autohealer why 3 --since 1h

    WORKER is a slot's number or a worker's id. Each story says what it was, who saw it and how long that took, what was
    done, what came of it, and what the worker was doing. The newest thousand are kept; they can be read when no agent
    runs any more.
    """,
    *where(),
    argument("worker", shell_complete=shell_complete.workers, required=False),
    value("--since", kind=Moment(), text="Only those since then: 90s, 5m, 2h ago, 14:03, or RFC 3339."),
    as_json("Print a list of incidents as JSON, the newest first."),
)
