"""The addresses of a host, without a wait in the loop."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from typing import NamedTuple

KEPT_S = 30.0


class SocketAddress(NamedTuple):
    """What a socket connects to."""

    family: int
    sockaddr: tuple[str, int]


def literal(host: str, port: int) -> list[SocketAddress]:
    """The addresses that need no name service: of an IP address, and of localhost; else none."""
    if host == "localhost":
        return [SocketAddress(socket.AF_INET, ("127.0.0.1", port)), SocketAddress(socket.AF_INET6, ("::1", port))]
    try:
        version = ipaddress.ip_address(host.partition("%")[0]).version
    except ValueError:
        return []
    return [SocketAddress(socket.AF_INET if version == 4 else socket.AF_INET6, (host, port))]


class Resolver:
    """Asks the name service in a thread, and keeps what it says for half a minute."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._kept: dict[tuple[str, int], tuple[float, list[SocketAddress]]] = {}

    def resolve(self, host: str, port: int, done: Callable[[list[SocketAddress], str], None]) -> None:
        """Call ``done`` with the addresses, or with none and why; at once where they are known."""
        found = literal(host, port)
        kept = self._kept.get((host, port))
        if not found and kept is not None and kept[0] > self._loop.time():
            found = kept[1]
        if found:
            done(found, "")
            return
        asked = self._loop.run_in_executor(None, _ask, host, port)
        asked.add_done_callback(lambda future: self._answered(host, port, future, done))

    def _answered(
        self,
        host: str,
        port: int,
        future: asyncio.Future[list[SocketAddress]],
        done: Callable[[list[SocketAddress], str], None],
    ) -> None:
        if future.cancelled():
            return
        error = future.exception()
        if error is not None:
            done([], f"cannot look up {host}: {getattr(error, 'strerror', None) or error}")
            return
        self._kept[host, port] = (self._loop.time() + KEPT_S, future.result())
        done(future.result(), "")


def _ask(host: str, port: int) -> list[SocketAddress]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(SocketAddress(int(family), (str(at[0]), int(at[1]))) for family, _, _, _, at in found))
