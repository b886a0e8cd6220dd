"""onlooker.py SOCKET PORT COMMAND...: everybody who may look at an agent, in a process of their own.

Takes the connections that probes make to the listening SOCKET, a descriptor; asks the HTTP endpoint at PORT for what
the page asks it for; and runs COMMAND, the dashboard, on a terminal. Writes a line once all of them
have seen something.
"""

import fcntl
import http.client
import os
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from contextlib import suppress

LOOK_S = 0.25
"""The page asks for the status so often at most, which it does while there are events."""

seen = [threading.Event() for _ in range(3)]


def answer_probes(listening: socket.socket) -> None:
    while True:
        connection, _ = listening.accept()
        connection.close()
        seen[0].set()


def hear_events(port: int) -> None:
    page = http.client.HTTPConnection("127.0.0.1", port)
    page.request("GET", "/api/v1/events")
    events = page.getresponse()
    while events.readline():
        seen[1].set()


def read_status(port: int) -> None:
    page = http.client.HTTPConnection("127.0.0.1", port)
    while True:
        page.request("GET", "/api/v1/status")
        page.getresponse().read()
        time.sleep(LOOK_S)


def watch_dashboard(command: list[str]) -> None:
    terminal, inside = os.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    subprocess.Popen(command, stdin=inside, stdout=inside, env=environment, start_new_session=True)
    os.close(inside)
    with suppress(OSError):  # its end
        while os.read(terminal, 65536):
            seen[2].set()
    os._exit(1)  # whoever waits for the others, too, waits no longer


port, listening = int(sys.argv[2]), socket.socket(fileno=int(sys.argv[1]))
while True:
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", port)).close()
        break
    time.sleep(0.05)  # the endpoint comes a moment after the workers
for look, argument in ((answer_probes, listening), (hear_events, port), (read_status, port),
                       (watch_dashboard, sys.argv[3:])):  # fmt: skip
    threading.Thread(target=look, args=(argument,), daemon=True).start()
for each in seen:
    each.wait()
sys.stdout.write("\n")
sys.stdout.flush()
sys.stdin.read()
