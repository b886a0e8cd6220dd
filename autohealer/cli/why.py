"""``autohealer why``."""

from __future__ import annotations

import json
import time

import click
import msgspec

from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.printing import Printing
from autohealer.cli.support.where import Where
from autohealer.errors import UnreachableError
from autohealer.runtime.incident_reader import known_incidents
from autohealer.views.why import why_lines


def run(where: Where, *, worker: str | None, since: float | None, as_json: bool) -> int:
    """Tell why workers of this host were replaced. Answers also when no agent runs any more."""
    address = PoolAddress(where)
    found = known_incidents(address.state, worker=worker, since=since)
    if not found and not address.state.incidents_path.exists() and not address.runs_here:
        raise UnreachableError(
            f"nothing is known of pool {address.name} in {address.state.base}",
            "start a pool with: autohealer run N -- CMD, or name the right --pool or --state-dir",
        )
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found)))
        return 0
    printing = Printing()
    if found:
        # How long ago is for those who look now: a file or a pipe is read later.
        printing.print(why_lines(found, time.time() if printing.styled else None))
    else:
        whom = "" if worker is None else f" of worker {worker}"
        click.echo(f"no incidents{whom}{'' if since is None else ' since then'}", err=True)
    return 0
