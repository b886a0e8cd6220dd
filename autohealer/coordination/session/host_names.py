"""Whether the servers' names are known at all: the likeliest cause of nobody answering, after a server that is down."""

from __future__ import annotations

import socket
import threading
import time

from kazoo.hosts import collect_hosts

WITHIN_S = 2.0
"""A name server that is away keeps who asks waiting for longer, and is no proof that a name is wrong."""


def unknown_names(servers: str) -> dict[str, str]:
    """Those of ``host:port,…`` that no address is found for, and why. Waits for 2 s at most."""
    unknown: dict[str, str] = {}
    askers = [
        threading.Thread(target=_ask, args=(host, port, unknown), daemon=True)
        for host, port in collect_hosts(servers)[0]
    ]
    until = time.monotonic() + WITHIN_S
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(max(0.0, until - time.monotonic()))
    return dict(unknown)


def _ask(host: str, port: int, unknown: dict[str, str]) -> None:
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        unknown[host] = error.strerror or str(error)
    except UnicodeError:  # a label that is empty or longer than 63 characters
        unknown[host] = "not a name of a host"
