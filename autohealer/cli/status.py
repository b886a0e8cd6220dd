"""``autohealer status``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from autohealer.cli import pool
from autohealer.cli.options import as_json
from autohealer.cli.pool import PoolAddress
from autohealer.core.model import WorkerId
from autohealer.errors import UnreachableError

if TYPE_CHECKING:
    from autohealer.coordination.console import Registered

NOT_AS_WANTED = 6


@click.command(short_help="Show the pool.")
@pool.address
@as_json("Print one JSON object.")
def command(address: PoolAddress, as_json: bool) -> int:
    r"""Show the pool: its target, its agents, its workers.

    \b
      autohealer status
      autohealer status --json | jq .running

    Exits with 0 when all is as wanted, 6 when fewer workers run than should, 3 when no agent runs.
    """
    from autohealer.views.text import status_text  # noqa: PLC0415 - not for --help

    found = pool_status(address)
    if not (as_json or found["connected"]):
        since = address.ask("away_since")
        click.echo(
            f"ZooKeeper {f'is away since {since}' if since else 'has not answered yet'}: as the agent here has it"
        )
    click.echo(json.dumps(found) if as_json else status_text(found))
    wanted = (found["target"] or 0) - (found["foreign"] or 0)
    return NOT_AS_WANTED if found["running"] < wanted else 0


def pool_status(address: PoolAddress) -> dict[str, Any]:
    """The status of the whole pool: from the agent here, if it is the only one, and else from ZooKeeper as well."""
    from autohealer.views.status import cluster_status  # noqa: PLC0415

    local: dict[str, Any] | None = address.ask("status")
    if local is not None and (len(local["agents"]) == 1 or not local["connected"]):
        return local
    try:
        with address.console() as console:
            leader = console.leader()
            return cluster_status(
                address.name,
                console.hosts,
                agents=console.agents(),
                plan=console.plan(),
                target=console.target(),
                leader=(leader.agent, leader.epoch) if leader else None,
                registered=[_fields(worker) for worker in console.workers()],
                local=local,
            )
    except UnreachableError:
        # It went away this moment, and the agent had not noticed yet.
        if local is None or (now := address.ask("status")) is None or now["connected"]:
            raise
        return dict(now)


def _fields(registered: Registered) -> dict[str, Any]:
    """What a registration tells; whose a worker is, its id knows best."""
    identity = WorkerId.parse(registered.worker) if registered.worker else None
    agent = identity.agent if identity else registered.entry.agent
    return {**asdict(registered.entry), "worker": registered.worker, "agent": agent}
