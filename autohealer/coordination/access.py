"""Who may do what: ``AUTOHEALER_ZK_AUTH`` as credentials and ACLs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kazoo.security import CREATOR_ALL_ACL, OPEN_ACL_UNSAFE, make_acl

from autohealer.coordination.paths import Layout
from autohealer.errors import UsageError


@dataclass(frozen=True, slots=True)
class Access:
    """Without credentials everything is open to everyone, as ZooKeeper is by itself."""

    credentials: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str | None) -> Access:
        """``digest:user:password``; what is wrong with it is said without repeating it."""
        if not text:
            return cls()
        scheme, _, credential = text.partition(":")
        user, colon, _ = credential.partition(":")
        if scheme != "digest" or not user or not colon:
            raise UsageError("AUTOHEALER_ZK_AUTH is not understood", "write it as digest:USER:PASSWORD")
        return cls(((scheme, credential),))

    @property
    def acl(self) -> list[Any]:
        """For all that is nobody else's business."""
        return list(CREATOR_ALL_ACL if self.credentials else OPEN_ACL_UNSAFE)

    def acl_of(self, path: str, paths: Layout) -> list[Any]:
        """For the nodes of the layout: some are open to workers, which have no credentials."""
        if self.credentials and path in paths.open_to_workers:
            return [*CREATOR_ALL_ACL, make_acl("world", "anyone", read=True, create=True)]
        return self.acl
