"""The dashboard as text of a fixed width: what is shown, what is left out, and that it always fits."""

from __future__ import annotations

import io
import time
from dataclasses import replace

import pytest
from rich.console import Console

from autohealer.views.canvas import Canvas, Pen
from autohealer.views.controls import Controls, Mode
from autohealer.views.dashboard import Scene, frame
from autohealer.views.history import History
from autohealer.views.lines import line_width
from autohealer.views.pool import of_snapshot
from tests.views import scenes


def drawn(scene: Scene, width: int, height: int) -> list[str]:
    """The screen as rich prints it."""
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True, _environ={})
    console.print(frame(scene, width, height), end="")
    return [line.rstrip() for line in console.export_text().splitlines()]


SMALL = """\
autohealer default   4 of 6 running   4 registered
★ leader web1-k3x9qa (here), epoch 42
● ZooKeeper connected 11m 40s 127.0.0.1:2181
─ history 3 deaths, 2 heals, p50 1.4 ms, p95 1.4 ms ────────
  slot state          pid      up restarts last death
     0 ● running     4000      7s        0
     1 ● running     4001  1m 07s        1 SIGKILL
     2 ● running     4002  2m 07s        2 SIGSEGV
     3 ▲ backoff                        12 exit code 1
     4 ◐ starting    4004  4m 07s        1
     5 ● running     4005  5m 07s        2
─ events ───────────────────────────────────────────────────
  2s ago ✗ worker 3 (pid 4003) ended with exit code 1 after…
  2s ago ▲ worker 3 (pid 4003) waits 3.2 s before its next …
q stop  +- scale  ↑↓ pick  k kill  l log  r restart  / find"""

USUAL = """\
autohealer default   ████████████████░░░░░░░░ 8 of 12 running
★ leader web1-k3x9qa (here), epoch 42   ● ZooKeeper connected 11m 40s 127.0.0.1:2181
─ agents 4 ─────────────────────────────────────────────────────────────────────────────────────────
★ web1-k3x9qa 4/6   ● web2-abc123 2/2   ● web3-abc123 2/2   ● web4-abc123 2/2
"""


def test_the_smallest_screen() -> None:
    """60x15: everything there is, as far as it fits."""
    assert "\n".join(drawn(scenes.scene(6), 60, 15)) == SMALL


def test_several_agents() -> None:
    """Each with its share; how many are registered elsewhere is not known here, and not shown."""
    scene = replace(scenes.scene(6, agents=4), view=replace(scenes.view(6, agents=4), running=8))
    assert "\n".join(drawn(scene, 100, 30)).startswith(USUAL)


def test_a_thousand_workers_say_what_is_left_out() -> None:
    """A glyph for each, rows for those that fit, and a count of the rest."""
    lines = drawn(scenes.scene(1000), 200, 50)
    rows = [line for line in lines if line[:6].strip().isdigit()]

    assert any("1 starting, 998 running, 1 backoff" in line for line in lines)
    assert sum(line.count("●") for line in lines if line.startswith("  ●")) == 998
    assert f"     … {1000 - len(rows):,} more" in lines


def test_columns_come_with_width() -> None:
    """What says most comes first."""
    screens = {width: drawn(scenes.scene(6), width, 30) for width in (40, 80, 200)}
    titles = {
        width: next(line for line in lines if line.startswith("  slot")).split() for width, lines in screens.items()
    }

    assert titles[40] == ["slot", "state", "pid", "up"]
    assert titles[80] == ["slot", "state", "pid", "up", "restarts", "cpu", "memory", "last", "death"]
    assert titles[200] == [*titles[80][:-2], "host", "registered", "worker", "last", "death"]


@pytest.mark.parametrize("agents", [1, 3, 60])
@pytest.mark.parametrize("workers", [0, 1, 6, 1000])
def test_it_always_fits(workers: int, agents: int) -> None:
    """Exactly as many lines as there are, none of them wider than the terminal, whatever is going on."""
    busy = [Controls(), Controls(mode=Mode.FILTER, filter="4"), Controls(chosen=(scenes.ME, 0, None), output=True),
            Controls(filter="no such worker", said="said " * 100)]  # fmt: skip
    for width, height in ((1, 1), (20, 5), (34, 8), (60, 15), (80, 24), (99, 31), (200, 50)):
        for controls in busy:
            scene = replace(scenes.scene(workers, agents, replace(controls)), output=["wide 漢字\x1b[2J " * 20] * 99)
            lines = frame(scene, width, height)

            assert len(lines) == height
            assert max(line_width(line) for line in lines) <= width
            assert all(text.isprintable() for line in lines for text, _ in line)


def test_the_footer_stays_last() -> None:
    """Where there is hardly any room, the keys are still to be seen."""
    assert drawn(scenes.scene(1000, 3), 60, 8)[-1].startswith("q stop")


def test_zookeeper_is_away() -> None:
    """A word, a glyph and since when, and that nothing stops for it."""
    scene = replace(scenes.scene(6), view=scenes.view(6, connected=False))
    assert any("▲ ZooKeeper away 1m 15s, workers go on" in line for line in drawn(scene, 100, 30))


def test_nothing_is_known_yet() -> None:
    """The first moment of an agent."""
    empty = replace(
        scenes.snapshot(0), target=None, leader=None, epoch=None, foreign=None, connected=False, away_since=None
    )
    scene = Scene(of_snapshot(empty, "127.0.0.1:2181", "web1"), History(), Controls(), scenes.NOW)
    text = "\n".join(drawn(scene, 80, 24))

    assert "0 of ? running" in text
    assert "no leader yet" in text
    assert "no heals yet" in text


def test_the_chosen_worker_is_always_in_view() -> None:
    """Wherever it is."""
    controls = Controls(chosen=(scenes.ME, 777, None))
    lines = drawn(scenes.scene(1000, controls=controls), 100, 30)

    assert any(line.startswith("   777 ") for line in lines)
    assert any("more above, " in line for line in lines)


def test_output_in_the_place_of_events() -> None:
    """The last lines of the chosen worker's output."""
    scene = replace(scenes.scene(6, controls=Controls(chosen=(scenes.ME, 2, None), output=True)), output=["one", "two"])
    text = "\n".join(drawn(scene, 100, 30))

    assert "─ output of slot 2 " in text
    assert "\n one\n two\n" in text
    assert "─ events" not in text


def test_drawing_keeps_within_its_budget() -> None:
    """A thousand workers, the largest screen, everything changed each time: 5 ms would be 2 % of a core at 4 frames/s.

    Twice as much is allowed here, for machines that are slow or busy.
    """
    scene, snapshot, canvas = scenes.scene(1000), scenes.snapshot(1000), Canvas(Pen("utf-8", {}))
    frames = 20

    def draw(count: int) -> None:
        view = of_snapshot(snapshot, "127.0.0.1:2181", "web1")
        canvas.paint(frame(replace(scene, view=view, now=scenes.NOW + count), 200, 50))

    draw(0)
    best_s = 1.0
    for attempt in range(3):
        began = time.thread_time()
        for count in range(frames):
            draw(attempt * frames + count)
        best_s = min(best_s, (time.thread_time() - began) / frames)

    assert best_s < 0.010
