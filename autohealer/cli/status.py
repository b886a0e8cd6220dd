"""``autohealer status``."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from autohealer.cli.support import pool
from autohealer.cli.support.options import as_json
from autohealer.cli.support.pool import PoolAddress
from autohealer.core.model import WorkerId
from autohealer.errors import UnreachableError

if TYPE_CHECKING:
    from autohealer.coordination.admin.pool_client import PoolClient, Registered

NOT_AS_WANTED = 6


@click.command(short_help="Show the pool.")
@pool.address
@click.option("--watch", is_flag=True, help="Go on, and show every change; with --json an object a line.")
@as_json("Print one JSON object.")
def command(address: PoolAddress, watch: bool, as_json: bool) -> int:
    r"""Show the pool: its target, its agents, its workers.

    \b
      autohealer status
      autohealer status --watch
      autohealer status --json | jq .running

    Exits with 0 when all is as wanted, 6 when fewer workers run than should, 3 when no agent runs.
    """
    if watch:
        from autohealer.cli.support.repeat import watch_status  # noqa: PLC0415 - not for --help

        return watch_status(lambda: pool_status(address), as_json=as_json)
    found = pool_status(address)
    if not (as_json or found["connected"]):
        since = address.ask("away_since")
        click.echo(
            f"ZooKeeper {f'is away since {since}' if since else 'has not answered yet'}: as the agent here has it"
        )
    if as_json:
        click.echo(json.dumps(found))
    else:
        from autohealer.cli.support.printing import Printing  # noqa: PLC0415
        from autohealer.views.listing import status_lines  # noqa: PLC0415

        printing = Printing()
        printing.print(status_lines(found, time.time(), glyphs=printing.styled))
    wanted = (found["target"] or 0) - (found["foreign"] or 0)
    return NOT_AS_WANTED if found["running"] < wanted else 0


def pool_status(address: PoolAddress, session: Callable[[], PoolClient] | None = None) -> dict[str, Any]:
    """The status of the whole pool: from the agent here, if it is the only one, and else from ZooKeeper as well.

    ``session`` is for those who ask again and again, and keep one.
    """
    local: dict[str, Any] | None = address.ask("status")
    if local is not None and (len(local["agents"]) == 1 or not local["connected"]):
        return local
    try:
        with nullcontext(session()) if session is not None else address.console() as console:
            return of_cluster(address.name, console, local)
    except UnreachableError:
        # It went away this moment, and the agent had not noticed yet.
        if local is None or (now := address.ask("status")) is None or now["connected"]:
            raise
        return dict(now)


def of_cluster(pool: str, console: PoolClient, local: dict[str, Any] | None) -> dict[str, Any]:
    """The status of all agents: what ZooKeeper knows, and what the agent here says of its own (``local``)."""
    from autohealer.views.status import cluster_status  # noqa: PLC0415 - only where it is needed

    leader = console.leader()
    return cluster_status(
        pool,
        console.hosts,
        agents=console.agents(),
        plan=console.plan(),
        target=console.target(),
        leader=(leader.agent, leader.epoch) if leader else None,
        registered=[_fields(worker) for worker in console.workers()],
        local=local,
    )


def _fields(registered: Registered) -> dict[str, Any]:
    """What a registration tells; whose a worker is, its id knows best."""
    identity = WorkerId.parse(registered.worker) if registered.worker else None
    agent = identity.agent if identity else registered.entry.agent
    return {**asdict(registered.entry), "worker": registered.worker, "agent": agent}
