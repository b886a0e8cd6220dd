"""Is all as wanted, and why not, in words."""

from __future__ import annotations

import msgspec

from autohealer.tui.findings import findings, headline, in_brief, is_as_wanted
from autohealer.tui.state import PoolState
from autohealer.views.reading import record_of
from autohealer.views.status import WatchedStatus
from tests.tui import scenes

NOW = scenes.NOW


def state_of(told: scenes.Json, events: list[scenes.Json] | None = None) -> PoolState:
    """As the feed would have made it."""
    state = PoolState()
    state.replace(msgspec.convert(told, WatchedStatus), NOW)
    for event in events or []:
        state.take(record_of(event))
    return state


def said(state: PoolState, now: float = NOW) -> list[str]:
    """The findings as text."""
    return [f"{found.glyph} {found.words} | {found.detail}" for found in findings(state, now)]


def test_nothing_is_wrong() -> None:
    """Then nothing is said."""
    state = state_of(*scenes.healthy(3))
    assert said(state) == []
    assert headline(state).words == "3 of 3 running"


def test_a_crash_loop_says_what_the_worker_said() -> None:
    """Once for all that say the same, with the next try."""
    rows = [scenes.crash_looping(0), scenes.crash_looping(1), scenes.worker(2)]
    state = state_of(scenes.status(rows), [scenes.backoff(0), scenes.backoff(1)])
    assert said(state) == [f"▲ 2 are crash-looping: {scenes.CANNOT_OPEN} | exit 2, next try in 3s"]
    assert headline(state)[:3] == ("bad", "✗", "1 of 3 running")


def test_one_that_is_just_being_replaced_is_no_fault() -> None:
    """What is missing has been started: it is on its way. Of two missing ones that is one too few."""
    replaced = scenes.worker(0, state="starting", ready=None, restarts=1)
    state = state_of(scenes.status([replaced, scenes.worker(1), scenes.worker(2)]))
    assert said(state) == ["◐ 1 starting | "]
    assert headline(state)[:3] == ("heal", "◐", "2 of 3 running")
    state = state_of(scenes.status([replaced, scenes.crash_looping(1), scenes.worker(2)]))
    assert headline(state).tone == "bad"


def test_where_the_program_lies_is_left_out() -> None:
    """It would take the room of what matters."""
    event = {**scenes.backoff(0), "output": ["/usr/lib/venv/bin/python3: can't open file '/a/b'"]}
    state = state_of(scenes.status([scenes.crash_looping(0)]), [event])
    assert said(state) == ["▲ slot 0 is crash-looping: python3: can't open file '/a/b' | exit 2, next try in 3s"]


def test_the_next_try_is_known_from_events_too() -> None:
    """Of an agent whose status does not tell it."""
    row = scenes.crash_looping(0) | {"next_start": None}
    state = state_of(scenes.status([row]), [scenes.backoff(0, ago=4)])
    assert said(state)[0].endswith("next try in 3s")


def test_held_by_the_brake_or_because_somebody_asked() -> None:
    """These are two things."""
    rows = [scenes.worker(0, held="probe", ready=False), scenes.worker(1)]
    assert said(state_of(scenes.status(rows))) == ["‖ 1 faulty and held: probe | by the brake"]
    assert said(state_of(scenes.status(rows, held=["probe"])))[0] == (
        "‖ 1 faulty and held: probe | on request; `autohealer release`"
    )
    assert said(state_of(scenes.status(rows[1:], held=["all"]))) == [
        "‖ verdicts are held: all | `autohealer release` ends it"
    ]


def test_zookeeper_away() -> None:
    """Since when; or never seen."""
    told = scenes.status([scenes.worker(0)], connected=False)
    assert said(state_of(told)) == ["▲ ZooKeeper at 127.0.0.1:2181 has not answered yet | "]
    told["here"] |= {"away_since": scenes.at(125)}
    assert said(state_of(told)) == ["▲ ZooKeeper has been away for 2m 05s | workers go on, heals too"]


def test_a_frozen_agent() -> None:
    """It tells something every second; who is silent for longer is not well."""
    state = state_of(*scenes.healthy(1))
    assert said(state, NOW + 2.9) == []
    assert said(state, NOW + 5) == [
        "! the agent (pid 4711) has not answered for 5s | what is shown is how it stood then; workers go on"
    ]


def test_the_file_on_disk() -> None:
    """It differs, or it is wrong."""
    rows = [scenes.worker(0)]
    differs = scenes.status(rows, config={"file": "a.toml", "state": "differs", "detail": None})
    wrong = scenes.status(rows, config={"file": "a.toml", "state": "invalid", "detail": "line 3: no such key"})
    assert said(state_of(differs)) == ["≠ a.toml on disk differs | `autohealer reload` applies it"]
    assert said(state_of(wrong)) == ["! a.toml on disk is wrong: line 3: no such key | what runs is unchanged"]


def test_rollouts_starts_and_ends() -> None:
    """What is under way is no trouble, and is said."""
    young = scenes.worker(2, ready=False, started=scenes.at(5))
    rows = [scenes.worker(0, state="starting", ready=None), scenes.worker(1, ready=False), young]
    rollout = {"verb": "restart", "by": "ann@web1", "from": 3, "to": 4, "exchanged": 1, "of": 3}
    assert said(state_of(scenes.status(rows, rollout=rollout))) == [
        "◐ 1 starting, 1 getting ready | ",
        "◑ 1 running, not ready | ",
        "↻ restart to r4: 1 of 3 replaced | asked by ann@web1",
    ]
    ended = scenes.status([scenes.worker(0)], target=3, done={"done": 1, "failed": 1})
    assert said(state_of(ended)) == ["✗ 1 done, 1 failed | they are not started again"]
    assert headline(state_of(ended)).tone == "good"


def test_fewer_without_a_reason() -> None:
    """They are about to come; a foreign worker counts."""
    rows = [scenes.worker(0)]
    assert said(state_of(scenes.status(rows, target=3))) == ["◐ 2 workers to come | "]
    assert said(state_of(scenes.status(rows, target=3, foreign=2))) == []


def test_stopping() -> None:
    """How many still run, and what a second Ctrl-C would do."""
    told = scenes.status([scenes.worker(0)], target=3)
    told["here"] |= {"draining": True}
    assert said(state_of(told)) == ["◌ this agent is ending | Ctrl-C kills what is left at once"]
    assert headline(state_of(told)).words == "stopping: 1 still running"


def test_other_pools_in_brief() -> None:
    """What is bad about one, in a word or two; where no word fits, how many run of how many."""
    away, looping = scenes.status([scenes.worker(0)], connected=False), scenes.status([scenes.crash_looping(0)])
    down = scenes.status([scenes.worker(0), scenes.worker(1, state="gone")])
    invalid = scenes.status([scenes.worker(0)], config={"file": "a.toml", "state": "invalid", "detail": "no"})
    failed = scenes.status([scenes.worker(0)], target=3, done={"done": 0, "failed": 2})
    briefs = [in_brief(state_of(told), NOW) for told in (away, looping, down, invalid, failed)]
    assert briefs == ["no ZooKeeper yet", "crash-looping", "1 of 2", "file is wrong", "2 failed"]
    assert is_as_wanted(state_of(scenes.status([scenes.worker(0, held="probe")])), NOW)
    assert not any(is_as_wanted(state_of(told), NOW) for told in (away, looping, down, invalid, failed))
