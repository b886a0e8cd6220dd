"""What is known of a pool, its history, and curves in characters."""

from __future__ import annotations

import msgspec

from autohealer.tui import charts
from autohealer.tui.history import History, percentile
from autohealer.tui.state import CURVE_SAMPLES, PoolState
from autohealer.tui.widgets.story import folded
from autohealer.views.reading import record_of
from autohealer.views.status import Changes, WatchedStatus, WorkerRow
from tests.tui import scenes


def state_of(rows: list[scenes.Json]) -> PoolState:
    """A pool with these rows."""
    state = PoolState()
    state.replace(msgspec.convert(scenes.status(rows), WatchedStatus), scenes.NOW)
    return state


def row(slot: int | None, **fields: object) -> WorkerRow:
    """A row, checked."""
    return msgspec.convert({**scenes.worker(slot or 0), "slot": slot, **fields}, WorkerRow)


def test_rows_change_come_and_go() -> None:
    """Slots in their order, spares behind them."""
    state = state_of([scenes.worker(0), scenes.worker(1)])
    state.change(Changes(workers=[row(1, state="backoff"), row(None, worker="spare-1"), row(2)]), 1.0)
    assert [worker.slot for worker in state.workers] == [0, 1, 2, None]
    assert state.workers[1].state == "backoff"
    state.change(Changes(gone=[state.order[0], "spare-1", "nobody"]), 2.0)
    assert [worker.slot for worker in state.workers] == [1, 2]
    assert state.heard_at == 2.0


def test_curves_are_of_one_process_and_bounded() -> None:
    """A new process begins a new one; what is not measured has none."""
    state = state_of([scenes.worker(0), scenes.worker(1, rss=None, cpu=None)])
    for _ in range(CURVE_SAMPLES + 5):
        state.sample()
    (key,) = state.curves
    assert len(state.curves[key].rss) == CURVE_SAMPLES
    state.change(Changes(workers=[row(0, pid=99)]), 1.0)
    state.sample()
    assert len(state.curves[key].rss) == 1


def test_deaths_heals_and_causes() -> None:
    """The verdict says more than the signal that carried it out; a promotion is a heal; a scale is none."""
    history = History()
    name = f"{scenes.AGENT}-0-1"
    for event in (
        {"event": "worker.started", "slot": 0, "worker": name},
        {"event": "worker.faulty", "slot": 0, "worker": name, "cause": "probe"},
        {"event": "worker.exited", "slot": 0, "worker": name, "signal": "SIGTERM", "code": None, "cause": "probe"},
        {"event": "worker.exited", "slot": None, "worker": "spare", "code": 1, "signal": None, "cause": "exit 1"},
        {"event": "worker.promoted", "slot": 0, "worker": "b", "heal_ms": 4.0},
        {"event": "worker.exited", "slot": 1, "worker": "c", "signal": None, "code": 3, "cause": "exit 3"},
    ):
        history.take(record_of({"time": scenes.at(30), **event}))
    history.take(record_of({"time": "soon", "event": "worker.exited", "slot": 2}))
    assert history.causes == {0: "probe", 1: "exit 3"}
    assert (history.deaths, [heal.ms for heal in history.heals]) == (2, [4.0])
    assert history.deaths_by(scenes.NOW - 60, 30, 2) == [0, 2]
    assert len(history.story(0)) == 4


def test_percentiles() -> None:
    """The value that so many keep within."""
    assert percentile([], 0.5) is None
    assert (percentile([3, 1, 2], 0.5), percentile(range(100), 0.95)) == (2, 95)


def test_blocks_and_areas() -> None:
    """The newest at the right edge, blank where there is nothing yet."""
    assert charts.blocks([0, 4, 8], 5, 8) == "  ▁▅█"
    assert charts.area([0, 10], 2, 1, 0, 10) == [" ⣸"]
    assert charts.area([], 2, 1, 0, 0) == ["  "]


def test_scatter_on_a_scale_of_powers_of_ten() -> None:
    """From the bottom left to the top right; what lies beyond stands at the edge."""
    drawn = charts.scatter([(0.0, 0.001), (1.0, 1e9)], 4, 2, (0, 2))
    assert drawn[0][-1] != " "
    assert drawn[1][0] != " "
    assert charts.decades([3, 40]) == (0, 2)
    assert charts.decades([]) == (0, 2)
    assert charts.decades([10]) == (1, 2)


def test_long_lines_are_folded_between_words() -> None:
    """Nothing is lost, no piece is too wide, and what follows is indented."""
    line = (("14:12:03  ", "dim"), ("worker 3 (pid 4711) was found faulty: probe, no answer within 2 s", "title"))
    pieces = [tuple(piece) for piece in folded(line, 30)]
    texts = ["".join(text for text, _ in piece) for piece in pieces]
    assert max(map(len, texts)) <= 30
    assert " ".join(" ".join(texts).split()) == " ".join("".join(text for text, _ in line).split())
    assert all(text.startswith("      ") for text in texts[1:])
    assert list(folded(line, 200)) == [line]
    assert next(folded((("x" * 50, ""),), 20)) == (("", ""), ("x" * 20, ""))
