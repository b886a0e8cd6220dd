"""Requests and replies, named and laid out as in zookeeper.jute.

What a request costs is mostly what its parsing costs: a path and a watch flag, as in all the usual reads, are taken
apart by hand, and the ACL that is open to all is not taken apart at all.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple

from autohealer.zkserver.acl import OPEN
from autohealer.zkserver.jute import INT, MalformedError, RecordReader, int32, write_buffer, write_string
from autohealer.zkserver.protocol import (
    ALL_PERMISSIONS,
    CHECK,
    CONTAINER,
    CREATE,
    CREATE2,
    CREATE_CONTAINER,
    CREATE_TTL,
    DELETE,
    GET_CHILDREN,
    GET_DATA,
    SET_DATA,
    SYNC_CONNECTED,
    WATCH_XID,
    WITH_TTL,
)

if TYPE_CHECKING:
    from autohealer.zkserver.acl import Acl, Entry
    from autohealer.zkserver.tree import Node

HEADER: Final = 8  # a request's body begins behind its xid and operation

_CONNECT: Final = Struct(">iiq")
_REPLY: Final = Struct(">iiqi")
_STAT: Final = Struct(">qqqqiiiqiiq")
_EVENT: Final = Struct(">iiqiii")
_MULTI_HEADER: Final = Struct(">i?i")
#: What nearly every node has, packed.
OPEN_ACL: Final = b"".join((INT.pack(1), INT.pack(ALL_PERMISSIONS), write_string("world"), write_string("anyone")))
_MULTI_END: Final = _MULTI_HEADER.pack(-1, True, -1)


class ConnectRequest(NamedTuple):
    """The first record of a connection."""

    last_zxid_seen: int
    timeout_ms: int
    session_id: int
    password: bytes | None
    has_read_only: bool  # old clients leave the flag out, and do not expect it in the answer


class CreateRequest(NamedTuple):
    """Any of the create operations; ``ttl_ms`` is -1 but for create with TTL."""

    path: str | None
    data: bytes | None
    acl: list[Entry] | None
    flags: int
    ttl_ms: int


def read_connect(frame: bytes) -> ConnectRequest:
    """The first record of a connection."""
    reader = RecordReader(frame)
    reader.read_int()  # the protocol's version: any is accepted
    last_zxid_seen = reader.read_long()
    timeout_ms = reader.read_int()
    session_id = reader.read_long()
    password = reader.read_buffer()
    return ConnectRequest(last_zxid_seen, timeout_ms, session_id, password, reader.remaining > 0)


def read_path_and_flag(frame: bytes) -> tuple[str, bool]:
    """A path and whether to watch it. What reads cannot do anything with a null path."""
    (size,) = INT.unpack_from(frame, HEADER)
    end = HEADER + 4 + size
    if size < 0 or end >= len(frame):
        raise MalformedError("a path and a flag")
    return frame[HEADER + 4 : end].decode("utf-8", "replace"), frame[end] != 0


def read_path(frame: bytes) -> str:
    """A request that is a path; null will not do."""
    path = RecordReader(frame, HEADER).read_string()
    if path is None:
        raise MalformedError("a null path")
    return path


def read_path_and_int(reader: RecordReader) -> tuple[str | None, int]:
    """A path and a version, or a kind of watch."""
    return reader.read_string(), reader.read_int()


def read_create(reader: RecordReader, operation: int) -> CreateRequest:
    """Any of the creates."""
    path = reader.read_string()
    data = reader.read_buffer()
    acl = read_acl(reader)
    flags = reader.read_int()
    return CreateRequest(path, data, acl, flags, reader.read_long() if operation == CREATE_TTL else -1)


def read_set_data(reader: RecordReader) -> tuple[str | None, bytes | None, int]:
    """A path, data and a version."""
    return reader.read_string(), reader.read_buffer(), reader.read_int()


def read_acl(reader: RecordReader) -> list[Entry] | None:
    """A vector of ACL entries, or null."""
    if reader.skip(OPEN_ACL):
        return list(OPEN)
    count = reader.read_int()
    if count == -1:
        return None
    acl: list[Entry] = []
    for _ in range(count):
        acl.append((reader.read_int(), reader.read_string(), reader.read_string()))  # noqa: PERF401  # order of reading
    return acl


def read_multi(reader: RecordReader) -> list[tuple[int, tuple[object, ...]]]:
    """The operations of a multi or multiRead, each with its request. Reads and writes do not mix."""
    operations: list[tuple[int, tuple[object, ...]]] = []
    kinds = set()
    while True:
        operation, done, _ = reader.read_int(), reader.read_bool(), reader.read_int()
        if done:
            break
        request: tuple[object, ...]
        if operation in {CREATE, CREATE2, CREATE_CONTAINER, CREATE_TTL}:
            create = request = read_create(reader, operation)
            # the flags decide: a create2 is answered as create is, its Stat gets lost in the real server too
            if create.flags == CONTAINER:
                operation = CREATE_CONTAINER
            elif operation != CREATE_TTL or create.flags not in WITH_TTL:
                operation = CREATE
        elif operation in {DELETE, CHECK}:
            request = read_path_and_int(reader)
        elif operation == SET_DATA:
            request = read_set_data(reader)
        elif operation in {GET_CHILDREN, GET_DATA}:
            request = (reader.read_string(), reader.read_bool())
        else:
            raise MalformedError(f"operation {operation} in a multi")
        kinds.add(operation in {GET_CHILDREN, GET_DATA})
        operations.append((operation, request))
    if len(kinds) > 1:
        raise MalformedError("reads and writes in one multi")
    return operations


def write_connect(timeout_ms: int, session_id: int, password: bytes, *, has_read_only: bool) -> bytes:
    """The answer to a connect request, with its length."""
    body = _CONNECT.pack(0, timeout_ms, session_id) + write_buffer(password)
    if has_read_only:
        body += b"\0"
    return INT.pack(len(body)) + body


def write_reply(xid: int, zxid: int, code: int, body: bytes = b"") -> bytes:
    """A reply, with its length."""
    return _REPLY.pack(16 + len(body), xid, zxid, code) + body


def write_event(kind: int, path: str) -> bytes:
    """A watch event, with its length."""
    encoded = path.encode()
    return _EVENT.pack(28 + len(encoded), WATCH_XID, -1, 0, kind, SYNC_CONNECTED) + INT.pack(len(encoded)) + encoded


def write_stat(node: Node) -> bytes:
    """A node's Stat, as clients see it."""
    children = len(node.children) if node.children else 0
    owner, data = node.owner, node.data
    return _STAT.pack(
        node.czxid,
        node.mzxid,
        node.ctime,
        node.mtime,
        node.version,
        # clients are shown creates + deletes; each child ever made is either still there or was deleted
        int32(node.cversion * 2 - children),
        node.aversion,
        max(0, owner),
        len(data) if data is not None else 0,
        children,
        node.pzxid,
    )


def write_data(node: Node) -> bytes:
    """What getData answers."""
    return write_buffer(node.data) + write_stat(node)


def write_acl(acl: Acl) -> bytes:
    """A vector of ACL entries."""
    if acl is OPEN:
        return OPEN_ACL
    parts = [INT.pack(len(acl))]
    for permissions, scheme, identity in acl:
        parts += (INT.pack(permissions), write_string(scheme), write_string(identity))
    return b"".join(parts)


def write_client_infos(infos: list[tuple[str, str]]) -> bytes:
    """What whoAmI answers."""
    parts = [INT.pack(len(infos))]
    for scheme, user in infos:
        parts += (write_string(scheme), write_string(user))
    return b"".join(parts)


def write_results(results: list[tuple[int, int, bytes]]) -> bytes:
    """A multi's answer: type, error and body of each result, and the end mark."""
    parts: list[bytes] = []
    for kind, code, body in results:
        parts += (_MULTI_HEADER.pack(kind, False, code), body)
    parts.append(_MULTI_END)
    return b"".join(parts)
