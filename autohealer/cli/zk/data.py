"""DATA on the command line."""

from __future__ import annotations

import sys

from autohealer.cli.zk.session import shells_session


def as_bytes(data: str) -> bytes:
    """The bytes that are meant; ``-`` is stdin, but in the shell, which reads that itself."""
    if data == "-" and shells_session() is None:
        return sys.stdin.buffer.read()
    # What is not UTF-8 comes as surrogates, and goes as it came.
    return data.encode("utf-8", "surrogateescape")
