"""What is recorded, and run again."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from autohealer.core import events
from autohealer.core.actions import Action
from autohealer.core.events import Event
from autohealer.core.pool.supervisor import Supervisor
from autohealer.core.rollout_spec import RolloutSpec
from autohealer.errors import UsageError
from autohealer.runtime.recorder import recording
from autohealer.runtime.recorder.recording import NAMES, Recorder
from autohealer.runtime.recorder.replay import Replay, _made_anew, newest_recording
from autohealer.runtime.recorder.state import Decoder, Encoder, UnknownValueError
from tests.core.playbook import SESSION_TIMEOUT_S, Playbook
from tests.core.rollout_book import RESTART, UPDATE, answers, ask, live
from tests.core.test_supervisor_in_a_world import SupervisorInAWorld
from tests.core.world import World
from tests.support.processes import eventually


def no_thread(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_without_a_thread_it_begins_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may have none to give for a while: that is no mistake of the agent, and is made up for."""
    recorder = Recorder(tmp_path, Playbook().supervisor)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        recorder.checkpoint(1.0)
    assert recorder.wants_checkpoint
    recorder.checkpoint(2.0)
    recorder.close(20.0)

    assert not recorder.wants_checkpoint
    assert json.loads((tmp_path / NAMES[0]).read_text().splitlines()[0])["at"] == 2.0


def twin_of(supervisor: Supervisor) -> Supervisor:
    return _made_anew(msgspec.json.decode(msgspec.json.encode(Encoder().encode(supervisor))))


class Twins(SupervisorInAWorld):
    """Whatever happens to one supervisor happens to a copy that was made from its recorded state."""

    def teardown(self) -> None:
        """Nothing is brought to rest here: that is the other machine's test."""


def told_twice(handle: Callable[[World, Event], list[Action]]) -> Callable[[World, Event], list[Action]]:
    def told(self: World, event: Event) -> list[Action]:
        told_events = self.__dict__.setdefault("told_events", [])
        told_events.append(event)
        twin = twin_of(self.supervisor) if len(told_events) % 7 == 0 and not self.exits else None
        orders = handle(self, event)
        if twin is not None:
            decide = twin.take_in if self.is_together else twin.handle
            encoded = [Encoder().encode(order) for order in decide(Decoder().decode(Encoder().encode(event)))]
            assert encoded == [Encoder().encode(order) for order in orders]
            assert twin.snapshot(event.at) == self.supervisor.snapshot(event.at)
            assert twin.next_deadline() == self.supervisor.next_deadline()
        return orders

    return told


