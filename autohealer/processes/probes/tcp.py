"""One connection: does something accept it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autohealer.errors import UsageError
from autohealer.processes.probes.exchange import Exchange
from autohealer.processes.probes.life import EXAMPLE, ProbeAnswer, ProbedLife

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from autohealer.processes.probes.resolver import Resolver, SocketAddress


def parse_place(text: str) -> tuple[str, int]:
    """``[HOST:]PORT``. Raises UsageError."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536) or any(c.isspace() for c in host):
        raise UsageError(f"{text!r} is no port to connect to", "write it as 8000, or as 127.0.0.1:8000")
    return host.strip("[]") or "127.0.0.1", int(port)


class TcpProbe:
    """``--probe-tcp [HOST:]PORT``: passes when a connection is accepted."""

    def __init__(self, loop: asyncio.AbstractEventLoop, resolver: Resolver, place: str) -> None:
        """Raises UsageError for what is no place once it is filled in."""
        parse_place(EXAMPLE.fill(place))
        self.name = place
        self._loop, self._resolver = loop, resolver

    def begin(self, life: ProbedLife, done: Callable[[ProbeAnswer], None]) -> TcpAttempt:
        """See `Probe`."""
        return TcpAttempt(self._loop, self._resolver, parse_place(life.fill(self.name)), done)


class TcpAttempt:
    """See `Attempt`."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        resolver: Resolver,
        place: tuple[str, int],
        done: Callable[[ProbeAnswer], None],
    ) -> None:
        self._loop, self._done = loop, done
        self._exchange: Exchange | None = None
        self._is_cancelled = False
        self.began = loop.time()
        resolver.resolve(*place, self._resolved)

    def cancel(self) -> None:
        """See `Attempt`."""
        self._is_cancelled = True
        if self._exchange is not None:
            self._exchange.cancel()

    def _resolved(self, addresses: list[SocketAddress], problem: str) -> None:
        if self._is_cancelled:
            return
        if addresses:
            self._exchange = Exchange(self._loop, addresses, self._ended)
        else:
            self._ended(problem)

    def _ended(self, problem: str | None) -> None:
        self._done(ProbeAnswer(ok=problem is None, detail=problem or ""))
