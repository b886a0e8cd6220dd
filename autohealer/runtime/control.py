"""The socket by which programs on this host speak with the agent: one JSON object a line, in and out.

    {"ask": "status"}                                                         -> {"answer": ...}
    {"do": {"id": "…", "verb": "kill", "subject": "web1-k3x9qa-0-h2d4c6"}}    -> {"answer": {"outcome": "done", …}}

    {"subscribe": {"others": true}}                                           -> lines as `feed` tells

``"pool"`` in a call names another pool of the same process. An operation that takes a while may be followed by lines
``{"step": …}`` before its answer. It works while ZooKeeper is away. The folder's mode keeps other users out.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import msgspec

from autohealer.core.operations import Answer, Operation, refused
from autohealer.runtime.control_messages import MAX_LINE, Asked, Call, Peer, described, peer_of, to_call, to_line

if TYPE_CHECKING:
    from autohealer.runtime.feed import Feed


class PoolService(Protocol):
    """A pool that answers."""

    @property
    def feed(self) -> Feed:
        """What subscribers are fed by."""

    async def prepare(self, question: str) -> None:
        """Find out what an answer needs and what takes a moment."""

    def answer(self, question: str) -> object:
        """What is known. KeyError for a question that is not known."""

    def do(
        self, operation: Operation, answered: Callable[[Answer], object], stepped: Callable[[object], object], /
    ) -> None:
        """Carry it out, or say why not; ``answered`` is called once, ``stepped`` for what is worth telling before."""


Find = Callable[[str | None], PoolService | None]


class Control:
    """The agent's end. ``find`` gives the pool of a name; None is the one whose socket this is."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._server: asyncio.Server | None = None

    async def listen(self, listener: socket.socket) -> None:
        """Answer from now on, until ``close``."""
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=MAX_LINE)

    def close(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled only at the agent's end; a task that ended so would be taken for a mistake of ours.
        with suppress(OSError, ValueError, asyncio.LimitOverrunError, asyncio.CancelledError):
            peer = peer_of(writer.get_extra_info("socket"))
            while line := await reader.readline():
                if (call := _call(line, writer)) is None:
                    continue
                if (pool := self._find(call.pool)) is None:
                    writer.write(to_line({"error": f"this agent runs no pool {call.pool!r}"}))
                elif call.subscribe is not None:
                    await pool.feed.serve(reader, writer, others=call.subscribe.others)
                    break
                else:
                    await self._reply(call, pool, peer, writer)
                await writer.drain()
        writer.close()

    async def _reply(self, call: Call, pool: PoolService, peer: Peer, writer: asyncio.StreamWriter) -> None:
        if call.do is not None:
            writer.write(to_line({"answer": await self._do(pool, call.do, peer, writer)}))
            return
        await pool.prepare(call.ask or "")
        try:
            writer.write(to_line({"answer": pool.answer(call.ask or "")}))
        except KeyError:
            writer.write(to_line({"error": "there is no such question"}))

    async def _do(self, pool: PoolService, asked: Asked, peer: Peer, writer: asyncio.StreamWriter) -> Answer:
        loop = asyncio.get_running_loop()
        by = await loop.run_in_executor(None, described, peer.uid)
        answered: asyncio.Future[Answer] = loop.create_future()

        def answer(found: Answer) -> None:
            if not answered.done():
                answered.set_result(found)

        if asked.options.command and not peer.may_choose_commands:
            return refused("only the agent's own user, or root, chooses what it runs")
        operation = Operation(asked.id, asked.verb, asked.subject, by, asked.options)
        pool.do(operation, answer, lambda step: writer.write(to_line({"step": step})))
        return await answered


def _call(line: bytes, writer: asyncio.StreamWriter) -> Call | None:
    """What a line asks for; None where that makes no sense, which is answered."""
    try:
        return to_call(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        writer.write(to_line({"error": f"not a call: {_shown(error)}"}))
        return None


def _shown(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
