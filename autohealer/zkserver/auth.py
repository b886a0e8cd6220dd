"""Auth requests: a client says who it is, besides being at its address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autohealer.zkserver import acl as acls
from autohealer.zkserver import records
from autohealer.zkserver.connection import MAX_IDENTITIES
from autohealer.zkserver.jute import MALFORMED, RecordReader
from autohealer.zkserver.protocol import AUTH_FAILED, OK, ConnectionRefused, LimitExceeded

if TYPE_CHECKING:
    from autohealer.zkserver.connection import Connection


def authenticate(connection: Connection, xid: int, frame: bytes) -> None:
    """Answer one. Whoever uses an unknown scheme, or has given too many identities, is not served any longer."""
    reader = RecordReader(frame, records.HEADER)
    try:
        reader.read_int()
        scheme, credentials = reader.read_string(), reader.read_buffer()
    except MALFORMED as error:
        raise ConnectionRefused("not an auth request") from error
    if scheme == "digest" and credentials is not None:
        identity = acls.digest_identity(credentials)
    elif scheme == "ip":
        identity = ("ip", connection.peer)
    else:
        connection.send(records.write_reply(xid, 0, AUTH_FAILED))
        connection.close()
        return
    if identity not in connection.identities:
        connection.identities.append(identity)
        if len(connection.identities) > MAX_IDENTITIES:
            raise LimitExceeded(f"it has given more than {MAX_IDENTITIES} identities")
    connection.send(records.write_reply(xid, 0, OK))
