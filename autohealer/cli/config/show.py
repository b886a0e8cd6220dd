"""``autohealer config show``."""

from __future__ import annotations

import json
import os

import click

from autohealer.config.load import load
from autohealer.config.schema import AGENT_FIELDS, POOL_FIELDS
from autohealer.config.show import toml_lines, values


def run(file: str, *, origin: bool, as_json: bool) -> int:
    """Print what a configuration file says, complete with the defaults."""
    loaded = load(file, os.environ)
    if as_json:
        configuration = loaded.configuration
        agent = values(AGENT_FIELDS, configuration.agent)
        pools = {pool.pool: values(POOL_FIELDS, pool) for pool in configuration.pools}
        origins = {"origins": {"defaults": loaded.agent_origins, "pools": loaded.pool_origins}} if origin else {}
        click.echo(json.dumps({"file": configuration.file, "defaults": agent, "pools": pools, **origins}))
        return 0
    for line in toml_lines(loaded, with_origin=origin):
        click.echo(line)
    return 0
