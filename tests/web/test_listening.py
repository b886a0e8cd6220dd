"""HOST:PORT, and what is wrong with it."""

from __future__ import annotations

import socket

import pytest

from autohealer.errors import UsageError
from autohealer.web.listening import listen, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:65535", ("::1", 65535)),
        ("0.0.0.0:1", ("0.0.0.0", 1)),  # noqa: S104 - it is what people write
    ],
)
def test_addresses(text: str, expected: tuple[str, int]) -> None:
    """A host and a port."""
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", "8080", ":8080", "host", "host:", "host:port", "host:-1", "host:65536", "::1:80", "[]:1", "a:\u0661"]
)
def test_what_is_none(text: str) -> None:
    """It is said how one is written."""
    with pytest.raises(UsageError, match="--http") as caught:
        parse(text)
    assert "--http 127.0.0.1:8080" in caught.value.hint


def test_any_free_port() -> None:
    """The real one is known."""
    listening = listen("127.0.0.1:0")
    with listening.socket:
        port = listening.socket.getsockname()[1]
        assert listening.address == f"127.0.0.1:{port}"
        assert listening.url == f"http://127.0.0.1:{port}/"
        assert listening.is_loopback


def test_all_addresses() -> None:
    """Others find it by this host's name."""
    listening = listen("0.0.0.0:0")
    with listening.socket:
        assert listening.address == f"{socket.gethostname()}:{listening.socket.getsockname()[1]}"
        assert not listening.is_loopback


def test_a_port_that_is_taken() -> None:
    """Nothing is left open."""
    with listen("127.0.0.1:0").socket as taken, pytest.raises(UsageError, match="Address already in use") as caught:
        listen(f"127.0.0.1:{taken.getsockname()[1]}")
    assert caught.value.hint == "choose another port, or 0 for any"


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "a..b", "x" * 300])
def test_a_host_that_is_not_ours(host: str) -> None:
    """One line says so."""
    with pytest.raises(UsageError, match="cannot listen at"):
        listen(f"{host}:0")
