"""One connection that is asked one thing: a non-blocking socket in the event loop.

asyncio's streams and tasks cost several times as much, and a thousand workers are asked again and again.
"""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from autohealer.processes.probes.resolver import SocketAddress

_CHUNK = 4096
_WAITING = (errno.EINPROGRESS, errno.EAGAIN)


class Exchange:
    """Connects to the first address that answers, sends ``request``, and hands what comes to ``take``.

    It is over when ``take`` says that it has enough (True), or the other side has closed (``take`` gets an empty one).
    Without ``take`` it is over once connected. ``done`` gets None, or the reason why it failed; once, unless it is
    cancelled. ``tls_host`` is the name that the certificate has to be for.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        addresses: list[SocketAddress],
        done: Callable[[str | None], None],
        *,
        request: bytes = b"",
        take: Callable[[bytes], bool] | None = None,
        tls_host: str | None = None,
    ) -> None:
        self._loop, self._addresses, self._done = loop, list(addresses), done
        self._request, self._take, self._tls_host = request, take, tls_host
        self._waits_to_write = self._waits_to_read = False
        self._is_closed = True
        self._socket: socket.socket
        self._step: Callable[[], bool] = self._connected
        self._wants_to_read = self._plain_wants_to_read
        self._connect()

    def cancel(self) -> None:
        """Hear no more of it."""
        if not self._is_closed:
            self._is_closed = True
            self._wait(read=False, write=False)
            self._socket.close()

    # ---- steps. Each does what can be done now; True: the next step can be done, too.

    def _connect(self) -> None:
        address = self._addresses.pop(0)
        try:
            self._socket = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            self._is_closed = False
            error = self._socket.connect_ex(address.sockaddr)
        except OSError as problem:
            self._failed(problem)
            return
        if error not in (0, *_WAITING):
            self._failed(OSError(error, os.strerror(error)))
            return
        self._step = self._connected
        # A connection on this host stands by now: to send at once saves a turn of the loop.
        self._go_on()

    def _connected(self) -> bool:
        try:
            self._socket.getpeername()
        except OSError:
            if error := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(error, os.strerror(error)) from None
            self._wait(write=True)
            return False
        self._addresses.clear()
        self._step = self._send
        if self._tls_host is not None:
            self._wait(read=False, write=False)
            from autohealer.processes.probes import secured  # noqa: PLC0415 - it brings OpenSSL along

            self._socket = secure = secured.wrap(self._socket, self._tls_host)
            self._shake_hands, self._wants_to_read = secure.do_handshake, secured.wants_to_read
            self._step = self._secure
        return True

    def _secure(self) -> bool:
        self._shake_hands()
        self._step = self._send
        return True

    def _send(self) -> bool:
        if self._take is None:
            self._finish(None)
            return False
        while self._request:
            self._request = self._request[self._socket.send(self._request) :]
        self._wait(read=True, write=False)
        self._step = self._receive
        return False

    def _receive(self) -> bool:
        data = self._socket.recv(_CHUNK)
        is_enough = self._take(data) if self._take else True
        if is_enough or not data:
            self._finish(None)
            return False
        return self._tls_host is not None  # it may hold more than the loop knows of

    # ---- how

    def _go_on(self) -> None:
        try:
            while not self._is_closed and self._step():
                pass
        except OSError as error:
            reads = self._wants_to_read(error)
            if reads is None:
                self._failed(error)
            else:
                self._wait(read=reads, write=not reads)

    def _plain_wants_to_read(self, error: OSError) -> bool | None:
        """Whether it waits until it can read, or write (False); None where it has failed."""
        return self._step == self._receive if isinstance(error, BlockingIOError) else None

    def _wait(self, *, read: bool | None = None, write: bool | None = None) -> None:
        number = self._socket.fileno()
        if write is not None and write != self._waits_to_write:
            self._waits_to_write = write
            _ = self._loop.add_writer(number, self._go_on) if write else self._loop.remove_writer(number)
        if read is not None and read != self._waits_to_read:
            self._waits_to_read = read
            _ = self._loop.add_reader(number, self._go_on) if read else self._loop.remove_reader(number)

    def _failed(self, error: OSError) -> None:
        if self._addresses:
            self.cancel()
            self._connect()
            return
        reason = getattr(error, "verify_message", None) or error.strerror or str(error)
        self._finish(reason[:1].lower() + reason[1:])

    def _finish(self, problem: str | None) -> None:
        self.cancel()
        self._done(problem)
