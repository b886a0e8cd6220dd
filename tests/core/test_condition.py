"""What the facts of one life amount to: what each says, what it no longer says, and when time alone says something."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autohealer.core.events import NotifyReceived, ProbeAnswered, ProgressRead, Usage
from autohealer.core.model import PoolSpec, Sense
from autohealer.core.pool.condition import AGE_JITTER, SAMPLES_OVER, Condition, Symptom

BORN = 100.0
ONE, OTHER = "http://127.0.0.1/", "tcp:127.0.0.1:80"
MIB = 2**20


def condition(**spec: Any) -> Condition:
    """Of a life that has just been started."""
    return Condition(PoolSpec("default", 1, **spec), "me-0-a", BORN, BORN)


def ready(now: float = BORN, **spec: Any) -> Condition:
    """Of one that is ready."""
    found = condition(**spec)
    found.became_ready(now)
    return found


def say(to: Condition, at: float, **fields: Any) -> dict[Sense, str | None]:
    return told(to.notified(NotifyReceived(at, "me-0-a", **fields)))


def probe(to: Condition, at: float, ok: bool, name: str = ONE, weight: float = 1.0) -> dict[Sense, str | None]:
    return told(to.probed(ProbeAnswered(at, "me-0-a", name, ok, "200" if ok else "500", weight)))


def count(to: Condition, at: float, value: float | None, busy: bool | None = None) -> dict[Sense, str | None]:
    return told(to.progressed(ProgressRead(at, "me-0-a", value, busy, "jobs")))


def use(
    to: Condition, at: float, cpu_s: float = 0.0, *, rss: int = 0, state: str = "S", traced: bool = False
) -> dict[Sense, str | None]:
    return told(to.used(Usage(cpu_s, rss, state, traced, 0), at))


def told(symptoms: Iterable[Symptom]) -> dict[Sense, str | None]:
    """By sense; None where it finds nothing any more. What comes later counts."""
    return {symptom.sense: symptom.detail for symptom in symptoms}


def overdue(of: Condition, now: float) -> dict[Sense, str | None]:
    return told(of.overdue(now))


# ---- probes


def test_all_probes_of_the_pool_have_to_pass() -> None:
    life = condition(probes=(ONE, OTHER))
    probe(life, 101, ok=True)
    assert not life.all_probes_passed
    probe(life, 101, ok=False, name=OTHER)
    assert not life.all_probes_passed
    assert life.failing_probe == f"{OTHER}: 500"
    probe(life, 102, ok=True, name=OTHER)
    assert life.all_probes_passed
    assert life.failing_probe is None


def test_who_has_been_ready_and_whose_probes_have_all_succeeded_is_proven() -> None:
    life = condition(probes=(ONE, OTHER))
    probe(life, 101, ok=True)
    life.became_ready(101)
    assert not life.is_proven
    probe(life, 102, ok=False, name=OTHER)
    assert not life.is_proven
    probe(life, 103, ok=True, name=OTHER)
    assert life.is_proven
    probe(life, 104, ok=False)
    assert life.is_proven
    waits = condition(probes=(ONE,))
    probe(waits, 101, ok=True)
    assert not waits.is_proven


def test_one_probe_that_passes_acquits_nobody_of_another_that_fails() -> None:
    life = ready(probes=(ONE, OTHER), probe_failures=2)
    for name in (ONE, OTHER):
        assert probe(life, 101, ok=True, name=name) == {Sense.PROBE: None}
    assert probe(life, 102, ok=False) == {}
    assert probe(life, 103, ok=False) == {Sense.PROBE: f"{ONE}: 500"}
    assert probe(life, 103, ok=True, name=OTHER) == {}
    assert probe(life, 104, ok=True) == {Sense.PROBE: None}


def test_a_failure_counts_by_its_weight_and_since_its_first() -> None:
    life = ready(probes=(ONE,), probe_failures=2)
    probe(life, 101, ok=True)
    for at in (102, 103, 104):
        assert probe(life, at, ok=False, weight=0.5) == {}
    (found,) = life.probed(ProbeAnswered(105, "me-0-a", ONE, False, "500", 0.5))
    assert found.since == 102


# ---- readiness


def test_it_becomes_ready_once_and_beats_are_due_from_then_on() -> None:
    life = condition(beat_timeout_s=5)
    assert life.due() is None
    life.counter = None
    life.became_ready(110)
    assert life.due() == 115
    life.became_ready(113)
    assert (life.ready_since, life.due()) == (110, 115)


def test_progress_is_due_from_when_it_is_ready() -> None:
    life = condition(progress_timeout_s=30)
    say(life, 101, progress=1)
    assert overdue(life, 200) == {}
    life.became_ready(200)
    assert life.due() == 230
    assert overdue(life, 229.9) == {}
    assert overdue(life, 230) == {Sense.PROGRESS: "its progress has stood at 1 for 30 s"}


def test_who_is_not_ready_in_time_is_told_why() -> None:
    life = condition(start_timeout_s=60)
    life.start_by = 160
    assert life.due() == 160
    assert overdue(life, 159.9) == {}
    assert overdue(life, 160) == {Sense.NOT_READY: "not ready within 60 s"}
    probe(life, 161, ok=False)
    assert overdue(life, 162) == {Sense.NOT_READY: f"not ready within 60 s: {ONE}: 500"}
    life.became_ready(163)
    assert overdue(life, 164) == {Sense.NOT_READY: f"not ready within 60 s: {ONE}: 500"}
    probe(life, 165, ok=True)
    assert (overdue(life, 166), life.due()) == ({}, None)


def test_who_asks_for_more_time_to_start_gets_it_where_there_is_a_limit() -> None:
    life = condition(start_timeout_s=60)
    say(life, 101, extend_s=500)
    assert life.start_by is None
    life.start_by = 160
    say(life, 150, extend_s=5)
    assert life.start_by == 160
    say(life, 150, extend_s=15)
    assert life.start_by == 165


# ---- what it says of itself


@pytest.mark.parametrize("beat", [{"beat": True}, {"progress": 3.0}, {"task": "a"}])
def test_each_sign_of_work_is_a_beat(beat: dict[str, Any]) -> None:
    life = ready(beat_timeout_s=5)
    say(life, 101, idle=True)
    assert life.due() is None
    found = say(life, 102, **beat)
    assert found[Sense.BEAT] is None
    assert (life.idle, life.beat_at) == (False, 102)
    assert overdue(life, 106.9) == {}
    assert overdue(life, 107) == {Sense.BEAT: "no beat for 5 s"}


def test_what_says_nothing_of_work_is_no_beat() -> None:
    life = ready(beat_timeout_s=5)
    assert say(life, 104, status="fine") == {Sense.TASK: None}
    assert overdue(life, 105) == {Sense.BEAT: "no beat for 5 s"}


def test_who_is_idle_owes_nothing() -> None:
    life = ready(beat_timeout_s=5, task_timeout_s=3, progress_timeout_s=4)
    say(life, 101, task="a", progress=1)
    found = say(life, 102, idle=True)
    assert found == {Sense.BEAT: None, Sense.PROGRESS: None, Sense.TASK: None}
    assert (life.tasks, life.due(), overdue(life, 1000)) == ({}, None, {})


def test_a_task_has_its_own_limit_or_the_pools() -> None:
    life = ready(task_timeout_s=10)
    say(life, 101, task="pool's")
    say(life, 101, task="own", task_limit_s=5)
    assert life.due() == 106
    assert overdue(life, 106) == {Sense.TASK: "task own has not ended within 5 s"}
    assert say(life, 107, task_ended="nobody's") == {}
    assert say(life, 107, task_ended="own") == {Sense.TASK: None}
    assert list(life.tasks) == ["pool's"]
    assert overdue(life, 110.9) == {}
    assert overdue(life, 111) == {Sense.TASK: "task pool's has not ended within 10 s"}
    say(life, 112, beat=True)
    assert list(life.tasks) == ["pool's"]


def test_a_task_without_a_limit_takes_as_long_as_it_does() -> None:
    life = ready()
    say(life, 101, task="a")

    assert (life.due(), overdue(life, 1e6)) == (None, {})


def test_who_calls_itself_faulty_says_why_or_not_until_its_next_beat() -> None:
    life = ready()
    assert say(life, 101, trigger=True, status="no database")[Sense.BEAT] == "no database"
    assert overdue(life, 102) == {Sense.BEAT: "no database"}
    say(life, 103, beat=True)
    assert overdue(life, 104) == {}
    assert say(life, 105, trigger=True)[Sense.BEAT] == "the worker calls itself faulty"
    say(life, 106, idle=True)
    assert overdue(life, 107) == {}


def test_who_says_that_it_is_stopping_is_leaving_until_it_is_ready_again() -> None:
    life = ready()
    say(life, 101, beat=True)
    assert not life.leaving
    say(life, 102, stopping=True)
    say(life, 103, beat=True)
    assert life.leaving
    say(life, 104, ready=True)
    assert not life.leaving


# ---- progress that is read


def test_only_who_is_busy_and_ready_has_to_get_on() -> None:
    life = condition(progress_timeout_s=30)
    assert count(life, 101, 5) == {Sense.PROGRESS: None}
    assert count(life, 140, 5)[Sense.PROGRESS] is None
    life.became_ready(140)
    assert count(life, 150, 5) == {}
    assert count(life, 180, 5) == {Sense.PROGRESS: "jobs has stood at 5 for 30 s"}
    assert count(life, 181, None) == {}
    assert count(life, 182, 5, busy=False) == {Sense.PROGRESS: None}
    assert count(life, 211, 5) == {}
    assert count(life, 212, 5) == {Sense.PROGRESS: "jobs has stood at 5 for 30 s"}
    assert count(life, 213, None, busy=False) == {Sense.PROGRESS: None}
    assert life.counter is None
    count(life, 214, 6)
    assert overdue(life, 1000) == {}  # only when it is read
    assert life.due() is None


def test_the_worker_is_asked_again_when_its_counter_may_have_stood_too_long() -> None:
    life = ready(progress_timeout_s=30)
    say(life, 101, progress=1)
    assert say(life, 110, progress=1) == {Sense.BEAT: None, Sense.TASK: None}
    assert life.due() == 131
    say(life, 111, progress=2)
    assert life.due() == 141


# ---- what is seen of its process


def test_a_stopped_process_is_faulty_after_a_while_unless_somebody_traces_it() -> None:
    life = ready(stopped_timeout_s=10)
    assert use(life, 100, state="T").get(Sense.STOPPED, "") == ""
    assert Sense.STOPPED not in use(life, 109, state="T")
    assert use(life, 110, state="T")[Sense.STOPPED] == "its process has been stopped (state T) for 10 s"
    assert use(life, 111, state="T", traced=True)[Sense.STOPPED] is None
    assert Sense.STOPPED not in use(life, 112, state="T")
    assert use(life, 113)[Sense.STOPPED] is None
    assert Sense.STOPPED not in use(life, 122.5, state="T")
    assert Sense.STOPPED not in use(life, 123, state="T")


def test_a_stopped_process_is_no_fault_where_nobody_asks() -> None:
    life = ready(stopped_timeout_s=None)
    use(life, 100, state="T")

    assert Sense.STOPPED not in use(life, 1e6, state="T")


def test_silence_is_neither_output_nor_processor_time() -> None:
    life = ready(silence_timeout_s=10)
    assert use(life, 101, 1.0)[Sense.SILENT] is None
    assert Sense.SILENT not in use(life, 110.9, 1.0)
    (found,) = [s for s in life.used(Usage(1.0, 0, "S", False, 0), 111) if s.sense is Sense.SILENT]
    assert (found.detail, found.since) == ("neither output nor CPU time for 10 s", 101)
    assert use(life, 112, 1.1)[Sense.SILENT] is None
    assert Sense.SILENT not in use(life, 121, 1.1)
    say(life, 121, idle=True)
    assert use(life, 130, 1.1)[Sense.SILENT] is None


def test_silence_before_it_is_ready_and_where_nobody_asks_is_no_fault() -> None:
    for life in (condition(silence_timeout_s=10), ready(silence_timeout_s=None)):
        use(life, 101)
        assert use(life, 1e6).get(Sense.SILENT) is None


def test_memory_is_too_much_after_some_samples_or_at_once() -> None:
    life = ready(max_rss=100 * MIB, kill_rss=200 * MIB)
    assert use(life, 101, rss=100 * MIB)[Sense.MEMORY] is None
    for _ in range(SAMPLES_OVER - 1):
        assert Sense.MEMORY not in use(life, 102, rss=150 * MIB)
    assert use(life, 103, rss=150 * MIB)[Sense.MEMORY] == "150 MiB resident, --max-rss is 100 MiB"
    assert use(life, 104, rss=99 * MIB)[Sense.MEMORY] is None
    assert Sense.MEMORY not in use(life, 105, rss=200 * MIB)
    (found,) = [s for s in life.used(Usage(0.0, 200 * MIB + 1, "S", False, 0), 106) if s.sense is Sense.MEMORY]
    assert (found.detail, found.at_once) == ("200 MiB resident, --kill-rss is 200 MiB", True)
    unlimited = ready()
    assert [use(unlimited, at, rss=2**50)[Sense.MEMORY] for at in range(5)] == [None] * 5


# ---- age, and lost time


@given(st.text(min_size=1, max_size=9), st.floats(1, 1e6))
def test_a_life_is_too_old_within_a_tenth_of_its_age(worker: str, max_age_s: float) -> None:
    life = Condition(PoolSpec("default", 1, max_age_s=max_age_s), worker, BORN, BORN)
    due = life.due()
    assert due is not None
    age = (due - BORN) / max_age_s

    assert 1 - AGE_JITTER - 1e-6 <= age <= 1 + AGE_JITTER + 1e-6
    assert overdue(life, due - 1e-3 * max_age_s) == {}
    assert overdue(life, due) == {Sense.AGE: f"it is older than --max-age {max_age_s:g} s"}


def test_lives_that_began_together_end_apart() -> None:
    spec = PoolSpec("default", 1, max_age_s=100)
    ages = sorted((Condition(spec, f"me-{n}-a", BORN, BORN).due() or 0) - BORN for n in range(200))

    assert ages[0] < 100 * (1 - 0.8 * AGE_JITTER)
    assert ages[-1] > 100 * (1 + 0.8 * AGE_JITTER)


def test_where_nobody_looked_for_a_while_all_clocks_begin_anew() -> None:
    life = ready(beat_timeout_s=5, task_timeout_s=7, progress_timeout_s=9, silence_timeout_s=11, start_timeout_s=13,
                 stopped_timeout_s=3, max_rss=MIB)  # fmt: skip
    life.start_by = 101
    say(life, 101, task="a", progress=1)
    use(life, 101, state="T", rss=2 * MIB)
    use(life, 101.5, state="T", rss=0)
    use(life, 102, state="T", rss=2 * MIB)
    life.start_anew(200)

    assert life.start_by == 213
    assert overdue(life, 204.9) == {}
    assert overdue(life, 205) == {Sense.BEAT: "no beat for 5 s"}
    assert Sense.TASK not in overdue(life, 206.9)
    assert Sense.TASK in overdue(life, 207)
    assert Sense.PROGRESS not in overdue(life, 208.9)
    assert Sense.PROGRESS in overdue(life, 209)
    seen = use(life, 210.9, state="T", rss=2 * MIB)
    assert not seen.keys() & {Sense.STOPPED, Sense.SILENT, Sense.MEMORY}
    assert Sense.SILENT in use(life, 211, state="T")


def test_a_beat_that_nobody_waits_for_is_not_waited_for_afterwards() -> None:
    life = condition(beat_timeout_s=5)
    life.start_anew(200)

    assert life.beat_at is None


def test_a_lost_registration_is_told_as_long_as_it_lasts() -> None:
    life = ready()
    assert overdue(life, 101) == {}
    life.lost = "it is gone"

    assert overdue(life, 102) == {Sense.REGISTRATION: "it is gone"}
