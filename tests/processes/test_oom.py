"""The kernel's counter of processes killed for want of memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from autohealer.processes.oom import OomWatch


@pytest.mark.parametrize(
    "text",
    ["low 0\nhigh 0\nmax 3\noom 1\noom_kill {}\noom_group_kill 0\n", "oom_kill_disable 0\nunder_oom 0\noom_kill {}\n"],
)
def test_it_has_grown_since_it_was_asked_last(tmp_path: Path, text: str) -> None:
    """Once for each time."""
    path = tmp_path / "events"
    path.write_text(text.format(7))
    watch = OomWatch(str(path))
    assert not watch.has_killed()
    path.write_text(text.format(8))

    assert watch.has_killed()
    assert not watch.has_killed()


def test_where_there_is_no_counter(tmp_path: Path) -> None:
    """Then nobody knows."""
    assert not OomWatch(str(tmp_path / "none")).has_killed()


def test_on_this_machine() -> None:
    """Some counter is read."""
    assert not OomWatch().has_killed()