def test_a_recorded_state_decides_as_the_original(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a world where anything happens, at every seventh event."""
    monkeypatch.setattr(World, "_step", told_twice(World._step))
    run_state_machine_as_test(Twins, settings=settings(max_examples=60, stateful_step_count=40))


@pytest.mark.parametrize(
    ("spec", "after_s", "bad"), [(UPDATE, 5, None), (UPDATE, 13, None), (UPDATE, 13, 2), (RESTART, 3, 2)]
)
def test_a_rollout_goes_on_from_its_recorded_state(spec: RolloutSpec, after_s: float, bad: int | None) -> None:
    book = Playbook()
    book.run(3)
    ask(book, spec)
    live(book, after_s)
    twin, handle, differing = twin_of(book.supervisor), book.supervisor.handle, list[Event]()

    def both(event: Event) -> list[Action]:
        orders = handle(event)
        if [Encoder().encode(order) for order in twin.handle(event)] != [Encoder().encode(order) for order in orders]:
            differing.append(event)
        return orders

    book.supervisor.handle = both  # type: ignore[method-assign]  # to look on
    live(book, 60, bad)

    assert differing == []
    assert answers(book)


def recorded(folder: Path, book: Playbook) -> Recorder:
    """From now on all that the book tells is recorded."""
    recorder = Recorder(folder, book.supervisor)
    recorder.checkpoint(book.now)
    handle = book.supervisor.handle

    def noted(event: Event) -> Sequence[Action]:
        actions = handle(event)
        recorder.record(event, actions)
        return actions

    book.supervisor.handle = noted  # type: ignore[method-assign, assignment]  # to look on
    return recorder


def started(book: Playbook, share: int) -> list[str]:
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
    book.follow(me=share)
    return book.spawn()


def story(folder: Path) -> Playbook:
    book = Playbook(workers=3)
    recorder = recorded(folder, book)
    first, second, third = started(book, 3)
    exited = events.ProcessExited(book.now, third, 1, None)
    recorder.record(exited, book.supervisor.take_in(exited), is_concluded=False)
    book.tell(events.ProcessExited, first, 1, None)
    book.spawn()
    book.tell(events.EvidenceTaken, second, "password hunter2")
    recorder.close()
    return book


def test_a_recording_is_run_again_to_the_letter(tmp_path: Path) -> None:
    book = story(tmp_path)
    replay = Replay(tmp_path / NAMES[0])
    assert all(step.is_same for step in replay.steps())
    assert replay.snapshot() == book.supervisor.snapshot(replay.snapshot().at)


def test_no_word_of_workers_is_in_it(tmp_path: Path) -> None:
    story(tmp_path)
    assert "hunter2" not in (tmp_path / NAMES[0]).read_text()
    assert (tmp_path / NAMES[0]).stat().st_mode & 0o777 == 0o600


def test_another_decision_is_found(tmp_path: Path) -> None:
    story(tmp_path)
    path = tmp_path / NAMES[0]
    lines = path.read_text().splitlines()
    changed = [line.replace('"actions":[[', '"actions":[["object",0,"actions:Other",{}],[', 1) for line in lines]
    path.write_text("\n".join(changed) + "\n")
    assert any(not step.is_same for step in Replay(path).steps())
    said = subprocess.run(
        [sys.executable, "-m", "autohealer", "replay", path], capture_output=True, text=True, check=False
    )
    assert said.returncode == 1
    assert "DIFFERENT" in said.stdout


@pytest.mark.parametrize(
    ("states", "max_rss", "recorded_samples"),
    [("RRSR", None, 0), ("RTRR", None, 2), ("RRRR", 100, 4)],
    ids=["nobody asks", "one is stopped for a while", "a limit asks"],
)
def test_what_workers_use_is_recorded_where_it_matters(
    tmp_path: Path, states: str, max_rss: int | None, recorded_samples: int
) -> None:
    """Of a thousand workers that somebody looks at it would fill a file every few seconds."""
    book = Playbook(workers=1, stopped_timeout_s=60.0, max_rss=max_rss)
    recorder = recorded(tmp_path, book)
    (worker,) = started(book, 1)
    for state in states:
        book.tell(events.UsageSampled, {worker: events.Usage(0.0, 50, state, traced=False, output_bytes=None)})
    recorder.close()

    steps = list(Replay(tmp_path / NAMES[0]).steps())
    assert sum(isinstance(step.event, events.UsageSampled) for step in steps) == recorded_samples
    assert all(step.is_same for step in steps)
    assert book.supervisor.snapshot(book.now).workers[0].rss == 50


def test_a_ring_of_two_files_is_bounded_and_each_can_be_run_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "FILE_BYTES", 20_000)
    monkeypatch.setattr(recording, "QUIET_S", 0.0)
    book = Playbook(workers=1)
    recorder = recorded(tmp_path, book)
    (worker,) = started(book, 1)
    for _ in range(200):
        book.wait(100)
        book.tell(events.ProcessExited, worker, 1, None)
        book.wait(100)
        (worker,) = book.spawn()
        if recorder.wants_checkpoint:
            recorder.checkpoint(book.now)
        eventually(recorder._waiting.empty)
    recorder.close()
    assert all((tmp_path / name).stat().st_size < 40_000 for name in NAMES)
    for name in NAMES:
        assert all(step.is_same for step in Replay(tmp_path / name).steps())
    assert newest_recording(tmp_path) is not None


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    story(tmp_path)
    path = tmp_path / NAMES[0]
    whole = len(list(Replay(path).steps()))
    path.write_bytes(path.read_bytes()[:-20])
    assert len(list(Replay(path).steps())) == whole - 1


def test_what_stands_in_the_way_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("theirs")
    folder = tmp_path / "pool"
    folder.mkdir()
    (folder / NAMES[0]).symlink_to(elsewhere)
    (folder / NAMES[1]).symlink_to(elsewhere)
    story(folder)
    assert elsewhere.read_text() == "theirs"


@pytest.mark.parametrize(
    "data",
    [
        ["object", 0, "os:system", {}],
        ["object", 0, "model:os", {}],
        ["object", 0, "..errors:AutohealerError", {}],
        ["enum", "model:PoolSpec", "name"],
        ["same", 7],
        ["object", 0, "model:PoolSpec"],
        ["nonsense"],
        [],
    ],
)
def test_nothing_but_the_core_is_made_of_a_file(data: object) -> None:
    with pytest.raises(UnknownValueError):
        Decoder().decode(data)


@pytest.mark.parametrize("text", ["", "{}", '{"format": 99}', '{"format": 1, "version": "1"}', "no json"])
def test_what_is_no_recording_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    with pytest.raises(UsageError, match="is no recording"):
        Replay(path)
    with pytest.raises(UsageError, match="cannot read"):
        Replay(tmp_path / "absent")


def test_the_command_tells_how_it_stood(tmp_path: Path) -> None:
    story(tmp_path)
    said = subprocess.run(
        [sys.executable, "-m", "autohealer", "replay", "--json", tmp_path], capture_output=True, text=True, check=False
    )
    *steps, end = map(json.loads, said.stdout.splitlines())
    assert said.returncode == 0
    assert any(step["event"] == "ProcessExited" and step["same"] for step in steps)
    assert (end["target"], end["running"], end["different"]) == (10, 2, 0)
