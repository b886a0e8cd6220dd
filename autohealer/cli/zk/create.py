"""``autohealer zk create``."""

from __future__ import annotations

import json
import signal
import threading
from typing import TYPE_CHECKING

import click

from autohealer.cli.support.options import as_json
from autohealer.cli.zk import show
from autohealer.cli.zk.data import data_argument
from autohealer.cli.zk.session import session, shells_session
from autohealer.errors import AutohealerError, UsageError

if TYPE_CHECKING:
    from autohealer.coordination.explorer.requests import Nodes

MOST_TTL_MS = 2**40 - 1


@click.command(short_help="Create a node.")
@session
@click.argument("path")
@data_argument(required=False)
@click.argument("acl", required=False)
@click.option("-s", "sequential", is_flag=True, help="ZooKeeper appends a number that grows.")
@click.option("-e", "ephemeral", is_flag=True, help="It ends with the session that made it.")
@click.option("-c", "container", is_flag=True, help="It ends after its last child.")
@click.option(
    "-t", "--ttl", type=click.IntRange(1, MOST_TTL_MS), metavar="MS", help="It ends when not changed for so long."
)
@click.option("--hold", is_flag=True, help="Stay until Ctrl-C, and keep an ephemeral node so long.")
@as_json("Print one JSON object.")
def command(
    nodes: Nodes,
    path: str,
    data: bytes | None,
    acl: str | None,
    *,
    sequential: bool,
    ephemeral: bool,
    container: bool,
    ttl: int | None,
    hold: bool,
    as_json: bool,
) -> int:
    r"""Create a node, and print its path.

    \b
      autohealer zk create /parent "some parent data"
      autohealer zk create -s -e --hold /election/n_ host-a
      autohealer zk create /locked data world:anyone:r,digest:user:HASH:cdrwa

    DATA - is read from stdin; without DATA it is null. Without ACL anyone may do anything. The session of a single
    command ends with it, and so does an ephemeral node: keep it with --hold, or create it in the shell.
    """
    if sum((ephemeral, container, ttl is not None)) > 1 or (container and sequential):
        raise UsageError("of -e, -c and -t only one can be, and -c not with -s", "leave one out")
    in_shell = shells_session(click.get_current_context()) is not None
    if hold and (in_shell or not ephemeral):
        raise UsageError("--hold is for a single command with -e", "leave it out: without it nothing ends")
    gone = threading.Event()
    nodes.on_lost(gone.set)
    made = nodes.create(
        path,
        data,
        **({} if acl is None else {"acl": acl}),
        ephemeral=ephemeral,
        sequential=sequential,
        container=container,
        ttl_ms=ttl,
    )
    click.echo(json.dumps({"path": made}) if as_json else f"Created {show.printable(made)}")
    if hold:
        _stay(gone, made)
    elif ephemeral and not in_shell:
        click.echo("note: this ephemeral node ends with this command; --hold keeps it until Ctrl-C", err=True)
    return 0


def _stay(gone: threading.Event, path: str) -> None:
    """Until SIGINT or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        gone.wait()
    except KeyboardInterrupt:
        return
    raise AutohealerError(f"the session has ended, and {path} with it", "create it again")
