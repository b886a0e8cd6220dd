"""Does a URL answer? Against servers that answer well, badly, in pieces, late, endlessly or not at all."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autohealer.errors import UsageError
from autohealer.processes.probes import secured
from autohealer.processes.probes.http import HttpProbe, Response, parse_statuses, parse_url
from autohealer.processes.probes.life import ProbeAnswer
from autohealer.processes.probes.resolver import Resolver
from tests.processes.probing import LIFE, PATIENT_S, answer_of
from tests.support.certificates import Authority

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
QUICK_S = 0.2


def ask(
    answer: bytes,
    *,
    within_s: float = PATIENT_S,
    path: str = "/",
    statuses: str = "200-399",
    stays: bool = False,
    host: str = "127.0.0.1",
) -> tuple[ProbeAnswer | None, bytes, int]:
    """What a probe says of a server that answers so, what it asked, and how many connections it made.

    An empty answer is none at all; a server that ``stays`` does not close after its answer.
    """
    asked = []

    served: asyncio.Event

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError):  # the other side has closed and not read all
                asked.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(answer)
                if stays or not answer:
                    await reader.read()  # until the other side gives up
                writer.close()
                await writer.wait_closed()
        finally:
            writer.transport.abort()
            served.set()

    async def story() -> ProbeAnswer | None:
        nonlocal served
        served = asyncio.Event()
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            loop = asyncio.get_running_loop()
            url = f"http://{host}:{{port}}{path}"
            probe = HttpProbe(loop, Resolver(loop), url, parse_statuses(statuses))
            said = await answer_of(probe, LIFE._replace(port=server.sockets[0].getsockname()[1]), within_s)
            await served.wait()
            return said

    said = asyncio.run(story())
    return said, asked[0], len(asked)


@pytest.mark.parametrize("status", [200, 204, 399])
def test_a_good_status_is_good(status: int) -> None:
    """200 to 399, whatever the reason says."""
    said, _, _ = ask(f"HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n".encode())

    assert said == ProbeAnswer(ok=True)


@pytest.mark.parametrize("status", [199, 400, 404, 503])
def test_another_status_is_not(status: int) -> None:
    """The detail names it."""
    said, _, _ = ask(f"HTTP/1.1 {status}\r\n\r\n".encode())

    assert said == ProbeAnswer(ok=False, detail=f"status {status}")


def test_which_statuses_are_good_can_be_said() -> None:
    """``--probe-status``: ranges and single ones."""
    assert ask(b"HTTP/1.1 503 Busy\r\n\r\n", statuses="200,500-503")[0] == ProbeAnswer(ok=True)
    assert ask(b"HTTP/1.1 302 Found\r\n\r\n", statuses="200-299")[0] == ProbeAnswer(ok=False, detail="status 302")


def test_no_redirect_is_followed() -> None:
    """A redirect is an answer."""
    said, _, connections = ask(b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")

    assert (said, connections) == (ProbeAnswer(ok=True), 1)


def test_the_reason_of_a_refusal_is_evidence() -> None:
    """The first line of the body, without what a terminal would obey."""
    body = b"\x1b[31mdatabase is away\x1b[0m\nmore"
    said, _, _ = ask(b"HTTP/1.1 500 Oops\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    assert said == ProbeAnswer(ok=False, detail="status 500: database is away")


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1\r\n", b"HTTP/1.1 two\r\n", b"\r\n", b"x" * 100_000]
)
def test_what_is_not_http_is_not(answer: bytes) -> None:
    """Seen without waiting for more of it."""
    assert ask(answer, stays=True)[0] == ProbeAnswer(ok=False, detail="the answer is not HTTP")


def test_silence_is_no_answer() -> None:
    """Nothing can be said of it."""
    assert ask(b"", within_s=QUICK_S)[0] is None


def test_an_endless_body_is_not_read() -> None:
    """Four kilobytes are enough."""
    assert ask(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10_000_000, stays=True)[0] == ProbeAnswer(ok=True)


def test_a_server_that_keeps_the_connection_open_has_answered() -> None:
    """It was asked to close, and some do not."""
    assert ask(b"HTTP/1.1 200 OK\r\n\r\n", stays=True, within_s=QUICK_S)[0] == ProbeAnswer(ok=True)
    assert ask(OK, stays=True)[0] == ProbeAnswer(ok=True)


def test_it_asks_for_the_path_and_the_query() -> None:
    """And to close the connection."""
    _, asked, _ = ask(OK, path="/healthz?worker={worker}&pid={pid}&slot={slot}")

    assert asked.startswith(b"GET /healthz?worker=agent-3-1&pid=4711&slot=3 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nConnection: close\r\n" in asked


def test_a_name_is_looked_up() -> None:
    """Localhost is this host; it need not be IPv6 because that comes first somewhere."""
    assert ask(OK, host="localhost")[0] == ProbeAnswer(ok=True)


def once(url: str) -> ProbeAnswer | None:
    """What a probe of this URL says."""

    async def story() -> ProbeAnswer | None:
        loop = asyncio.get_running_loop()
        return await answer_of(HttpProbe(loop, Resolver(loop), url))

    return asyncio.run(story())


def test_nobody_there() -> None:
    """A refusal is known at once."""
    assert once("http://127.0.0.1:1/") == ProbeAnswer(ok=False, detail="connection refused")


def test_a_name_that_means_nothing() -> None:
    """Said as such."""
    said = once("http://nobody.invalid/")

    assert said is not None
    assert said.detail.startswith("cannot look up nobody.invalid:")


def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate has to be good, and for this name."""
    authority = Authority(tmp_path)
    made = authority.issue("server", "DNS:localhost")
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(made.cert, made.key)
    trusting = ssl.create_default_context(cafile=authority.certificate.cert)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        writer.close()

    async def story() -> ProbeAnswer | None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_side)
        async with server:
            loop = asyncio.get_running_loop()
            port = server.sockets[0].getsockname()[1]
            return await answer_of(HttpProbe(loop, Resolver(loop), f"https://localhost:{port}/"))

    strange = asyncio.run(story())
    monkeypatch.setattr(secured, "_context", lambda: trusting)
    known = asyncio.run(story())

    assert strange is not None
    assert not strange.ok
    assert "certificate" in strange.detail
    assert known == ProbeAnswer(ok=True)


