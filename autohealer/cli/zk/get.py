"""``autohealer zk get``."""

from __future__ import annotations

import json
import sys

import click

from autohealer.cli.support.where import Where
from autohealer.cli.zk import show
from autohealer.cli.zk.session import opened, shells_session


def run(where: Where, path: str, *, with_stat: bool, watch: bool, raw: bool, as_json: bool) -> int:
    """Print the data of a node."""
    with opened(where, path) as nodes:
        told = show.Told(path, in_shell=shells_session() is not None) if watch else None
        data, stat = nodes.get(path, told)
        if raw:
            out = sys.stdout.buffer
            out.write(data or b"")
            out.flush()
        elif as_json:
            click.echo(json.dumps({"path": path, **show.data_fields(data), "stat": show.stat_fields(stat)}))
        else:
            click.echo(show.data_text(data))
            if with_stat:
                click.echo(show.stat_text(stat))
        if told is not None:
            told.wait(json.dumps if as_json else None)
    return 0
