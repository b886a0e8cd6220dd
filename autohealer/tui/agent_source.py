"""The news of an agent on this host, from its control socket."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

import msgspec

from autohealer.core.notices import EventRecord, fields_of
from autohealer.core.operations import Operation, Outcome
from autohealer.errors import AutohealerError, UnreachableError
from autohealer.runtime.control_client import Conversation
from autohealer.runtime.state_dir import StateDir
from autohealer.tui.background import in_background
from autohealer.tui.past import past_events
from autohealer.tui.source import FeedLine, News
from autohealer.views.reading import read_event

CONNECT_S = 5.0
ASK_S = 3600.0
"""A rollout takes its time."""
LONGEST_LINE = 1 << 26
KNOWN_EVENTS = 500

_decode = msgspec.json.Decoder(FeedLine).decode
_encode = msgspec.json.Encoder(order="sorted").encode


class AgentSource:
    """One pool of this host: its agent's snapshot first, then what had happened before, then what happens."""

    is_local = beats = True

    def __init__(self, state: StateDir) -> None:
        self._state = state
        self._is_known = False
        self._known: set[bytes] = set()
        """The last events of the log: the agent may tell them again, as it writes them while we read."""

    async def listen(self, hear: Callable[[News], None]) -> None:
        """Until the agent ends, or is gone. One that has cut us off, because we fell behind, is asked anew."""
        while True:
            heard = await self._follow(hear)
            if heard is None or heard:
                return

    async def operate(self, verb: str, subject: str) -> str:
        """Ask the pool for an operation."""
        return await in_background(lambda: self._ask(verb, subject))

    def _ask(self, verb: str, subject: str) -> str:
        """By the control socket, and wait; what came of it."""
        asked = Operation(secrets.token_hex(8), verb, subject)
        try:
            with self._state.connect_control(CONNECT_S) as connection:
                conversation = Conversation(connection)
                conversation.begin(asked)
                answer = conversation.wait(ASK_S)
        except (OSError, ValueError) as error:
            raise UnreachableError(f"the agent did not answer: {error}") from error
        if answer is None:
            raise UnreachableError(f"nobody has answered yet; {verb} may still be done")
        if answer.outcome is Outcome.REFUSED:
            raise AutohealerError(answer.detail)
        return answer.detail or f"{verb}: {answer.outcome}"

    async def _follow(self, hear: Callable[[News], None]) -> bool | None:
        """One connection to its end: True where the agent said goodbye; None where it is gone without a word."""
        try:
            connection = await in_background(lambda: self._state.connect_control(CONNECT_S))
        except OSError as error:
            if self._is_known:
                return None
            raise UnreachableError(
                f"no agent of pool {self._state.pool} answers: {error.strerror}", "see `autohealer status`"
            ) from error
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=LONGEST_LINE)
        try:
            writer.write(_encode({"subscribe": {"others": True}}) + b"\n")
            while line := await reader.readline():
                if await self._take(_news(_decode(line)), hear):
                    return True
        except OSError:
            pass  # as good as its end
        finally:
            writer.close()
        return False

    async def _take(self, news: News, hear: Callable[[News], None]) -> bool:
        """Hand it on; whether it was the last."""
        if news.event is not None and self._is_repeated(news.event):
            return False
        hear(news)
        if news.snapshot is not None and not self._is_known:
            self._is_known = True
            past = await in_background(lambda: past_events(self._state.events_path))
            self._known = {_encode(fields_of(event)) for event in past[-KNOWN_EVENTS:]}
            for event in past:
                hear(News(event=event))
        return news.end is not None

    def _is_repeated(self, event: EventRecord) -> bool:
        known = _encode(fields_of(event))
        if known not in self._known:
            return False
        self._known.discard(known)
        return True


def _news(line: FeedLine) -> News:
    return News(line.snapshot, line.changes, read_event(bytes(line.event)) if line.event else None, line.end)