@given(st.integers(1, 60), st.sampled_from([b"", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 11\r\n"]))
def test_an_answer_may_come_in_pieces(size: int, header: bytes) -> None:
    """Of any size; the same body comes of it."""
    body = b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n" if b"chunked" in header else b"hello world"
    data = b"HTTP/1.1 200 OK\r\n" + header + b"\r\n" + body
    response = Response()
    enough = [response.feed(data[at : at + size]) for at in range(0, len(data), size)]

    assert (response.status, response.body, response.is_http) == (200, b"hello world", True)
    assert not any(enough[:-1])
    assert enough[-1] or not header


@given(st.binary(max_size=500), st.integers(1, 100))
def test_no_answer_can_do_harm(data: bytes, size: int) -> None:
    """Whatever the bytes."""
    response = Response()
    for at in range(0, len(data), size):
        response.feed(data[at : at + size])
    assert len(response.body) <= 4096


def test_a_head_without_end_is_given_up() -> None:
    """Sixteen kilobytes are enough."""
    response = Response()
    assert not response.feed(b"HTTP/1.1 200 OK\r\n")
    assert any(response.feed(b"X: " + b"y" * 1000 + b"\r\n") for _ in range(20))


def test_what_a_url_means() -> None:
    """Host, port, TLS; no password goes into the request's line."""
    assert parse_url("http://[::1]:81/x")[:3] == ("::1", 81, False)
    assert parse_url("https://user@example.org")[:3] == ("example.org", 443, True)
    assert b"Host: example.org\r\n" in parse_url("https://user@example.org").request


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://h/", "http://", "http://h:port/", "http://h:99999/", "http://h/a b", "http://h/\r\nX: y"]
)
def test_what_is_no_url(url: str) -> None:
    """Refused when the option is read."""
    with pytest.raises(UsageError, match="is no URL"):
        parse_url(url)


@pytest.mark.parametrize("text", ["", "x", "200-", "99", "600", "300-200", "200-300-400", "-5", "٢٠٠"])
def test_what_are_no_statuses(text: str) -> None:
    """Refused when the option is read."""
    with pytest.raises(UsageError):
        parse_statuses(text)


def test_no_descriptor_is_left() -> None:
    """Neither of an answer, nor of a refusal, nor of what was given up."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    ask(OK)
    ask(b"", within_s=QUICK_S)
    once("http://127.0.0.1:1/")

    assert len(list(Path("/proc/self/fd").iterdir())) == before
