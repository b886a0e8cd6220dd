"""The socket by which commands on this host ask the agent: a JSON object a line in, one a line out.

It answers also while ZooKeeper is away, and it only answers: what changes the pool goes through ZooKeeper, where
every agent of the pool sees it. The folder's mode 0700 keeps others out.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autohealer.runtime.feed import Feed

MAX_LINE = 4096

Answer = Callable[[], object]


class Control:
    """Answers each question that it knows by calling what answers it; who subscribes is fed."""

    def __init__(self, questions: dict[str, Answer], feed: Feed | None = None) -> None:
        self._questions, self._feed = questions, feed
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
            while line := await reader.readline():
                if self._feed is not None and (others := _subscription(line)) is not None:
                    await self._feed.serve(reader, writer, others=others)
                    break
                writer.write(json.dumps(self._answer(line)).encode() + b"\n")
                await writer.drain()
        writer.close()

    def _answer(self, line: bytes) -> object:
        try:
            question = json.loads(line)["ask"]
            answer = self._questions[question]
        except (ValueError, KeyError, TypeError):
            return {"error": f"ask one of: {', '.join(self._questions)}"}
        return {"answer": answer()}


def _subscription(line: bytes) -> bool | None:
    """Of who wants to be fed: whether with other agents, too. None for any other line."""
    with suppress(ValueError, TypeError, AttributeError):
        wanted = json.loads(line).get("subscribe")
        if isinstance(wanted, dict):
            return bool(wanted.get("others"))
    return None


def ask(connection: socket.socket, question: str) -> object:
    """The answer of the agent at the other end. Raises OSError or ValueError where there is none."""
    connection.sendall(json.dumps({"ask": question}).encode() + b"\n")
    with connection.makefile("rb") as replies:
        return json.loads(replies.readline())["answer"]
