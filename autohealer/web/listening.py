"""Where to listen: HOST:PORT, and a socket that is bound to it."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket

import msgspec

from autohealer.errors import UsageError

BACKLOG = 64
_EXAMPLE = "write HOST:PORT, as in: --http 127.0.0.1:8080"


class Listening(msgspec.Struct, frozen=True):
    """A bound socket. ``address`` is where others find it, as HOST:PORT."""

    socket: socket.socket
    host: str
    address: str
    is_loopback: bool

    @property
    def url(self) -> str:
        """For a browser."""
        return f"http://{self.address}/"


def parse(text: str) -> tuple[str, int]:
    """``HOST:PORT``; an IPv6 address stands in brackets. Raises UsageError."""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if bracketed else host
    if not (host and colon) or (":" in host and not bracketed):
        raise UsageError(f"--http {text!r} is no address", _EXAMPLE)
    if not (port.isascii() and port.isdigit() and int(port) <= 65_535):
        raise UsageError(f"--http {text!r} has no port from 0 to 65535", _EXAMPLE)
    return host, int(port)


def listen(text: str) -> Listening:
    """Bind to ``HOST:PORT``; port 0 is any that is free. Raises UsageError."""
    host, port = parse(text)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"cannot listen at {text}: there is no host {host}", _EXAMPLE) from error
    # A name such as localhost may stand for both: IPv4 is what most people type.
    family, _, _, _, where = min(found, key=lambda each: each[0] is not socket.AF_INET)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        hint = "choose another port, or 0 for any" if error.errno in _ABOUT_THE_PORT else _EXAMPLE
        raise UsageError(f"cannot listen at {text}: {os.strerror(error.errno or 0)}", hint) from error
    listener.setblocking(False)
    bound, port = listener.getsockname()[:2]
    ip = ipaddress.ip_address(str(bound).partition("%")[0])
    name = socket.gethostname() if ip.is_unspecified else str(ip)
    return Listening(listener, host, f"[{name}]:{port}" if ":" in name else f"{name}:{port}", ip.is_loopback)


_ABOUT_THE_PORT = {errno.EADDRINUSE, errno.EACCES}
