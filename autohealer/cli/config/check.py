"""``autohealer config check``."""

from __future__ import annotations

import json
import os

import click

from autohealer.config.load import load
from autohealer.errors import UsageError
from autohealer.processes.launch.wrapper import prepare_command
from autohealer.runtime.claim import launch_spec
from autohealer.runtime.probing import check_senses


def run(file: str, *, as_json: bool) -> int:
    """Say whether a configuration file holds, and what pools there are in it."""
    loaded = load(file, os.environ)
    configuration = loaded.configuration
    for pool in configuration.pools:
        try:
            spec = launch_spec(pool)
            environ = {**os.environ, **spec.env}
            check_senses(pool, environ, spec.cwd)
            prepare_command(spec, environ)
        except UsageError as error:
            raise UsageError(f"{configuration.file}: pool {pool.pool}: {error}", error.hint) from None
    if as_json:
        pools = [{"pool": one.pool, "workers": one.workers, "after": list(one.after)} for one in configuration.pools]
        click.echo(json.dumps({"file": configuration.file, "pools": pools, "warnings": loaded.warnings}))
        return 0
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    for pool in configuration.pools:
        after = f", after {', '.join(pool.after)}" if pool.after else ""
        click.echo(f"{pool.pool}: {pool.workers} {'worker' if pool.workers == 1 else 'workers'}{after}")
    click.echo(f"{file} holds")
    return 0
