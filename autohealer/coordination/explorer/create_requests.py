"""Requests that create what kazoo cannot: containers, and nodes with a time to live (ZooKeeper 3.5 and later)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
from kazoo.protocol.serialization import Create, Create2, long_struct

PERSISTENT, EPHEMERAL, SEQUENTIAL, CONTAINER, TTL = 0, 1, 2, 4, 5


class CreateContainer(msgspec.Struct, frozen=True):
    """The server deletes it some time after its last child has gone."""

    path: str
    data: bytes | None
    acl: Sequence[Any]
    type: ClassVar[int] = 19

    def serialize(self) -> bytes:
        """As a create, with a flag of its own."""
        return bytes(Create(self.path, self.data, self.acl, CONTAINER).serialize())

    def deserialize(self, data: bytes, offset: int) -> str:
        """The path of the new node."""
        return str(Create2.deserialize(data, offset)[0])


class CreateTTL(msgspec.Struct, frozen=True):
    """The server deletes it once it has not changed for so long, and has no children."""

    path: str
    data: bytes | None
    acl: Sequence[Any]
    sequential: bool
    ttl_ms: int
    type: ClassVar[int] = 21

    def serialize(self) -> bytes:
        """As a create, with a flag of its own, and the time."""
        flags = TTL + 1 if self.sequential else TTL
        body = bytes(Create(self.path, self.data, self.acl, flags).serialize())
        ttl: bytes = long_struct.pack(self.ttl_ms)
        return body + ttl

    def deserialize(self, data: bytes, offset: int) -> str:
        """The path of the new node."""
        return str(Create2.deserialize(data, offset)[0])
