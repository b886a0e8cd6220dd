"""Which ZooKeeper is meant, and how it is reached."""

from __future__ import annotations

import msgspec

from autohealer.coordination.pool.paths import split_hosts
from autohealer.coordination.session.access import PLAIN, Access
from autohealer.coordination.session.port import MakeClient


class Ensemble(msgspec.Struct, frozen=True):
    """The servers of one ZooKeeper, and what a session with them needs."""

    hosts: str
    """``host:port,…/chroot``"""

    session_timeout_s: float
    access: Access = PLAIN
    make_client: MakeClient | None = None
    """What is used in place of kazoo."""

    @property
    def servers(self) -> str:
        """``host:port,…``"""
        return split_hosts(self.hosts)[0]

    @property
    def chroot(self) -> str:
        """What all paths begin with, without a slash at its end."""
        return split_hosts(self.hosts)[1]
