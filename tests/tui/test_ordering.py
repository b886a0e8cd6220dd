"""How workers are ordered, and which are in trouble."""

from __future__ import annotations

import pytest

from autohealer.tui.ordering import ORDERS, is_in_trouble, ordered
from autohealer.views.status import WorkerRow

ROWS = (
    WorkerRow(slot=0, state="running", ready=True, restarts=1, started="2026-01-01T00:00:05Z", cpu=0.2, rss=30),
    WorkerRow(slot=1, state="backoff", restarts=9),
    WorkerRow(slot=2, state="running", ready=True, restarts=1, started="2026-01-01T00:00:01Z", cpu=0.9, rss=10),
    WorkerRow(slot=3, state="running", ready=False, held="probe", restarts=0, started="2026-01-01T00:00:09Z"),
    WorkerRow(slot=4, state="running", ready=False, started="2026-01-01T00:00:07Z", cpu=0.1, rss=20),
)


@pytest.mark.parametrize(
    ("by", "slots"),
    [
        ("slot", [0, 1, 2, 3, 4]),
        ("trouble", [3, 4, 1, 0, 2]),
        ("uptime", [2, 0, 4, 3, 1]),
        ("restarts", [1, 0, 2, 3, 4]),
        ("cpu", [2, 0, 4, 1, 3]),
        ("memory", [0, 4, 2, 1, 3]),
    ],
)
def test_orders(by: str, slots: list[int]) -> None:
    """The highest or worst first; equals, and those of which nothing is known, by slot."""
    assert by in ORDERS
    assert [row.slot for row in ordered(ROWS, by, is_reversed=False)] == slots


def test_the_other_way_round() -> None:
    """Equals stay by slot."""
    assert [row.slot for row in ordered(ROWS, "slot", is_reversed=True)] == [4, 3, 2, 1, 0]
    assert [row.slot for row in ordered(ROWS, "restarts", is_reversed=True)] == [3, 4, 0, 2, 1]


def test_trouble() -> None:
    """What waits, is held or not ready."""
    assert [row.slot for row in ROWS if is_in_trouble(row)] == [1, 3, 4]
    assert not is_in_trouble(WorkerRow(slot=5, state="starting"))
