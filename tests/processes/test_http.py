"""Does a URL answer? Against servers that answer well, badly, late or not at all."""

from __future__ import annotations

import asyncio

import pytest

from autohealer.errors import UsageError
from autohealer.processes.probes.http import check, parse_url

QUICK_S = 0.2
PATIENT_S = 10.0


def ask(answer: bytes, *, within_s: float = PATIENT_S, path: str = "/") -> tuple[str | None, bytes]:
    """What a check says of a server that answers so, and what it asked. An empty answer is none at all."""
    asked = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        if answer:
            writer.write(answer)
        else:
            await reader.read()  # the other side gives up
        writer.close()

    async def story() -> str | None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return await check(parse_url(f"http://127.0.0.1:{port}{path}"), within_s)

    said = asyncio.run(story())
    return said, asked[0]


@pytest.mark.parametrize("status", [200, 204, 301, 399])
def test_a_good_status_is_good(status: int) -> None:
    said, _ = ask(f"HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n".encode())

    assert said is None


@pytest.mark.parametrize("status", [100, 199, 400, 404, 503])
def test_another_status_is_not(status: int) -> None:
    said, _ = ask(f"HTTP/1.1 {status}\r\n\r\n".encode())

    assert said == f"status {status}"


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1\r\n", b"HTTP/1.1 two\r\n", b"\r\n", b"x" * 100_000]
)
def test_what_is_not_http_is_not(answer: bytes) -> None:
    said, _ = ask(answer)

    assert said == "the answer is not HTTP"


def test_silence_is_waited_for_only_so_long() -> None:
    said, _ = ask(b"", within_s=QUICK_S)

    assert said == "no answer within 0.2 s"


def test_nobody_there() -> None:
    said = asyncio.run(check(parse_url("http://127.0.0.1:1/"), PATIENT_S))

    assert said is not None
    assert "127.0.0.1" in said


def test_it_asks_for_the_path_and_the_query() -> None:
    _, asked = ask(b"HTTP/1.1 200 OK\r\n\r\n", path="/healthz?deep=1")

    assert asked.startswith(b"GET /healthz?deep=1 HTTP/1.1\r\nHost: 127.0.0.1:")


def test_what_a_url_means() -> None:
    assert parse_url("http://[::1]:81/x")[:3] == ("::1", 81, False)
    assert parse_url("https://user@example.org")[:3] == ("example.org", 443, True)
    assert b"Host: example.org\r\n" in parse_url("https://user@example.org").request


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://h/", "http://", "http://h:port/", "http://h:99999/", "http://h/a b", "http://h/\r\nX: y"]
)
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(UsageError, match="is no URL"):
        parse_url(url)
