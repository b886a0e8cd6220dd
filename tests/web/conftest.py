"""Agents that serve HTTP, and one browser for all tests of the page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import pytest

from tests.support.pools import SLEEP, Pool
from tests.support.processes import eventually
from tests.web.client import Client

Served = Callable[..., tuple[Pool, Client]]


@pytest.fixture
def served(own_pool: Pool) -> Served:
    """Runs a pool with an endpoint on any free port, and waits for both."""

    def run(
        workers: int = 2,
        command: Sequence[str] = SLEEP,
        *,
        where: str = "127.0.0.1:0",
        options: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> tuple[Pool, Client]:
        own_pool.run(workers, *command, options=["--http", where, *options], env=env)
        own_pool.until_running(workers)
        return own_pool, Client(address_of(own_pool))

    return run


def address_of(pool: Pool) -> str:
    """Where the last agent of the pool said that its page is, once it answers there."""
    found = eventually(lambda: re.findall(r"^page: http://\S+:(\d+)/", pool.said(), re.MULTILINE), what="an address")
    address = f"127.0.0.1:{found[-1]}"
    eventually(lambda: _is_up(address), what=f"an answer at {address}: {pool.said()}")
    return address


def _is_up(address: str) -> bool:
    try:
        return Client(address).get("/healthz").status == 200
    except ConnectionError:
        return False


def token_of(pool: Pool) -> str:
    """The token in the pool's state directory."""
    return (pool.folder / "http-token").read_text().strip()
