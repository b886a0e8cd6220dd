"""What came of a drill, by the events that followed."""

from __future__ import annotations

import json
from typing import Any

from autohealer.core.notices import EventRecord
from autohealer.runtime.drill.report import json_text, lines, page
from autohealer.runtime.drill.verdict import Drilled, DrilledWorker, judge
from autohealer.runtime.event_log import timestamp
from autohealer.views.reading import record_of

BEGAN = 1_800_000_000.0
A, B, A2 = DrilledWorker("a", 0, 1), DrilledWorker("b", 1, 2), DrilledWorker("a2", 0, 3)


def event(kind: str, after: float, **fields: Any) -> EventRecord:
    return record_of({"event": kind, "time": timestamp(BEGAN + after), **fields})


HEALED = [
    event("worker.exited", -5, worker="old", slot=0),
    event("worker.exited", 0.001, worker="a", slot=0, signal="SIGKILL", cause="SIGKILL"),
    event("worker.started", 0.002, worker="a2", slot=0),
    event("worker.ready", 0.5, worker="a2", slot=0),
]


def drilled(after: list[DrilledWorker], *, replaces: bool = True) -> Drilled:
    return Drilled("kill", BEGAN, BEGAN + 1, [A] if replaces else [], [A, B], after, replaces=replaces)


def test_a_drill_that_held() -> None:
    verdict = judge(drilled([A2, B]), HEALED)
    (touched,) = verdict.touched
    assert verdict.held
    assert verdict.lowest == 1
    assert (touched.cause, touched.replacement) == ("SIGKILL", "a2")
    assert (touched.noticed_ms, touched.healed_ms, touched.ready_ms) == (1.0, 2.0, 500.0)


def test_nobody_noticed() -> None:
    assert judge(drilled([A, B]), []).problems == ["nobody noticed what happened to a"]


def test_not_replaced() -> None:
    verdict = judge(drilled([B]), HEALED[:2])
    assert verdict.problems == ["a was not replaced", "2 workers ran before, 1 run now"]


def test_who_was_not_touched_has_to_stay() -> None:
    other = DrilledWorker("b2", 1, 9)
    assert judge(drilled([A2, other]), HEALED).problems == ["b was not touched, and is gone"]
    assert judge(drilled([A2, B], replaces=False), HEALED).problems == ["a was not touched, and is gone"]
    assert judge(drilled([A, B], replaces=False), []).held


def test_reports() -> None:
    verdict = judge(drilled([A2, B]), HEALED)
    assert list(lines(verdict))[-1] == "held"
    assert json.loads(json_text(verdict))["held"] is True
    assert "It held." in page(verdict)
    broken = judge(drilled([DrilledWorker("<b>", 1, 2)]), HEALED)
    assert list(lines(broken))[-1] == "DID NOT HOLD"
    assert "<b>" not in page(broken)
