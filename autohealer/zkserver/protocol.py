"""ZooKeeper's numbers: operations, errors, events, permissions, limits."""

from __future__ import annotations

from typing import Final

# operations (ZooDefs.OpCode)
NOTIFICATION: Final = 0
CREATE: Final = 1
DELETE: Final = 2
EXISTS: Final = 3
GET_DATA: Final = 4
SET_DATA: Final = 5
GET_ACL: Final = 6
SET_ACL: Final = 7
GET_CHILDREN: Final = 8
SYNC: Final = 9
PING: Final = 11
GET_CHILDREN2: Final = 12
CHECK: Final = 13
MULTI: Final = 14
CREATE2: Final = 15
RECONFIG: Final = 16
CHECK_WATCHES: Final = 17
REMOVE_WATCHES: Final = 18
CREATE_CONTAINER: Final = 19
CREATE_TTL: Final = 21
MULTI_READ: Final = 22
AUTH: Final = 100
SET_WATCHES: Final = 101
GET_EPHEMERALS: Final = 103
GET_ALL_CHILDREN_NUMBER: Final = 104
SET_WATCHES2: Final = 105
ADD_WATCH: Final = 106
WHO_AM_I: Final = 107
CREATE_SESSION: Final = -10
CLOSE_SESSION: Final = -11
ERROR: Final = -1

# transaction ids that the server itself puts in replies
WATCH_XID: Final = -1
PING_XID: Final = -2

# errors (KeeperException.Code)
OK: Final = 0
RUNTIME_INCONSISTENCY: Final = -2
MARSHALLING_ERROR: Final = -5
UNIMPLEMENTED: Final = -6
BAD_ARGUMENTS: Final = -8
NO_NODE: Final = -101
NO_AUTH: Final = -102
BAD_VERSION: Final = -103
NO_CHILDREN_FOR_EPHEMERALS: Final = -108
NODE_EXISTS: Final = -110
NOT_EMPTY: Final = -111
INVALID_ACL: Final = -114
AUTH_FAILED: Final = -115
NO_WATCHER: Final = -121
RECONFIG_DISABLED: Final = -123

# events (Watcher.Event.EventType)
NODE_CREATED: Final = 1
NODE_DELETED: Final = 2
NODE_DATA_CHANGED: Final = 3
NODE_CHILDREN_CHANGED: Final = 4
SYNC_CONNECTED: Final = 3  # the state that stands in every event

# permissions (ZooDefs.Perms)
READ: Final = 1
WRITE: Final = 2
CREATE_PERMISSION: Final = 4
DELETE_PERMISSION: Final = 8
ADMIN: Final = 16
ALL_PERMISSIONS: Final = 31

# create modes (CreateMode): the flags of a create request
PERSISTENT: Final = 0
EPHEMERAL: Final = 1
PERSISTENT_SEQUENTIAL: Final = 2
EPHEMERAL_SEQUENTIAL: Final = 3
CONTAINER: Final = 4
PERSISTENT_WITH_TTL: Final = 5
PERSISTENT_SEQUENTIAL_WITH_TTL: Final = 6
WITH_TTL: Final = {PERSISTENT_WITH_TTL, PERSISTENT_SEQUENTIAL_WITH_TTL}

#: The longest request that is served (jute.maxbuffer); replies may be longer.
MAX_REQUEST: Final = 0xFFFFF

VERSION: Final = "3.8.0"


class RequestError(Exception):
    """A request fails with one of the codes above; the connection lives on.

    An error's reply is its header alone; ``body`` is for the one request whose failure has a body, too.
    """

    def __init__(self, code: int, body: bytes = b"") -> None:
        super().__init__(code)
        self.code = code
        self.body = body


class ConnectionRefused(Exception):  # noqa: N818  # a verdict on the peer, in the field's words
    """What came in cannot be answered: the connection is closed."""


class LimitExceeded(ConnectionRefused):
    """The peer wants more than this server gives to one client: its connection is closed, and the log says why."""
