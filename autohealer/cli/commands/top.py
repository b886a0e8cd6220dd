"""``autohealer top``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import where

command = CliCommand(
    "top",
    """Show the pool live, from any host: what the dashboard of `run` shows, as far as it can be known there.

      autohealer top
      autohealer top --zk zk1:2181,zk2:2181,zk3:2181 --pool web

    Keys: arrows or j and k choose a worker; Enter shows its story, its curves and its output; l its output alone, L
    that of all workers; / filters, s sorts; + and - scale; x kills and r restarts, after a question; p shows all pools
    of this host; ? names every key; q leaves. Events, CPU, memory and output are those of the agent on this host.
    """,
    *where(),
)
