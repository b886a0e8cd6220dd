"""A worker that is as sick as files in a folder say, so that a test can make it so at any moment.

``python sick_worker.py FOLDER``. A file ``FAULT`` (or ``FAULT-SLOT``, for one slot) is there while the fault lasts:

- ``bad``    HTTP on $PORT is answered with 500
- ``mute``   it never says that it is ready, nor beats
- ``stuck``  it beats and finishes no work
- ``fat``    it takes 200 MiB
- ``quiet``  it neither writes nor works
"""

import os
import socket
import sys
import threading
import time
from pathlib import Path

from autohealer import worker

FOLDER = Path(sys.argv[1])
SLOT = os.environ.get("AUTOHEALER_SLOT", "0")
done = 0


def has(fault: str) -> bool:
    """Whether this fault lasts now, here."""
    return (FOLDER / fault).exists() or (FOLDER / f"{fault}-{SLOT}").exists()


def serve(listener: socket.socket) -> None:
    """Answer every request alike, with the counter of finished work."""
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            status = b"500 Sick" if has("bad") else b"200 OK"
            body = b"the database is away\n" if has("bad") else f"work_done {done}\n".encode()
            connection.sendall(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))


if port := os.environ.get("PORT"):
    server = socket.create_server(("127.0.0.1", int(port)), backlog=64, reuse_port=False)
    threading.Thread(target=serve, args=(server,), daemon=True).start()
held = b""
os.write(1, b"listening\n")
if not has("mute"):
    worker.ready()
while True:
    if has("fat"):
        held = held or b"\1" * (200 << 20)
    if not has("quiet"):
        os.write(1, b"at work\n")
        if not has("stuck"):
            done += 1
        if not has("mute"):
            worker.beat(done)
    time.sleep(0.1)
