"""``autohealer watch``."""

from __future__ import annotations

import json
import time
from contextlib import closing
from typing import TYPE_CHECKING

import click

from autohealer.cli.support.where import Where
from autohealer.cli.zk import session, show
from autohealer.coordination.explorer.node_follower import Watching
from autohealer.coordination.explorer.requests import check_path
from autohealer.runtime.event_log import timestamp
from autohealer.views.units import clock

if TYPE_CHECKING:
    from autohealer.coordination.explorer.node_follower import NodeChange


def run(where: Where, path: str, *, as_json: bool) -> int:
    """Print every change of a node's existence, data and children as it comes, until Ctrl-C."""
    check_path(path)
    hosts, access = session.reach(where)
    watching = Watching(hosts, path, access=access, note=lambda text: click.echo(f"note: {text}", err=True))
    with closing(watching):
        for change in watching.changes(session.ANSWER_S):
            click.echo(_json(path, change) if as_json else _line(path, change))
    return 0


def _json(path: str, change: NodeChange) -> str:
    return json.dumps(
        {
            "time": timestamp(time.time()),
            "event": change.event,
            "path": path,
            "data": None if change.data is None else show.text_of(change.data),
            "children": change.children,
        }
    )


def _line(path: str, change: NodeChange) -> str:
    now = time.time()
    what = ""
    if change.event == "children":
        what = f"[{', '.join(change.children or ())}]"
    elif change.event != "deleted":
        what = "null" if change.data is None else show.text_of(change.data)
    return show.printable(f"{clock(now, now)}  {change.event:<8}  {path}  {what}".rstrip().replace("\n", "\\n"))
