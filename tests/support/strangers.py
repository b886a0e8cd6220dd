"""Clients of the embedded server that run as another user of this machine."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

STRANGER = 65_534
ANOTHER = 65_533

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")

#: Connect, ask for a session, say whether there is one; then wait to be ended. In a hurry: create /x, and be gone.
CLIENT = """
import os, socket, struct, sys
port, user, family, hurried = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "hurried"
os.setgroups([])
os.setresuid(user, user, user)
client = socket.socket(family)
client.settimeout(10)
connect = struct.pack(">iqiqi16s", 0, 0, 10000, 0, 16, bytes(16))
create = struct.pack(">iii2siiii5si6si", 1, 1, 2, b"/x", 0, 1, 31, 5, b"world", 6, b"anyone", 0)
requests = [connect, create] if hurried else [connect]
try:
    client.connect(("::ffff:127.0.0.1" if family == socket.AF_INET6 else "127.0.0.1", port))
    client.sendall(b"".join(struct.pack(">i", len(request)) + request for request in requests))
    if hurried:
        client.close()
        print("sent", flush=True)
    else:
        print("served" if client.recv(4) else "closed", flush=True)
except OSError:
    print("closed", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def client_of(port: int, user: int, *, family: int = socket.AF_INET, hurried: bool = False) -> Iterator[str]:
    """What a client of another user says: served, closed, or sent."""
    command = [sys.executable, "-c", CLIENT, str(port), str(user), str(family), "hurried" if hurried else "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate()
