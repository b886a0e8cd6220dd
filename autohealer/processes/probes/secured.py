"""TLS over the socket of an exchange. Imported where one asks for it: it brings OpenSSL along."""

from __future__ import annotations

import functools
import socket
import ssl


def wrap(plain: socket.socket, host: str) -> ssl.SSLSocket:
    """The socket, connected already, with TLS that has not shaken hands yet. The certificate has to be for the host."""
    return _context().wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)


def wants_to_read(error: OSError) -> bool | None:
    """Whether TLS waits until it can read, or write (False); None where it waits for nothing, and has failed."""
    if isinstance(error, ssl.SSLWantReadError):
        return True
    return False if isinstance(error, ssl.SSLWantWriteError) else None


@functools.cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()
