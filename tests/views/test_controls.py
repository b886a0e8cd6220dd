"""What each key does, to the screen and to the pool."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from autohealer.views.controls import Controls, Kill, Mode, Order, Quit, Repaint, Restart, Scale, Suspend
from autohealer.views.pool import PoolView, Row
from tests.views import scenes

VIEW = scenes.view(100)


def press(controls: Controls, keys: Iterable[str], view: PoolView = VIEW) -> list[Order]:
    """What the keys, one after the other, ask for."""
    return [order for key in keys if (order := controls.press(key, view)) is not None]


def chosen(controls: Controls, view: PoolView = VIEW) -> Row | None:
    """The row that is chosen."""
    rows = controls.shown(view)
    at = controls.index(rows)
    return None if at is None else rows[at]


def slot(controls: Controls) -> int | None:
    row = chosen(controls)
    return row.slot if row else None


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([], None),
        (["up"], 0),
        (["down"], 0),
        (["down", "down", "down"], 2),
        (["down", "up", "up"], 0),
        (["end"], 99),
        (["end", "down"], 99),
        (["end", "home"], 0),
        (["down", "page-down"], 10),
        (["end", "page-up"], 89),
        (["down", "escape"], None),
    ],
)
def test_arrows_choose(keys: list[str], expected: int | None) -> None:
    """From the first on, and never beyond the ends."""
    controls = Controls()
    press(controls, keys)
    assert slot(controls) == expected


def test_the_choice_outlives_the_worker() -> None:
    """Who has chosen a slot sees its next worker."""
    controls = Controls()
    press(controls, ["down", "down"])
    row = chosen(controls)
    assert row is not None
    replaced = [other._replace(worker=f"{other.worker}-next", pid=1) for other in VIEW.rows]
    assert controls.index(replaced) == 1


def test_the_window_moves_no_further_than_it_has_to() -> None:
    """And stays within what there is."""
    controls = Controls(page=10)
    press(controls, ["down"] * 12)
    assert controls.scroll(VIEW.rows) == (2, 11)
    press(controls, ["up"] * 5)
    assert controls.scroll(VIEW.rows) == (2, 6)
    assert [row.slot for row in controls.visible(VIEW)] == list(range(2, 12))
    assert controls.scroll(VIEW.rows[:5]) == (0, None)


def test_keys_that_ask_for_something() -> None:
    """Each its own order."""
    orders = press(Controls(), ["q", "ctrl-l", "ctrl-z", "x", "tab"])
    assert [type(order) for order in orders] == [Quit, Repaint, Suspend]


def test_scale_counts_presses() -> None:
    """Though the pool has answered none of them yet; and never below nothing."""
    assert press(Controls(), ["+", "=", "+", "-"]) == [Scale(101), Scale(102), Scale(103), Scale(102)]
    assert press(Controls(), ["-", "-"], scenes.view(1)) == [Scale(0), Scale(0)]


def test_kill_takes_the_chosen_one() -> None:
    """Never one that was not chosen, nor one that is not there."""
    controls = Controls()
    assert press(controls, ["k"]) == []
    assert controls.said == "choose a worker with the arrows first"
    assert press(controls, ["down", "down", "k"]) == [Kill(f"{scenes.ME}-1-5f2e1")]
    assert press(controls, ["down", "down", "k"]) == []
    assert controls.said == "slot 3 has no worker now"


def test_restart_is_asked_twice() -> None:
    """It concerns all workers."""
    controls = Controls()
    assert press(controls, ["r", "n"]) == []
    assert controls.said == "nothing is restarted"
    assert [type(order) for order in press(controls, ["r", "escape", "q"])] == [Quit]
    assert [type(order) for order in press(controls, ["r", "y"])] == [Restart]


def test_the_filter() -> None:
    """What is typed is text, not orders; it narrows what the arrows choose from; Escape ends it."""
    controls = Controls()
    assert press(controls, ["/", "q", "k", "backspace", "backspace", *"-9", "enter"]) == []
    assert controls.mode is Mode.NORMAL
    assert [row.slot for row in controls.shown(VIEW)] == [9, *range(90, 100)]
    press(controls, ["end"])
    assert slot(controls) == 99
    press(controls, ["escape"])
    assert len(controls.shown(VIEW)) == 100


@pytest.mark.parametrize(
    ("needle", "slots"), [("backoff", [3]), ("WEB1-K3X9QA-7-", [7]), ("pid 4008", [8]), ("slot 5", [5])]
)
def test_what_is_filtered_by(needle: str, slots: list[int]) -> None:
    """State, id, pid and slot, in any case of letters."""
    assert [row.slot for row in Controls(filter=needle).shown(scenes.view(10))] == slots


def test_output_is_shown_where_it_is() -> None:
    """Of a worker of this host; of another one it is said where it is."""
    controls = Controls()
    press(controls, ["down", "l"])
    assert controls.output
    press(controls, ["escape"])
    assert not controls.output
    elsewhere = Row("b", "far", 0, "b-0-x", 5, "running", True, 0, None)
    there = scenes.view(0)
    press(controls, ["down", "l"], PoolView(**{f: getattr(there, f) for f in there.__slots__} | {"rows": (elsewhere,)}))
    assert not controls.output
    assert controls.said == "the output of this worker is on far"
