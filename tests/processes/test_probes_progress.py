"""Counters of finished work on pages of workers."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autohealer.errors import UsageError
from autohealer.processes.probes.life import ProbeAnswer, ProbedLife
from autohealer.processes.probes.progress import ProgressProbe, ProgressReading, find, parse_source
from autohealer.processes.probes.resolver import Resolver
from tests.processes.probing import LIFE, answer_of

PAGE = b"""# HELP jobs_done_total Jobs.
# TYPE jobs_done_total counter
jobs_done_total{queue="mail",state="ok"} 12
jobs_done_total{queue="mail",state="failed"} 3.0 1700000000
jobs_done_total{queue="a \\"b\\", c}",state="ok"} 100
jobs_done_total_created 7
busy 1
nothing NaN
"""
STATUS = b'{"stats": {"done": 41, "a/b": [1, 2.5], "~": true, "text": "7"}, "busy": 0}'


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jobs_done_total", 115.0),
        ('jobs_done_total{queue="mail"}', 15.0),
        ('jobs_done_total{state="ok",queue="mail"}', 12.0),
        ("jobs_done_total_created", 7.0),
        ("busy", 1.0),
    ],
)
def test_a_sample(name: str, value: float) -> None:
    """By name and labels; those that match are added up."""
    assert find(PAGE, name) == value


@pytest.mark.parametrize(("pointer", "value"), [("/stats/done", 41.0), ("/stats/a~1b/1", 2.5), ("/busy", 0.0)])
def test_a_pointer(pointer: str, value: float) -> None:
    """As RFC 6901 has it."""
    assert find(STATUS, pointer) == value


@pytest.mark.parametrize(
    ("page", "name", "why"),
    [
        (PAGE, "jobs_done", "there is no jobs_done"),
        (PAGE, 'busy{queue="x"}', "there is no busy"),
        (PAGE, "nothing", "not a number"),
        (STATUS, "/stats/none", "there is no /stats/none"),
        (STATUS, "/stats/a~1b/9", "there is no"),
        (STATUS, "/stats/done/x", "there is no"),
        (STATUS, "/stats/~0", "not a number"),
        (STATUS, "/stats/text", "not a number"),
        (PAGE, "/stats", "not JSON"),
        (b"[" * 200_000, "/0", "not JSON"),
    ],
)
def test_what_is_not_there(page: bytes, name: str, why: str) -> None:
    """It is said what is wrong."""
    with pytest.raises(LookupError, match=why):
        find(page, name)


@given(st.binary(max_size=300), st.sampled_from(["/a/b", "a", 'a{b="c"}']))
def test_no_page_can_do_harm(page: bytes, name: str) -> None:
    """Whatever the bytes: a number, or LookupError."""
    with suppress(LookupError):
        assert isinstance(find(page, name), float)


@pytest.mark.parametrize("text", ["http://h/", "http://h/#", "http://h/#a b", "ftp://h/#a", "#a", "http://h/#a{"])
def test_what_is_no_source(text: str) -> None:
    """Refused when the option is read."""
    with pytest.raises(UsageError):
        parse_source(text)


def read(progress: str, busy: str | None) -> tuple[ProbeAnswer | None, list[ProgressReading], list[str]]:
    """What is read of a worker that serves both pages, and which pages were asked for."""
    asked, told = [], []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        asked.append(path)
        body = {"/metrics": PAGE, "/status": STATUS}.get(path)
        head = b"HTTP/1.1 200 OK" if body else b"HTTP/1.1 404 Not Found"
        body = body or b""
        writer.write(head + b"\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        writer.close()

    async def story() -> ProbeAnswer | None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            loop = asyncio.get_running_loop()
            first, second = (
                parse_source(f"http://127.0.0.1:{{port}}{text}") if text else None for text in (progress, busy)
            )

            def tell(life: ProbedLife, reading: ProgressReading) -> None:
                told.append(reading)

            probe = ProgressProbe(loop, Resolver(loop), first, second, tell)
            return await answer_of(probe, LIFE._replace(port=port))

    return asyncio.run(story()), told, asked


def test_one_page_is_asked_for_once() -> None:
    """Both numbers stand on it."""
    assert read('/metrics#jobs_done_total{queue="mail"}', "/metrics#busy") == (
        ProbeAnswer(ok=True),
        [ProgressReading(15.0, 1.0)],
        ["/metrics"],
    )


def test_two_pages() -> None:
    """One after the other."""
    assert read("/metrics#jobs_done_total", "/status#/busy")[1:] == (
        [ProgressReading(115.0, 0.0)],
        ["/metrics", "/status"],
    )


def test_what_cannot_be_had_is_said() -> None:
    """And the other number all the same."""
    answer, told, _ = read("/none#x", "/status#/busy")

    assert answer is not None
    assert not answer.ok
    assert told == [ProgressReading(None, 0.0, "http://127.0.0.1:{port}/none: status 404")]
