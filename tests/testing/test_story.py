"""What a pool's events tell."""

from __future__ import annotations

from typing import Any

from autohealer.testing.story import Story, WorkerStory
from autohealer.views.reading import record_of


def story(most: int, *events: dict[str, Any]) -> Story:
    told = Story(most)
    for event in events:
        told.tell(record_of(event))
    return told


def started(worker: str, slot: int | None = 0, **more: Any) -> dict[str, Any]:
    return {"event": "worker.started", "worker": worker, "pid": 7, "slot": slot, **more}


def exited(worker: str) -> dict[str, Any]:
    return {"event": "worker.exited", "worker": worker, "pid": 7, "slot": 0}


def test_a_heal() -> None:
    told = story(1, started("a"), exited("a"), started("b", heal_ms=0.8))
    assert told.live == {"b": WorkerStory("b", 7, 0)}
    assert (told.deaths, told.heals_ms, told.problems) == (1, [0.8], [])


def test_two_in_one_slot_are_a_problem() -> None:
    assert "two workers at once" in story(2, started("a"), started("b")).problems[0]


def test_one_too_many_is_a_problem() -> None:
    assert "where 1 were wanted" in story(1, started("a", 0), started("b", 1)).problems[0]


def test_a_scale_allows_more() -> None:
    scaled = {"event": "target.changed", "target": 2}
    assert not story(1, started("a", 0), scaled, started("b", 1)).problems


def test_a_life_beside_the_slots_is_none() -> None:
    assert not story(1, started("a", 0), started("surge", None)).problems


def test_a_stop_is_no_death() -> None:
    told = story(1, started("a"), {**exited("a"), "event": "worker.stopped"})
    assert (told.live, told.deaths) == ({}, 0)
