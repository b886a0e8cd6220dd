"""``autohealer stop``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import as_json, no_wait, option, where
from autohealer.config.kinds import Duration, SignalNumber

command = CliCommand(
    "stop",
    """Stop all workers of the pool, and its agents, on every host.

      autohealer stop

    Where no agent runs any more, the workers that it left on this host are stopped.
    """,
    *where(),
    option("--stop-signal", SignalNumber(), "For workers whose agent is gone.", default="TERM"),
    option("--stop-timeout", Duration(), "How long those have before SIGKILL.", default="10"),
    no_wait(),
    as_json("Print what came of it as one JSON object."),
)
