"""What people are told of a pool: by whom, in which order, and from which thread."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from autohealer.core.notices import AgentJoined
from autohealer.runtime.announcer import Announcer
from autohealer.runtime.disk_writer import DiskWriter

JOINED = AgentJoined("host-a")


def announced(path: Path, happens: Callable[[Announcer, list[str]], object]) -> list[str]:
    """Who was told what, while this happens."""
    told: list[str] = []

    async def announce() -> None:
        loop = asyncio.get_running_loop()
        writer = DiskWriter(loop)
        announcer = Announcer(
            path / "events.jsonl",
            writer,
            loop,
            listener=lambda record: told.append(f"listener: {record.event}"),
            complain=lambda text: told.append(f"complain: {text}"),
        )
        happens(announcer, told)
        await asyncio.sleep(0)
        await announcer.log.close(5.0)
        writer.close()

    asyncio.run(announce())
    return told


def test_an_event_goes_to_all_who_follow_and_into_the_log(tmp_path: Path) -> None:
    """To the listener last: what follows may be asked for by who hears of it there."""

    def happen(announcer: Announcer, told: list[str]) -> None:
        announcer.follow(lambda record: told.append(f"first: {record.event}"))
        announcer.follow(lambda record: told.append(f"second: {record.event}"))
        announcer.tell(JOINED)

    told = announced(tmp_path, happen)

    assert told == ["first: agent.joined", "second: agent.joined", "listener: agent.joined"]
    assert json.loads((tmp_path / "events.jsonl").read_text())["agent"] == "host-a"


def test_a_warning_is_for_who_follows_and_not_for_the_log(tmp_path: Path) -> None:
    """It may come before anybody follows: while the pool's parts are made."""

    def happen(announcer: Announcer, told: list[str]) -> None:
        announcer.warn("early")
        announcer.follow(lambda record: told.append(f"{record.event}: {getattr(record.notice, 'text', '')}"))
        announcer.warn("late")

    told = announced(tmp_path, happen)

    assert told == ["complain: early", "warning: late", "complain: late"]
    assert not (tmp_path / "events.jsonl").exists()


def test_a_warning_from_another_thread_comes_in_the_loops_own(tmp_path: Path) -> None:
    """And is lost, without harm, once the loop has ended."""
    kept: list[Announcer] = []

    def happen(announcer: Announcer, told: list[str]) -> None:
        kept.append(announcer)
        announcer.warn_from_elsewhere("the disk is full")
        assert told == []

    assert announced(tmp_path, happen) == ["complain: the disk is full"]
    kept[0].warn_from_elsewhere("nobody is there")
