"""What these commands share: which ZooKeeper is meant, as whom, and the session, which is the shell's within one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from autohealer.cli.support.access import access_of
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.where import Where, typed_where
from autohealer.coordination.explorer.requests import Nodes, check_path
from autohealer.coordination.session.access import Access

USUAL = "localhost:2181"
ANSWER_S = 5.0


@contextmanager
def opened(where: Where, path: str | None) -> Iterator[Nodes]:
    """A session for a command on the node at ``path``, which is checked before anything is connected.

    It is that of the shell where the command is a line of it.

    Raises UsageError for what is no path, UnreachableError where the ZooKeeper that is meant does not answer.
    """
    if path is not None:
        check_path(path)
    shared = shells_session()
    if shared is not None and not typed_where(click.get_current_context()):
        yield shared
        return
    with connected(where) as nodes:
        yield nodes


def connected(where: Where) -> Nodes:
    """A session with the ZooKeeper that is meant. UnreachableError where it does not answer."""
    hosts, access = reach(where)
    return Nodes(hosts, ANSWER_S, access)


def reach(where: Where) -> tuple[str, Access]:
    """The connection string that is meant, and how it is spoken to."""
    hosts = where.zk or _hosts_of_pool(where) or USUAL
    return hosts, access_of(where, where.auth_file)


def shells_session() -> Nodes | None:
    """The session that stays open, where the command is a line of the shell."""
    return click.get_current_context().find_object(Nodes)


def _hosts_of_pool(where: Where) -> str | None:
    address = PoolAddress(where)
    ledger = address.ledger() if address.runs_here else None
    return ledger.facts.zookeeper if ledger is not None else None
