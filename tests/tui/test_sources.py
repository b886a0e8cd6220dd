"""Where the news comes from: a real agent's socket, the log of what was before, and how operations are asked for."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from autohealer.core.notices import EventRecord, fields_of
from autohealer.errors import UnreachableError
from autohealer.runtime.state_dir import StateDir
from autohealer.tui.agent_source import AgentSource
from autohealer.tui.past import MOST_EVENTS, past_events
from autohealer.tui.pools import PoolsOfHost
from autohealer.tui.source import News
from autohealer.tui.state import PoolState
from tests.support.pools import Pool


class Listener:
    """Takes in what a source tells."""

    def __init__(self) -> None:
        self.state = PoolState()
        self.events: list[EventRecord] = []
        self.ended: int | None = None

    def hear(self, news: News) -> None:
        """As the application does."""
        if news.snapshot is not None:
            self.state.replace(news.snapshot, 0.0)
        if news.changes is not None:
            self.state.change(news.changes, 0.0)
        if news.event is not None:
            self.events.append(news.event)
        if news.end is not None:
            self.ended = news.end.left


def source_of(pool: Pool) -> AgentSource:
    """The agent of this pool."""
    return AgentSource(StateDir(pool.processes.state_dir, pool.name))


async def until(probe: Any) -> None:
    """Wait, letting the source go on."""
    for _ in range(6000):
        if probe():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("never so")


def test_an_agent_from_its_socket(own_pool: Pool) -> None:
    """Rows, what happened before and what happens, each event once, and its end."""
    own_pool.run(3)
    own_pool.until_running(3)
    own_pool.until_event("worker.started", slot=2)

    async def follow() -> None:
        listener = Listener()
        listening = asyncio.create_task(source_of(own_pool).listen(listener.hear))
        await until(lambda: listener.state.status.running == 3 and len(listener.state.rows) == 3)
        pid = listener.state.workers[1].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(lambda: any("heal_ms" in fields_of(event) for event in listener.events))
        await until(lambda: listener.state.workers[1].pid not in (pid, None))
        own_pool.agent.send_signal(signal.SIGTERM)
        await asyncio.wait_for(listening, 60)
        assert listener.ended == 0
        told = [json.dumps(fields_of(event), sort_keys=True) for event in listener.events]
        assert len(told) == len(set(told))
        assert {event.event for event in listener.events} >= {"worker.started", "worker.exited"}

    asyncio.run(follow())
    assert own_pool.ended() == 0


def test_an_agent_that_is_killed(own_pool: Pool) -> None:
    """The end comes without a goodbye."""
    own_pool.run(1)
    own_pool.until_running(1)

    async def follow() -> None:
        listener = Listener()
        listening = asyncio.create_task(source_of(own_pool).listen(listener.hear))
        await until(lambda: listener.state.is_known)
        own_pool.kill_agent()
        await asyncio.wait_for(listening, 60)
        assert listener.ended is None

    asyncio.run(follow())


def test_nobody_there(tmp_path: Path) -> None:
    """One error that says what to do."""
    source = AgentSource(StateDir(tmp_path, "web"))
    with pytest.raises(UnreachableError, match="no agent of pool web answers"):
        asyncio.run(source.listen(lambda _: None))


def test_what_was_before(tmp_path: Path) -> None:
    """The end of the log and of the file before it; a line that is cut off is left out."""
    path = tmp_path / "events.jsonl"
    assert past_events(path) == []
    (tmp_path / "events.jsonl.1").write_text('{"n": 1}\n')
    path.write_text('{"n": 2}\n{"n": 3}\n{"n"')
    assert [fields_of(event)["n"] for event in past_events(path)] == [1, 2, 3]
    path.write_text("".join(f'{{"n": {n}}}\n' for n in range(MOST_EVENTS + 10)))
    assert [fields_of(event)["n"] for event in past_events(path)][:: MOST_EVENTS - 1] == [10, MOST_EVENTS + 9]


def test_the_list_of_pools_has_the_last_words_of_a_crash_loop(own_pool: Pool) -> None:
    """They stand in the event log, not in what the agent answers."""
    own_pool.run(2, "sh", "-c", "echo no such thing; exit 3")
    own_pool.until_event("worker.backoff", slot=0)
    own_pool.until_event("worker.backoff", slot=1)

    (found,) = PoolsOfHost(own_pool.processes.state_dir).look()
    assert found.state is not None
    assert found.state.history.last_words == {0: "no such thing", 1: "no such thing"}
