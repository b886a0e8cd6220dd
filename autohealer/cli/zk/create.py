"""``autohealer zk create``."""

from __future__ import annotations

import json
import signal
import threading

import click
import msgspec

from autohealer.cli.support.where import Where
from autohealer.cli.zk import show
from autohealer.cli.zk.data import as_bytes
from autohealer.cli.zk.session import opened, shells_session
from autohealer.coordination.explorer.acl import OPEN
from autohealer.coordination.explorer.requests import CreateMode
from autohealer.errors import AutohealerError, UsageError


class CreateArguments(msgspec.Struct, frozen=True):
    """What is typed after ``autohealer zk create``."""

    path: str
    data: str | None
    acl: str | None
    sequential: bool
    ephemeral: bool
    container: bool
    ttl: int | None
    hold: bool
    as_json: bool


def run(where: Where, given: CreateArguments) -> int:
    """Create a node, and print its path."""
    if sum((given.ephemeral, given.container, given.ttl is not None)) > 1 or (given.container and given.sequential):
        raise UsageError("of -e, -c and -t only one can be, and -c not with -s", "leave one out")
    in_shell = shells_session() is not None
    if given.hold and (in_shell or not given.ephemeral):
        raise UsageError("--hold is for a single command with -e", "leave it out: without it nothing ends")
    content = None if given.data is None else as_bytes(given.data)
    gone = threading.Event()
    with opened(where, None) as nodes:
        nodes.on_lost(gone.set)
        mode = CreateMode(given.ephemeral, given.sequential, given.container, given.ttl)
        made = nodes.create(given.path, content, OPEN if given.acl is None else given.acl, mode)
        click.echo(json.dumps({"path": made}) if given.as_json else f"Created {show.printable(made)}")
        if given.hold:
            _stay(gone, made)
        elif given.ephemeral and not in_shell:
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
