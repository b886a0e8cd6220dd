"""``autohealer zk serve``."""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import click

from autohealer.errors import UsageError
from autohealer.zkserver.server import ZooKeeperServer, raise_file_limit

TAKEN = "choose another port with --port; 0 is any free one"


def run(host: str, port: int, data: str | None, *, fsync: bool) -> int:
    """Run the embedded ZooKeeper server on its own, until Ctrl-C or SIGTERM."""
    if fsync and data is None:
        raise UsageError("there is nothing to --fsync without --data", "name a directory: --data DIR")
    logging.addLevelName(logging.WARNING, "warning")
    logging.addLevelName(logging.ERROR, "error")
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    raise_file_limit()
    # a link that was typed is meant; one that somebody put inside the directory is not followed
    server = ZooKeeperServer(host, port, None if data is None else Path(data).resolve(), fsync=fsync)
    asked: list[int] = []

    def end(number: int, _frame: object) -> None:
        asked.append(number)
        server.stop()

    def listening() -> None:
        with suppress(OSError):  # nobody may be there to read it
            click.echo(server.hosts)
        if asked:
            server.stop()  # again: it came before there was anything to stop

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    try:
        server.serve_forever(listening)
    except OSError as error:
        raise _not_served(error, host, port) from error
    return 0


def _not_served(error: OSError, host: str, port: int) -> UsageError:
    """The address cannot be had, or the directory cannot be used: one of the two options is wrong."""
    if error.filename is not None:
        return UsageError(f"{error.filename} cannot be used: {error.strerror}", "choose another directory with --data")
    # Python adds what it was doing to what the system says.
    why = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
    hint = TAKEN if error.errno in {errno.EADDRINUSE, errno.EACCES} else "choose another address with --host"
    return UsageError(f"cannot listen on {host}:{port}: {why}", hint)
