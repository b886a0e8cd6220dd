"""``autohealer zk create``."""

from __future__ import annotations

import json
import signal
import threading

import click

from autohealer.cli.support.where import Where
from autohealer.cli.zk import show
from autohealer.cli.zk.data import as_bytes
from autohealer.cli.zk.session import opened, shells_session
from autohealer.errors import AutohealerError, UsageError


def run(
    where: Where,
    path: str,
    data: str | None,
    acl: str | None,
    *,
    sequential: bool,
    ephemeral: bool,
    container: bool,
    ttl: int | None,
    hold: bool,
    as_json: bool,
) -> int:
    """Create a node, and print its path."""
    if sum((ephemeral, container, ttl is not None)) > 1 or (container and sequential):
        raise UsageError("of -e, -c and -t only one can be, and -c not with -s", "leave one out")
    in_shell = shells_session() is not None
    if hold and (in_shell or not ephemeral):
        raise UsageError("--hold is for a single command with -e", "leave it out: without it nothing ends")
    content = None if data is None else as_bytes(data)
    gone = threading.Event()
    with opened(where, None) as nodes:
        nodes.on_lost(gone.set)
        made = nodes.create(
            path,
            content,
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
