"""What a worker answers by HTTP: whether it is well, and how much work it has done."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

METRIC = "flaky_work_done_total"
_LONGEST_REQUEST = 8192
_PATIENCE_S = 5.0


class Server:
    """Answers on a port, in a thread of its own, until it is closed or the process ends."""

    def __init__(self, port: int) -> None:
        """Raises OSError where the port cannot be had."""
        self.is_well = True
        self.work_done = 0
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Answer no more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            with suppress(OSError), connection:
                connection.settimeout(_PATIENCE_S)
                connection.sendall(self._answer(connection.recv(_LONGEST_REQUEST)))

    def _answer(self, request: bytes) -> bytes:
        if request.split(b" ")[1:2] == [b"/metrics"]:
            status, body = "200 OK", f"{METRIC} {self.work_done}\n"
        elif self.is_well:
            status, body = "200 OK", "well\n"
        else:
            status, body = "500 Internal Server Error", "a fault, on purpose\n"
        return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
