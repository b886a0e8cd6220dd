"""Does a URL answer? One HTTP GET in the event loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from autohealer.errors import UsageError

_STATUS_LINE_BYTES = 1024


class Target(NamedTuple):
    """A URL, taken apart."""

    host: str
    port: int
    tls: bool
    request: bytes


def parse_url(url: str) -> Target:
    """Raises UsageError for what is no URL of a web server."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = SplitResult("", "", "", "", ""), None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or not url.isascii()
        or " " in url
        or not url.isprintable()
    ):
        raise UsageError(f"{url!r} is no URL to check", "write it as http://127.0.0.1:8000/healthz")
    tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2]
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nUser-Agent: autohealer\r\n\r\n"
    return Target(parts.hostname, port or (443 if tls else 80), tls, request.encode())


async def check(target: Target, within_s: float) -> str | None:
    """None if it answers with a status from 200 to 399 in time, else why not."""
    try:
        async with asyncio.timeout(within_s):
            return await _ask(target)
    except TimeoutError:
        return f"no answer within {within_s:g} s"
    except OSError as error:
        return error.strerror or str(error)


async def _ask(target: Target) -> str | None:
    reader, writer = await asyncio.open_connection(
        target.host, target.port, ssl=target.tls or None, limit=_STATUS_LINE_BYTES
    )
    try:
        writer.write(target.request)
        line = await reader.readline()
    except ValueError:
        line = b""  # no end of it in sight
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    words = line.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        return "the answer is not HTTP"
    return None if 200 <= int(words[1]) < 400 else f"status {words[1].decode()}"
