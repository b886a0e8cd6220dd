"""One session with ZooKeeper, as everything else here sees it: a port with two sides.

`SessionPort` is what the parts of a cluster ask for; `Link` offers it. `ClientPort` is what `Link` needs of a client:
kazoo's, in a thread of its own, or one of the tests' simulation, on a server without sockets and a clock that is turned
by hand. Both behave alike where it hurts: a connection may go between a request's execution and its answer, the end of
a session is known only when a server says so, and a watch is forgotten with its connection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from kazoo.protocol.states import WatchedEvent

Done = Callable[[Any, Exception | None], None]
Watch = Callable[[WatchedEvent], None]
SessionId = tuple[int, bytes]
"""A session's id and its password."""


class Joinable(Protocol):
    """Something that is about to end."""

    def join(self, timeout: float) -> None:
        """Wait for it, for so many seconds at most."""


class Timer(Protocol):
    """Something that is to be called later."""

    def cancel(self) -> None:
        """It need not be called any more."""


class Pending(Protocol):
    """A request on its way; kazoo's IAsyncResult is one."""

    value: Any
    exception: Exception | None

    def rawlink(self, callback: Callable[[Pending], None]) -> None:
        """Have this called when there is an answer, or none is to be expected."""


class TransactionRequest(Protocol):
    """Operations that are done together or not at all."""

    def check(self, path: str, version: int) -> None:
        """The node is there, in this version (-1: any)."""

    def create(self, path: str, value: bytes = b"", acl: Any = None, ephemeral: bool = False) -> None:
        """Make a node."""

    def set_data(self, path: str, value: bytes, version: int = -1) -> None:
        """Change a node's data."""

    def delete(self, path: str, version: int = -1) -> None:
        """Delete a node."""


Fill = Callable[[TransactionRequest], None]


class LinkObserver(Protocol):
    """Who is told how the connection fares."""

    def opened(self, granted_s: float, *, resumed: bool) -> None:
        """A session is there."""

    def suspended(self) -> None:
        """The server does not answer."""

    def resumed(self) -> None:
        """It answers again, in the same session."""

    def lost(self) -> None:
        """The session has ended."""

    def denied(self, path: str) -> None:
        """The server refuses these credentials, for this path or (where it is empty) altogether."""


class SessionPort(Protocol):
    """Requests to ZooKeeper, and the session they run in.

    A request is answered once, by its ``done``, or not at all when the connection goes first.
    """

    session: SessionId | None
    up: bool

    def connect(self) -> None:
        """Begin; what comes of it is told to the observer."""

    def close(self, timeout: float) -> None:
        """End the session if the server can be reached; never takes longer than ``timeout``."""

    def begin_close(self) -> Joinable:
        """Use the connection no more, and end the session; what is waited for until it has ended."""

    def abandon(self) -> None:
        """Go without ending the session, for another one lives in it."""

    def cut(self, seconds: float) -> None:
        """Break the connection and reach no server for so long, as if the network were down: for drills."""

    def get(self, path: str, done: Done, watch: Watch | None = None) -> None:
        """Data and stat."""

    def get_foreign(self, path: str, done: Done, watch: Watch | None = None) -> None:
        """Data and stat of what anybody may have made; what may not be read counts as empty, and is no denial."""

    def exists(self, path: str, done: Done, watch: Watch | None = None) -> None:
        """Stat, or None; a watch is set either way."""

    def children(self, path: str, done: Done, watch: Watch | None = None) -> None:
        """Names of children."""

    def set(self, path: str, data: bytes, done: Done) -> None:
        """Stat of the changed node."""

    def delete(self, path: str, done: Done) -> None:
        """True."""

    def create(
        self, path: str, data: bytes, acl: Sequence[Any], done: Done, *, ephemeral: bool = False, sequence: bool = False
    ) -> None:
        """Path of the new node."""

    def commit(self, about: str, fill: Fill, done: Done) -> None:
        """A transaction's results, one an operation; in one that failed, those are errors."""

    def unwatch(self, path: str, watch: Watch) -> None:
        """Take back a data watch."""

    def ask_zxid(self, done: Callable[[int], None]) -> None:
        """The number of the last transaction that the server knows of: where it is what it was, nothing has changed."""

    def forget_waiting(self) -> None:
        """Drop what has not been sent yet."""


class ClientPort(Protocol):
    """A client of ZooKeeper, in kazoo's terms. All that it has to say comes in the loop's thread."""

    @property
    def connected(self) -> bool:
        """Whether it is in a session, as far as was told."""

    @property
    def silent(self) -> bool:
        """Whether it has been told to say nothing more."""

    @property
    def last_zxid(self) -> int:
        """The number of the last transaction that the server knew of when it last answered a request."""

    @property
    def greeting(self) -> bool:
        """Whether it is in the middle of a handshake."""

    def start(self) -> None:
        """Begin; what comes of it is told by ``turned``."""

    def silence(self) -> None:
        """Say nothing more."""

    def stop(self) -> Joinable:
        """Say nothing more, and end the session if the server can be reached."""

    def cut(self, seconds: float) -> None:
        """Break the connection, and reach no server for so long."""

    def later(self, seconds: float, function: Callable[[], None]) -> Timer:
        """Call this in the loop's thread after so long, unless it was told to be silent."""

    def get(self, path: str, watch: Watch | None) -> Pending:
        """Data and stat."""

    def exists(self, path: str, watch: Watch | None) -> Pending:
        """Stat, or None."""

    def children(self, path: str, watch: Watch | None) -> Pending:
        """Names of children."""

    def set(self, path: str, data: bytes) -> Pending:
        """Stat of the changed node."""

    def delete(self, path: str) -> Pending:
        """True."""

    def create(self, path: str, data: bytes, acl: Sequence[Any], *, ephemeral: bool, sequence: bool) -> Pending:
        """Path of the new node."""

    def commit(self, fill: Fill) -> Pending:
        """A transaction's results."""

    def unwatch(self, path: str, watch: Watch) -> Pending:
        """Take back a data watch."""


Turned = Callable[[ClientPort, str, SessionId | None, float, bool], None]
"""Told of a client's state (kazoo's words), its session, the timeout granted, and whether it was refused."""


class MakeClient(Protocol):
    """Makes a client, which does nothing before it is started."""

    def __call__(
        self,
        *,
        turned: Turned,
        prior: SessionId | None = None,
        rival_of: ClientPort | None = None,
    ) -> ClientPort:
        """``prior``: a session to go on with. ``rival_of``: it is to find out whether another one could connect."""
