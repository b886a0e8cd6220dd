"""``autohealer top``."""

from __future__ import annotations

from autohealer.cli.support.command import Command
from autohealer.cli.support.options import where

command = Command(
    "top",
    """Show the pool live, from any host: what the dashboard of `run` shows, as far as it can be known there.

      autohealer top
      autohealer top --zk zk1:2181,zk2:2181,zk3:2181 --pool web

    Keys: arrows choose a worker, k kills it, l shows its output; + and - scale; r restarts all workers, one by one;
    / filters; q leaves. Events, causes of death, CPU, memory and output are those of the agent on this host.
    """,
    *where(),
)
