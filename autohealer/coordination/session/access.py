"""How ZooKeeper is spoken to: as whom (``AUTOHEALER_ZK_AUTH``), who else may do what then, and whether by TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from kazoo.security import CREATOR_ALL_ACL, OPEN_ACL_UNSAFE, make_acl

from autohealer.coordination.pool.paths import Layout, split_hosts
from autohealer.coordination.session.host_names import unknown_names
from autohealer.errors import UnreachableError, UsageError

if TYPE_CHECKING:
    from autohealer.coordination.session.tls import Tls

HINT = "check --zk, and whether ZooKeeper runs"
HINT_NAMES = "check --zk, and the name server"
HINT_TLS = "check --zk-ca, --zk-cert and --zk-key"


class Access(msgspec.Struct, frozen=True):
    """Without credentials everything is open to everyone, as ZooKeeper is by itself."""

    credentials: tuple[tuple[str, str], ...] = ()
    tls: Tls | None = None

    @classmethod
    def parse(cls, text: str | None, tls: Tls | None = None) -> Access:
        """``digest:user:password``; what is wrong with it is said without repeating it."""
        if not text:
            return cls(tls=tls)
        scheme, _, credential = text.partition(":")
        user, colon, _ = credential.partition(":")
        if scheme != "digest" or not user or not colon:
            raise UsageError("AUTOHEALER_ZK_AUTH is not understood", "write it as digest:USER:PASSWORD")
        return cls(((scheme, credential),), tls)

    def __repr__(self) -> str:
        return f"Access(tls={self.tls!r})"  # the credentials come to stand in no log

    @property
    def acl(self) -> list[Any]:
        """For all that is nobody else's business."""
        return list(CREATOR_ALL_ACL if self.credentials else OPEN_ACL_UNSAFE)

    def acl_of(self, path: str, paths: Layout) -> list[Any]:
        """For the nodes of the layout: some are open to workers, which have no credentials."""
        if self.credentials and path in paths.open_to_workers:
            return [*CREATOR_ALL_ACL, make_acl("world", "anyone", read=True, create=True)]
        return self.acl

    def unreachable(self, hosts: str, within_s: float, hint: str = HINT) -> UnreachableError:
        """The error for servers that have not answered in so many seconds. With TLS they are asked why once more.

        Blocks for 2 s at most, with TLS for 2 s more for each server.
        """
        servers = split_hosts(hosts)[0]
        unknown = unknown_names(servers)
        if unknown:
            names = ", ".join(f"{name} ({why})" for name, why in unknown.items())
            return UnreachableError(f"no ZooKeeper answers at {hosts}: no address is found for {names}", HINT_NAMES)
        problem = self.tls.problem(servers) if self.tls is not None else None
        if problem is not None:
            return UnreachableError(f"no TLS with ZooKeeper at {hosts}: {problem}", HINT_TLS)
        return UnreachableError(f"no ZooKeeper answers at {hosts} within {within_s:g} s", hint)


PLAIN = Access()
