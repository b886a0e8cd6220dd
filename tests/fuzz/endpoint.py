"""The HTTP endpoint in this process, on connections without sockets, in which nothing is left to chance."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import RequestPayloadError
from msgspec.structs import replace

from autohealer.coordination.admin.pool_client import PoolClient
from autohealer.web.endpoint import _Complaints
from autohealer.web.guard import guard
from autohealer.web.metrics import Metrics
from autohealer.web.server import HttpServer
from autohealer.web.site import Site, Sources
from autohealer.web.token import Token
from tests.web.scenes import SNAPSHOT
from tests.web.test_thread import FakeWindow

TOKEN = "known-to-the-tests-and-to-nobody-else"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
# A connection is quiet when nothing more has come of it while the loop has gone round so often.
ROUNDS = 12


class Endpoint:
    """One pool's, in a loop of its own, which runs while something is asked."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(_AtOnce())
        self._loop.set_exception_handler(lambda _, context: self._complaints.append(context))
        self._complaints: list[object] = []
        logger = logging.Logger("endpoint", logging.ERROR)  # noqa: LOG001 - nobody else is to share or find it
        logger.addHandler(_Complaints(self._complaints.append, (HttpProcessingError, RequestPayloadError)))
        window = FakeWindow()
        window.snapshot = lambda: replace(SNAPSHOT, agents={"me": None})
        self._site = Site(Sources("default", _unasked, lambda _, local: local, lambda *_: [], lambda *_: ["a line"]))
        self._site.open(window)
        self._server = HttpServer(
            sites={"default": self._site},
            guard=guard(names=(), is_loopback=True, own_names=(), token=Token(TOKEN, "the tests")),
            metrics=Metrics(["default"]),
            logger=logger,
        )
        self._loop.run_until_complete(self._server._runner.setup())

    def answers(self, data: bytes) -> bytes:
        """What one who sends this gets until it hears nothing more. AssertionError for a mistake of the endpoint."""
        heard = self._loop.run_until_complete(self._heard(data))
        complaints = self._complaints[:]
        self._complaints.clear()
        assert not complaints, complaints
        return heard

    async def _heard(self, data: bytes) -> bytes:
        protocol, transport = self._server._connected(), _Transport()
        protocol.connection_made(transport)
        assert isinstance(protocol, asyncio.Protocol)
        protocol.data_received(data)
        heard = -1
        while heard != len(transport.heard):
            heard = len(transport.heard)
            await _rounds()
        protocol.connection_lost(None)
        self._site.feed.close()  # whoever listens goes at once, not with the next heartbeat
        await _rounds()
        return bytes(transport.heard)


class _Transport(asyncio.Transport):
    """Keeps what is sent."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 40_000)})
        self.heard = bytearray()
        self._closing = False

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.heard += data

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._closing = True

    abort = close

    def pause_reading(self) -> None:
        """Nothing more comes in any case."""

    def resume_reading(self) -> None:
        """As before."""


class _AtOnce(ThreadPoolExecutor):
    """What would be done in another thread is done at once, in this one."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **named))
        except Exception as error:  # noqa: BLE001 - it is handed to who asked
            future.set_exception(error)
        return future


async def _rounds() -> None:
    for _ in range(ROUNDS):
        await asyncio.sleep(0)


def _unasked() -> PoolClient:
    raise AssertionError("nobody is to ask ZooKeeper here")
