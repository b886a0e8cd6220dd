"""A client of ZooKeeper without sockets and threads, which behaves as kazoo does where that hurts.

- A connection can go between a request's execution and its answer: then there is no answer.
- The end of a session is known only when a server says so; until then the client is SUSPENDED, for ever if need be.
- With a connection go all watches: each is called once with an event that says nothing else.
- A server that knows less than the client has seen closes the connection without a word.
- A server that says nothing is noticed between a third and two thirds of the session timeout.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from kazoo.exceptions import EXCEPTIONS, ConnectionLoss, NoNodeError
from kazoo.protocol import serialization
from kazoo.protocol.states import EventType, KazooState, KeeperState, WatchedEvent

from autohealer.coordination.session.client import RemoveWatches

if TYPE_CHECKING:
    import random

    from autohealer.coordination.session.port import ClientPort, Fill, SessionId, Turned, Watch
    from tests.simulation.clock import Call, Clock
    from tests.simulation.network import Network, Wire

_REPLY = struct.Struct(">iqi")
_HEADER = struct.Struct(">ii")
_LENGTH = struct.Struct(">i")
_PING, _WATCH = -2, -1
_NO_PASSWORD = bytes(16)
_EVENTS = {1: EventType.CREATED, 2: EventType.DELETED, 3: EventType.CHANGED, 4: EventType.CHILD}


class Site(Protocol):
    """The process that a client is in."""

    clock: Clock
    dice: random.Random
    pings_are_short: bool

    @property
    def network(self) -> Network:
        """Its host's."""

    def later(self, seconds: float, function: Callable[..., object], *arguments: object) -> Call:
        """Call this in the process's loop after so long, as below."""

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Call this in the process's loop: not before it is thawed, and never if it has ended."""


@dataclass(eq=False)
class Answer:
    """A request on its way."""

    request: Any
    value: Any = None
    exception: Exception | None = None
    _callbacks: list[Callable[[Any], None]] = field(default_factory=list)
    _is_done: bool = False

    def rawlink(self, callback: Callable[[Any], None]) -> None:
        """Have this called when there is an answer."""
        if self._is_done:
            callback(self)
        else:
            self._callbacks.append(callback)

    def conclude(self, value: Any, exception: Exception | None) -> None:
        self.value, self.exception, self._is_done = value, exception, True
        for callback in self._callbacks:
            callback(self)


class _Transaction:
    """Gathers operations, as kazoo's does."""

    def __init__(self) -> None:
        self.operations: list[Any] = []

    def check(self, path: str, version: int) -> None:
        self.operations.append(serialization.CheckVersion(path, version))

    def create(self, path: str, value: bytes = b"", acl: Any = None, ephemeral: bool = False) -> None:
        self.operations.append(serialization.Create(path, value, acl, int(ephemeral)))

    def set_data(self, path: str, value: bytes, version: int = -1) -> None:
        self.operations.append(serialization.SetData(path, value, version))

    def delete(self, path: str, version: int = -1) -> None:
        self.operations.append(serialization.Delete(path, version))


