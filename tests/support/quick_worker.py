"""A worker that registers itself within some 30 ms of its start: it speaks ZooKeeper's protocol without a library.

``python -I -S quick_worker.py HOST:PORT[,…][/CHROOT]``: lives until it is killed.
"""

import os
import socket
import struct
import sys
import time

SESSION_MS = 2000
CREATE, PING, EPHEMERAL, ALL_RIGHTS = 1, 11, 1, 31


def main() -> None:
    """Register at the first server, and keep the session alive."""
    servers, _, chroot = sys.argv[1].partition("/")
    host, _, port = servers.split(",")[0].rpartition(":")
    path = f"/{chroot}".rstrip("/") + f"{os.environ['AUTOHEALER_WORKERS']}/{os.environ['AUTOHEALER_WORKER_ID']}"
    anyone = struct.pack(">ii", 1, ALL_RIGHTS) + text(b"world") + text(b"anyone")
    with socket.create_connection((host, int(port))) as connection:
        ask(connection, struct.pack(">iqiq", 0, 0, SESSION_MS, 0) + text(bytes(16)))
        node = text(path.encode()) + text(b"") + anyone + struct.pack(">i", EPHEMERAL)
        ask(connection, struct.pack(">ii", 1, CREATE) + node)
        while True:
            time.sleep(SESSION_MS / 3000)
            ask(connection, struct.pack(">ii", -2, PING))


def ask(connection: socket.socket, body: bytes) -> bytes:
    """One frame out, one frame in."""
    connection.sendall(text(body))
    (length,) = struct.unpack(">i", receive(connection, 4))
    return receive(connection, length)


def receive(connection: socket.socket, length: int) -> bytes:
    """So many bytes."""
    data = b""
    while len(data) < length:
        piece = connection.recv(length - len(data))
        if not piece:
            raise ConnectionError("the server has closed the connection")
        data += piece
    return data


def text(value: bytes) -> bytes:
    """With its length before it."""
    return struct.pack(">i", len(value)) + value


if __name__ == "__main__":
    main()
