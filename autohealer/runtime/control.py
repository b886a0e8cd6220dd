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

MAX_LINE = 4096

Answer = Callable[[], object]


class Control:
    """Answers each question that it knows by calling what answers it."""

    def __init__(self, questions: dict[str, Answer]) -> None:
        self._questions = questions
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


def ask(connection: socket.socket, question: str) -> object:
    """The answer of the agent at the other end. Raises OSError or ValueError where there is none."""
    connection.sendall(json.dumps({"ask": question}).encode() + b"\n")
    with connection.makefile("rb") as replies:
        return json.loads(replies.readline())["answer"]
