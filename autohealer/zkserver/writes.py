"""Each write's operation: its request read from the frame, made in a transaction, its reply's body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from autohealer.zkserver import records
from autohealer.zkserver.jute import RecordReader, write_string
from autohealer.zkserver.protocol import (
    CHECK,
    CREATE,
    CREATE2,
    CREATE_CONTAINER,
    CREATE_TTL,
    DELETE,
    MULTI,
    RECONFIG,
    RECONFIG_DISABLED,
    SET_ACL,
    SET_DATA,
    RequestError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from autohealer.zkserver.transactions import Transaction

    Write = Callable[[Transaction, bytes], bytes]


def _create(transaction: Transaction, frame: bytes) -> bytes:
    path, _ = transaction.create(CREATE, records.read_create(RecordReader(frame, records.HEADER), CREATE))
    return write_string(path)


def _create_with_stat(operation: int) -> Write:
    def create(transaction: Transaction, frame: bytes) -> bytes:
        request = records.read_create(RecordReader(frame, records.HEADER), operation)
        path, node = transaction.create(operation, request)
        return write_string(path) + records.write_stat(node)

    return create


def _delete(transaction: Transaction, frame: bytes) -> bytes:
    transaction.delete(*records.read_path_and_int(RecordReader(frame, records.HEADER)))
    return b""


def _set_data(transaction: Transaction, frame: bytes) -> bytes:
    return records.write_stat(transaction.set_data(*records.read_set_data(RecordReader(frame, records.HEADER))))


def _set_acl(transaction: Transaction, frame: bytes) -> bytes:
    reader = RecordReader(frame, records.HEADER)
    path, acl, version = reader.read_string(), records.read_acl(reader), reader.read_int()
    return records.write_stat(transaction.set_acl(path, acl, version))


def _check(transaction: Transaction, frame: bytes) -> bytes:
    transaction.check(*records.read_path_and_int(RecordReader(frame, records.HEADER)))
    return b""


def _multi(transaction: Transaction, frame: bytes) -> bytes:
    return transaction.multi(records.read_multi(RecordReader(frame, records.HEADER)))


def _reconfig(_transaction: Transaction, frame: bytes) -> bytes:
    reader = RecordReader(frame, records.HEADER)
    for _ in ("joining", "leaving", "new members"):
        reader.read_string()
    reader.read_long()
    raise RequestError(RECONFIG_DISABLED)


WRITES: Final[dict[int, Write]] = {
    CREATE: _create,
    CREATE2: _create_with_stat(CREATE2),
    CREATE_CONTAINER: _create_with_stat(CREATE_CONTAINER),
    CREATE_TTL: _create_with_stat(CREATE_TTL),
    DELETE: _delete,
    SET_DATA: _set_data,
    SET_ACL: _set_acl,
    CHECK: _check,
    MULTI: _multi,
    RECONFIG: _reconfig,
}
