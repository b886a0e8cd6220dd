"""Whoever asks for incidents is told what the agent knows beyond the disk, and the disk alone where none answers."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from autohealer.core.incident import IncidentEntry
from autohealer.runtime import incident_reader
from autohealer.runtime.incident_reader import known_incidents
from autohealer.runtime.incident_store import IncidentStore
from autohealer.runtime.state_dir import StateDir
from tests.runtime.test_incident_store import incident

Agent = Callable[[list[IncidentEntry] | None], None]


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    """Of a pool with three incidents on disk: one healed, two open."""
    state = StateDir(tmp_path, "web")
    state.path.mkdir(parents=True)
    store = IncidentStore(state.incidents_path, lambda _: None)
    store.put(replace(incident(1), outcome="healed"), is_closed=True)
    for number in (2, 3):
        store.put(incident(number), is_closed=False)
    store.close(20)
    return state


@pytest.fixture
def agent(state: StateDir) -> Iterator[Agent]:
    """Answers one question with what it is given; with None it is frozen."""
    listener: socket.socket | None = None
    thread: threading.Thread | None = None

    def answer(told: list[IncidentEntry] | None) -> None:
        nonlocal listener, thread
        listener = state.listen_control()
        listener.setblocking(True)
        thread = threading.Thread(target=_answer, args=(listener, told), daemon=True)
        if told is not None:
            thread.start()

    yield answer
    if listener is not None:
        listener.close()


def _answer(listener: socket.socket, told: object) -> None:
    connection, _ = listener.accept()
    with connection:
        assert json.loads(connection.makefile().readline()) == {"ask": "incidents"}
        connection.sendall(msgspec.json.encode({"answer": told}) + b"\n")


def outcomes(found: list[IncidentEntry]) -> dict[str, str]:
    """By id, in their order."""
    return {one.id: one.outcome for one in found}


def test_without_an_agent_the_disk_tells(state: StateDir) -> None:
    """The newest first."""
    assert outcomes(known_incidents(state)) == {"a-0-3": "open", "a-2-2": "open", "a-1-1": "healed"}


def test_what_an_agent_knows_is_newer(state: StateDir, agent: Agent) -> None:
    """But for what the disk says has ended: that has happened since it was asked."""
    agent([replace(incident(2), outcome="healed"), replace(incident(1), outcome="open"), incident(4)])

    assert outcomes(known_incidents(state)) == {
        "a-1-4": "open",
        "a-0-3": "open",
        "a-2-2": "healed",
        "a-1-1": "healed",
    }


def test_only_what_was_asked_for_is_told(state: StateDir, agent: Agent) -> None:
    """Of a slot, since a moment, so many."""
    agent([incident(number) for number in range(4, 12)])

    assert outcomes(known_incidents(state, worker="1", since=1_700_000_004.5, most=1)) == {"a-1-10": "open"}


def test_a_frozen_agent_keeps_nobody_waiting(state: StateDir, agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk tells then."""
    monkeypatch.setattr(incident_reader, "ANSWER_S", 0.05)
    agent(None)

    assert list(outcomes(known_incidents(state))) == ["a-0-3", "a-2-2", "a-1-1"]
