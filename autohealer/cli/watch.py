"""``autohealer watch``."""

from __future__ import annotations

import json
import time
from contextlib import closing
from typing import TYPE_CHECKING

import click

from autohealer.cli.support.options import as_json
from autohealer.cli.zk import session, show

if TYPE_CHECKING:
    from autohealer.coordination.explorer.node_follower import Change


@click.command(short_help="Print every change of a node as it comes.")
@session.options
@session.path_argument
@as_json("Print changes as JSON, one object a line.")
@click.pass_context
def command(ctx: click.Context, /, path: str, *, as_json: bool, **_: object) -> int:
    r"""Print every change of a node's existence, data and children as it comes, until Ctrl-C.

    \b
      autohealer watch /workers
      autohealer watch /autohealer/plan --json | jq .data

    What is there at first comes as `created`, followed by `children` if it has any; so does what is created later. A
    node need not exist yet. Each line says what is there since: changes that follow each other within a moment, or
    while ZooKeeper is away, may be shown as one, but the last state always is. In JSON, data that is not UTF-8 is
    written out, as \xff, and what is not known is null.
    """
    from autohealer.coordination.explorer.node_follower import Watching  # noqa: PLC0415 - kazoo, not for --help

    hosts, access = session.reach(ctx)
    watching = Watching(hosts, path, access=access, note=lambda text: click.echo(f"note: {text}", err=True))
    with closing(watching):
        for change in watching.changes(session.ANSWER_S):
            click.echo(_json(path, change) if as_json else _line(path, change))
    return 0


def _json(path: str, change: Change) -> str:
    from autohealer.runtime.event_log import timestamp  # noqa: PLC0415

    return json.dumps(
        {
            "time": timestamp(time.time()),
            "event": change.event,
            "path": path,
            "data": None if change.data is None else show.text_of(change.data),
            "children": change.children,
        }
    )


def _line(path: str, change: Change) -> str:
    from autohealer.runtime.event_log import timestamp  # noqa: PLC0415

    clock = timestamp(time.time())[11:23]
    what = ""
    if change.event == "children":
        what = f"[{', '.join(change.children or ())}]"
    elif change.event != "deleted":
        what = "null" if change.data is None else show.text_of(change.data)
    return show.printable(f"{clock}  {change.event:<8}  {path}  {what}".rstrip().replace("\n", "\\n"))
