"""``autohealer zk stat``."""

from __future__ import annotations

import json

import click

from autohealer.cli.support.where import Where
from autohealer.cli.zk import show
from autohealer.cli.zk.session import opened


def run(where: Where, path: str, as_json: bool) -> int:
    """Print the stat of a node: when and by which transactions it was made and changed, its versions and sizes."""
    with opened(where, path) as nodes:
        stat = nodes.stat(path)
        click.echo(json.dumps({"path": path, "stat": show.stat_fields(stat)}) if as_json else show.stat_text(stat))
    return 0