class SimulatedClient:
    """One client, on one host's network."""

    def __init__(
        self,
        site: Site,
        session_timeout: float,
        *,
        turned: Turned,
        prior: SessionId | None = None,
        rival_of: ClientPort | None = None,
    ) -> None:
        self._site, self._timeout_s, self._turned = site, session_timeout, turned
        self._session = prior
        self._max_delay_s = 1.0 if rival_of is None else 0.3
        self._granted_s = session_timeout
        self._state = KazooState.LOST
        self._wire: Wire | None = None
        self._greeting = self._silent = self._stopped = False
        self._last_zxid = 0
        self._xid = 0
        self._tries = 0
        self._pending: deque[tuple[int, Answer, Watch | None]] = deque()
        self._data_watches: dict[str, dict[Watch, None]] = {}
        self._child_watches: dict[str, dict[Watch, None]] = {}
        self._heard_at = self._sent_at = 0.0
        self._pinged_at: float | None = None
        self._timer: Call | None = None
        self._buffer = b""
        self.refused_until: float = 0.0
        if isinstance(rival_of, SimulatedClient):
            self.refused_until = rival_of.refused_until

    # ---- ClientPort

    @property
    def connected(self) -> bool:
        return self._state == KazooState.CONNECTED and self._session is not None

    @property
    def silent(self) -> bool:
        return self._silent

    @property
    def last_zxid(self) -> int:
        return self._last_zxid

    @property
    def greeting(self) -> bool:
        return self._greeting

    def start(self) -> None:
        self._site.call(self._attempt)

    def silence(self) -> None:
        self._silent = True

    def stop(self) -> Any:
        self.silence()
        self._stopped = True
        if self._wire is not None and not self._greeting:
            self._send(serialization.CloseInstance, 1)
        if self._timer is not None:
            self._timer.cancel()
        return _Ended()

    def cut(self, seconds: float) -> None:
        self.refused_until = self._site.clock.now + seconds
        if self._wire is not None:
            self._dropped()

    def later(self, seconds: float, function: Callable[[], None]) -> Call:
        def call() -> None:
            if not self._silent:
                self._site.call(function)

        return self._site.clock.later(seconds, call)

    def get(self, path: str, watch: Watch | None) -> Answer:
        return self._ask(serialization.GetData(path, watch), watch)

    def exists(self, path: str, watch: Watch | None) -> Answer:
        return self._ask(serialization.Exists(path, watch), watch)

    def children(self, path: str, watch: Watch | None) -> Answer:
        return self._ask(serialization.GetChildren(path, watch), watch)

    def set(self, path: str, data: bytes) -> Answer:
        return self._ask(serialization.SetData(path, data, -1))

    def delete(self, path: str) -> Answer:
        return self._ask(serialization.Delete(path, -1))

    def create(self, path: str, data: bytes, acl: Sequence[Any], *, ephemeral: bool, sequence: bool) -> Answer:
        return self._ask(serialization.Create(path, data, list(acl), int(ephemeral) + 2 * int(sequence)))

    def commit(self, fill: Fill) -> Answer:
        transaction = _Transaction()
        fill(transaction)
        return self._ask(serialization.Transaction(transaction.operations))

    def unwatch(self, path: str, watch: Watch) -> Answer:
        answer = self._ask(RemoveWatches(path))
        answer.rawlink(lambda _: self._data_watches.get(path, {}).pop(watch, None))
        return answer

    # ---- requests

    def _ask(self, request: Any, watch: Watch | None = None) -> Answer:
        answer = Answer(request)
        if self._wire is None or self._greeting:
            self._site.call(answer.conclude, None, ConnectionLoss())
            return answer
        self._xid += 1
        self._pending.append((self._xid, answer, watch))
        self._send(request, self._xid)
        return answer

    def _send(self, request: Any, xid: int) -> None:
        body = _HEADER.pack(xid, request.type) + bytes(request.serialize())
        self._sent_at = self._site.clock.now
        if self._wire is not None:
            self._wire.send_up(_LENGTH.pack(len(body)) + body)

    # ---- the connection

    def _attempt(self) -> None:
        if self._stopped or self._wire is not None:
            return
        if self._site.clock.now < self.refused_until:
            self._retry()
            return
        self._greeting, self._buffer = True, b""
        self._wire = self._site.network.connect(self, self._site)
        session_id, password = self._session or (0, _NO_PASSWORD)
        request = serialization.Connect(
            0, self._last_zxid, int(self._timeout_s * 1000), session_id, password, False
        ).serialize()
        self._wire.send_up(_LENGTH.pack(len(request)) + bytes(request))
        wire = self._wire
        self._timer = self._site.later(self._timeout_s / 2, self._gave_up, wire)

    def _gave_up(self, wire: Wire) -> None:
        if wire is self._wire and self._greeting:
            self._dropped()

    def _retry(self) -> None:
        if self._stopped:
            return
        delay_s = min(0.05 * 1.5 ** min(self._tries, 20), self._max_delay_s)
        self._tries += 1
        delay_s *= 1 + 0.4 * self._site.dice.random()
        self._timer = self._site.later(delay_s, self._attempt)

    def arrived(self, wire: Wire, data: bytes) -> None:
        """The wire's: bytes are in the host's kernel; the process reads them when it runs."""
        self._site.call(self._read, wire, data)

    def ended(self, wire: Wire) -> None:
        """The wire's: the server has closed it."""
        self._site.call(self._ended, wire)

    def _ended(self, wire: Wire) -> None:
        if wire is self._wire:
            self._dropped()

    def _read(self, wire: Wire, data: bytes) -> None:
        if wire is not self._wire or self._stopped:
            return
        self._heard_at, self._pinged_at = self._site.clock.now, None
        self._buffer += data
        while wire is self._wire and len(self._buffer) >= 4:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if len(self._buffer) < 4 + length:
                return
            frame, self._buffer = self._buffer[4 : 4 + length], self._buffer[4 + length :]
            if self._greeting:
                self._greeted(frame)
            else:
                self._heard(frame)

    def _greeted(self, frame: bytes) -> None:
        answer, _ = serialization.Connect.deserialize(frame, 0)
        self._greeting = False
        if self._timer is not None:
            self._timer.cancel()
        if answer.time_out <= 0:
            self._session, self._last_zxid = None, 0
            self._close()
            self._tell(KazooState.LOST)
            self._retry()
            return
        self._session, self._granted_s = (answer.session_id, answer.passwd), answer.time_out / 1000
        self._tries = 0
        self._tell(KazooState.CONNECTED)
        self._watch_over()

    def _heard(self, frame: bytes) -> None:
        xid, zxid, code = _REPLY.unpack_from(frame)
        if xid == _WATCH:
            event, _ = serialization.Watch.deserialize(frame, _REPLY.size)
            self._fire(event.type, event.path)
            return
        self._last_zxid = max(self._last_zxid, zxid)
        if xid == _PING or not self._pending:
            return
        sent, answer, watch = self._pending.popleft()
        assert sent == xid, "answers come in the order of the questions"
        request = answer.request
        error = EXCEPTIONS[code]() if code else None
        is_absent = isinstance(error, NoNodeError) and isinstance(request, serialization.Exists)
        if is_absent:
            error = None
        if watch is not None and error is None:
            kinds = self._child_watches if isinstance(request, serialization.GetChildren) else self._data_watches
            kinds.setdefault(request.path, {})[watch] = None
        value = None if error is not None or is_absent else request.deserialize(frame, _REPLY.size)
        answer.conclude(value, error)

    def _fire(self, kind: int, path: str) -> None:
        found: dict[Watch, None] = {}
        if kind in {1, 2, 3}:
            found.update(self._data_watches.pop(path, {}))
        if kind in {2, 4}:
            found.update(self._child_watches.pop(path, {}))
        for watch in found:
            watch(WatchedEvent(_EVENTS[kind], KeeperState.CONNECTED, path))

    def _watch_over(self) -> None:
        """Ping, and notice that nobody answers.

        Kazoo looks about every half of a third of the timeout whether it is to ping; here only the looks are made
        at which there is something to do.
        """
        now, third = self._site.clock.now, self._granted_s / 3
        idle_s, jitter = now - max(self._sent_at, self._heard_at), self._site.dice.uniform(0.0, 0.4)
        if self._pinged_at is not None:
            if now - self._pinged_at >= third:
                self._dropped()
                return
            wait_s = self._pinged_at + third * (1 + jitter) - now
        elif idle_s >= third * 0.75 and self._pings_at_once():
            wait_s = third * (0.8 + jitter)
        elif idle_s >= third * 0.75:
            self._pinged_at = now
            self._send(serialization.PingInstance, _PING)
            wait_s = third * (1 + jitter)
        else:
            wait_s = third * (0.8 + jitter) - idle_s
        self._timer = self._site.later(wait_s, self._watched, self._wire)

    def _pings_at_once(self) -> bool:
        """Ask and hear in one, where nothing could come between."""
        zxid = self._wire.ping() if self._site.pings_are_short and self._wire is not None else None
        if zxid is None:
            return False
        self._sent_at = self._heard_at = self._site.clock.now
        self._last_zxid = max(self._last_zxid, zxid)
        return True

    def _watched(self, wire: Wire | None) -> None:
        if wire is self._wire and wire is not None and not self._greeting and not self._stopped:
            self._watch_over()

    def _dropped(self) -> None:
        self._close()
        if self._state == KazooState.CONNECTED:
            self._tell(KazooState.SUSPENDED)
        self._retry()

    def _close(self) -> None:
        wire, self._wire = self._wire, None
        self._greeting = False
        if self._timer is not None:
            self._timer.cancel()
        if wire is not None:
            wire.close()
        pending, self._pending = self._pending, deque()
        self._pinged_at = None
        watches = [*self._data_watches.values(), *self._child_watches.values()]
        self._data_watches, self._child_watches = {}, {}
        for _, answer, _watch in pending:
            self._site.call(answer.conclude, None, ConnectionLoss())
        for group in watches:
            for watch in group:
                self._site.call(watch, WatchedEvent(EventType.NONE, KeeperState.CONNECTING, None))

    def _tell(self, state: str) -> None:
        if state != self._state:
            self._state = state
            if not self._silent:
                self._turned(self, state, self._session, self._granted_s, False)


class _Ended:
    """There is nothing to wait for."""

    def join(self, timeout: float) -> None:
        """At once."""
