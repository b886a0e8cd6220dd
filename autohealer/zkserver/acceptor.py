"""Who comes to the listening socket: taken in, turned away, or left waiting while there is no room for more."""

from __future__ import annotations

import errno
import logging
import select
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Sized

    from autohealer.zkserver.admission import Admission
    from autohealer.zkserver.statistics import Statistics

logger = logging.getLogger("autohealer.zkserver")

_ACCEPTED_IN_ONE_GO: Final = 64
_NOTED_EVERY_S: Final = 60.0
_OUT_OF_RESOURCES: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_ACCEPT_AGAIN_S: Final = 0.2


class Acceptor:
    """``epoll`` hears of who comes, but for a while after the process has run out of what a connection takes."""

    def __init__(
        self,
        listener: socket.socket,
        epoll: select.epoll,
        *,
        max_connections: int,
        admission: Admission | None,
        statistics: Statistics,
    ) -> None:
        self._listener = listener
        self._epoll = epoll
        self._max_connections = max_connections
        self._admission = admission
        self._statistics = statistics
        self._note_full_at = 0.0
        self._is_short = False
        self.again_at: float | None = None  # when `resume` is to be called
        listener.setblocking(False)
        self._listen()

    @property
    def fd(self) -> int:
        """The listening socket's."""
        return self._listener.fileno()

    def accept(self, connected: Sized, now: float) -> Iterator[tuple[socket.socket, tuple[str, int]]]:
        """Those who have come and may stay, each with its address. ``connected``: who is here already."""
        for _ in range(_ACCEPTED_IN_ONE_GO):
            try:
                sock, address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _OUT_OF_RESOURCES:
                    self._pause(error, now)
                    return
                continue  # that client is gone already
            self._is_short = False
            if self._has_room(connected, now) and self._is_welcome(sock, address, now):
                yield sock, address
            else:
                self._statistics.rejected += 1
                sock.close()

    def resume(self, now: float) -> None:
        """Try again what could not be done for want of resources, if it is time for that."""
        if self.again_at is not None and now >= self.again_at:
            self.again_at = None
            self._listen()

    def close(self) -> None:
        """Nobody is taken in any more."""
        if self._admission is not None:
            self._admission.close()
        self._listener.close()

    def _listen(self) -> None:
        self._epoll.register(self._listener.fileno(), select.EPOLLIN)

    def _pause(self, error: OSError, now: float) -> None:
        if not self._is_short:
            logger.warning("no more connections for now: %s", error.strerror)
        self._is_short = True
        self._epoll.unregister(self._listener.fileno())
        self.again_at = now + _ACCEPT_AGAIN_S

    def _has_room(self, connected: Sized, now: float) -> bool:
        if len(connected) < self._max_connections:
            return True
        if now >= self._note_full_at:
            self._note_full_at = now + _NOTED_EVERY_S
            logger.warning(
                "connections are refused: there are %d, and the limit of open files allows no more (ulimit -n)",
                len(connected),
            )
        return False

    def _is_welcome(self, sock: socket.socket, address: tuple[str, int], now: float) -> bool:
        if self._admission is None:
            return True
        try:
            admitted, why = self._admission.admits(address, sock.getsockname(), now)
        except OSError as error:  # who it is could not be found out
            admitted, why = False, f"a connection was closed: whose it is could not be found out: {error}"
        if why:
            logger.warning("%s", why)
        return admitted
