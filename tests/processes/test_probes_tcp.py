"""Does something accept a connection?"""

from __future__ import annotations

import asyncio
import socket

import pytest

from autohealer.errors import UsageError
from autohealer.processes.probes.life import ProbeAnswer
from autohealer.processes.probes.resolver import Resolver
from autohealer.processes.probes.tcp import TcpProbe, parse_place
from tests.processes.probing import LIFE, answer_of


def probe(place: str, port: int, within_s: float = 20.0) -> ProbeAnswer | None:
    """What a probe says."""

    async def story() -> ProbeAnswer | None:
        loop = asyncio.get_running_loop()
        return await answer_of(TcpProbe(loop, Resolver(loop), place), LIFE._replace(port=port), within_s)

    return asyncio.run(story())


@pytest.mark.parametrize("place", ["{port}", "127.0.0.1:{port}", "localhost:{port}"])
def test_a_listener_is_there(place: str) -> None:
    """Nothing is said to it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        said = probe(place, listener.getsockname()[1])
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.recv(10) == b""

    assert said == ProbeAnswer(ok=True)


def test_nobody_listens() -> None:
    """A refusal counts at once."""
    assert probe("{port}", 1) == ProbeAnswer(ok=False, detail="connection refused")


def test_a_full_queue_is_no_answer() -> None:
    """The kernel drops what a stuck server does not accept."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        filling = []
        for _ in range(3):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
            filling.append(client)
        said = probe("{port}", listener.getsockname()[1], 0.3)
        for client in filling:
            client.close()

    assert said is None


@pytest.mark.parametrize("text", ["", "x", "0", "65536", "h:", "h:x", "a b:1", "-1"])
def test_what_is_no_place(text: str) -> None:
    """Refused when the option is read."""
    with pytest.raises(UsageError, match="no port"):
        parse_place(text)


def test_what_a_place_means() -> None:
    """Without a host it is this one."""
    assert parse_place("80") == ("127.0.0.1", 80)
    assert parse_place("[::1]:80") == ("::1", 80)
