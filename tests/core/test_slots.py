"""The agent's part: slots wanted against workers observed."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest

from autohealer.core.actions import (
    Action,
    EmitEvent,
    EndOrphans,
    KeepFinished,
    RecordIncident,
    SignalWorker,
    SpawnWorker,
    TakeEvidence,
)
from autohealer.core.events import (
    Evidence,
    EvidenceTaken,
    FinishedFound,
    OrphansEnded,
    ProcessExited,
    SpawnFailed,
    WorkerFound,
    WorkerSpawned,
)
from autohealer.core.model import ExitOn, PoolSpec, RestartPolicy, Sense, Verdict
from autohealer.core.notices import WorkerExited, WorkerFaulty
from autohealer.core.pool.finishing import Over
from autohealer.core.pool.incidents import Incidents
from autohealer.core.pool.life import Life
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.core.pool.lives import EVIDENCE_S, REPEAT_KILL_S, SIGKILL, Lives
from autohealer.core.pool.slots import ORPHANS_S, Slots
from autohealer.runtime.event_log import as_fields

A = TypeVar("A", bound=Action)
STOP, STOP_TIMEOUT_S = 15, 10.0


class Bench:
    """Slots, the orders they gave, and a clock that is moved by hand."""

    def __init__(self, **spec_fields: Any) -> None:
        self.orders: list[Action] = []
        spec = PoolSpec("default", 3, stop_signal=STOP, stop_timeout_s=STOP_TIMEOUT_S, **spec_fields)
        self.lives = Lives(spec, "me", "n", self.orders.append)
        self.slots = Slots(spec, self.lives, Incidents(self.orders.append), self.orders.append)
        self.now = 1000.0

    def take(self, kind: type[A]) -> list[A]:
        """All orders of this kind since the last time; orders of other kinds stay."""
        taken = [order for order in self.orders if isinstance(order, kind)]
        self.orders[:] = [order for order in self.orders if not isinstance(order, kind)]
        return taken

    def reports(self, event: str) -> list[dict[str, object]]:
        return [as_fields(order.notice) for order in self.take(EmitEvent) if order.notice.event == event]

    def spawn(self) -> list[str]:
        """Let all spawns that are ordered succeed; the workers."""
        workers = [order.worker for order in self.take(SpawnWorker)]
        for worker in workers:
            self.slots.spawned(WorkerSpawned(self.now, worker, 4711, "now"))
            self.lives.runs(self.life(worker))
        return workers

    def run(self, share: int) -> list[str]:
        """So many workers that run, by slot."""
        self.slots.want(share, self.now)
        workers = self.spawn()
        self.orders.clear()
        return workers

    def exit(self, worker: str, code: int | None = 1, signal: str | None = None, *, left: bool = False) -> None:
        life = self.lives.of(worker)
        slot = None if life is None else self.slots.of(life)
        if (end := self.slots.exited(ProcessExited(self.now, worker, code, signal, left))) is not None:
            self.slots.ended(end, slot, self.now)

    def life(self, worker: str) -> Life:
        life = self.lives.of(worker)
        assert life is not None
        return life

    def condemn(self, worker: str, detail: str = "hangs") -> None:
        self.lives.condemn(self.life(worker), Verdict(Sense.REGISTRATION, detail), self.now)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.lives.expire(self.now)
        self.slots.expire(self.now)

    def signals(self) -> list[tuple[str, int]]:
        return [(order.worker, order.signum) for order in self.take(SignalWorker)]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def empty_the_bucket(bench: Bench, worker: str) -> None:
    """Crash the worker and its successors until a start has to wait."""
    while True:
        bench.exit(worker)
        successors = bench.spawn()
        if not successors:
            return
        (worker,) = successors


# ---- wanted


def test_wanted_slots_are_filled_from_zero_up(bench: Bench) -> None:
    bench.slots.want(3, bench.now)

    assert [(order.slot, order.epoch) for order in bench.take(SpawnWorker)] == [(0, 0), (1, 0), (2, 0)]


def test_a_worker_carries_the_epoch_under_which_it_is_started(bench: Bench) -> None:
    bench.lives.epoch = 77
    bench.slots.want(1, bench.now)

    assert [order.epoch for order in bench.take(SpawnWorker)] == [77]


def test_asking_for_the_same_again_orders_nothing(bench: Bench) -> None:
    bench.run(3)
    bench.slots.want(3, bench.now)

    assert bench.orders == []


def test_a_surplus_is_stopped_from_the_highest_slot_down(bench: Bench) -> None:
    workers = bench.run(4)
    bench.slots.want(1, bench.now)

    assert bench.signals() == [(worker, STOP) for worker in reversed(workers[1:])]


def test_a_slot_wanted_again_while_its_worker_stops_is_filled_when_it_has_gone(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.slots.want(0, bench.now)
    bench.slots.want(1, bench.now)
    assert bench.take(SpawnWorker) == []

    bench.exit(worker, 0)

    assert [order.slot for order in bench.take(SpawnWorker)] == [0]


def test_a_worker_unwanted_before_it_runs_is_stopped_as_soon_as_it_does(bench: Bench) -> None:
    bench.slots.want(1, bench.now)
    bench.slots.want(0, bench.now)
    assert bench.signals() == []

    (worker,) = bench.spawn()

    assert bench.signals() == [(worker, STOP)]


def test_with_no_share_known_workers_are_kept_and_none_is_replaced(bench: Bench) -> None:
    workers = bench.run(2)
    bench.slots.want(None, bench.now)
    bench.exit(workers[0])

    assert bench.signals() == []
    assert bench.take(SpawnWorker) == []
    assert bench.lives.of(workers[1]) is not None


def test_a_backoff_that_ends_with_no_share_known_starts_nothing(bench: Bench) -> None:
    (worker,) = bench.run(1)
    empty_the_bucket(bench, worker)
    bench.slots.want(None, bench.now)
    bench.wait(60)
    assert bench.take(SpawnWorker) == []

    bench.slots.want(1, bench.now)

    assert len(bench.take(SpawnWorker)) == 1


# ---- healing


def test_a_dead_worker_is_replaced_before_anything_else_is_ordered(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.exit(worker, None, "SIGKILL")

    replacement, report, clear, incident = bench.orders
    assert isinstance(incident, RecordIncident)
    assert isinstance(replacement, SpawnWorker)
    assert replacement.slot == 0
    assert replacement.worker != worker
    assert report == EmitEvent(WorkerExited(worker, 4711, 0, None, "SIGKILL", 0.0, "SIGKILL"))
    assert clear == EndOrphans(worker, SIGKILL, 0.0)


def test_an_exit_that_is_no_news_changes_nothing(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.exit(worker)
    bench.orders.clear()
    bench.exit(worker)
    bench.exit("me-0-never")

    assert bench.orders == []


def test_heal_ms_is_the_time_from_death_to_the_replacements_start(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.exit(worker)
    bench.now += 0.0125
    bench.spawn()

    assert [report["heal_ms"] for report in bench.reports("worker.started")] == [12.5]


def test_a_first_start_heals_nothing(bench: Bench) -> None:
    bench.slots.want(1, bench.now)
    bench.spawn()

    assert [("heal_ms" in report) for report in bench.reports("worker.started")] == [False]


def test_uptime_counts_from_the_workers_start(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.now += 4.5
    bench.exit(worker)

    assert [report["uptime"] for report in bench.reports("worker.exited")] == [4.5]


# ---- backoff


def test_a_crash_loop_waits_says_so_and_starts_again_on_time(bench: Bench) -> None:
    (worker,) = bench.run(1)
    empty_the_bucket(bench, worker)
    (told,) = bench.reports("worker.backoff")
    due = bench.slots.next_deadline()
    assert due is not None
    assert [slot.state for slot in bench.slots] == [WorkerState.BACKOFF]
    assert told["delay"] == round(due - bench.now, 3)
    assert told["reason"] == "exit code 1"

    bench.wait((due - bench.now) / 2)
    assert bench.take(SpawnWorker) == []
    bench.now = due
    bench.wait(0)

    assert len(bench.take(SpawnWorker)) == 1
    assert bench.slots.next_deadline() is None


def test_a_start_after_a_backoff_is_no_heal_and_says_how_long_it_waited(bench: Bench) -> None:
    """The next one that is due at once is a heal again."""
    (worker,) = bench.run(1)
    empty_the_bucket(bench, worker)
    bench.wait(60)
    (successor,) = bench.spawn()
    bench.wait(600)
    bench.exit(successor)
    bench.spawn()
    late, prompt = bench.reports("worker.started")[-2:]

    assert ("heal_ms" in late, late["backoff_ms"]) == (False, 60_000.0)
    assert ("backoff_ms" in prompt, prompt["heal_ms"]) == (False, 0.0)


def test_a_slot_that_waits_is_forgotten_when_it_is_not_wanted_any_more(bench: Bench) -> None:
    (worker,) = bench.run(1)
    empty_the_bucket(bench, worker)
    bench.slots.want(0, bench.now)

    assert list(bench.slots) == []
    assert bench.slots.next_deadline() is None


def test_want_of_resources_is_retried_later_and_not_charged_to_the_worker() -> None:
    bench = Bench(max_failures=1)
    bench.slots.want(1, bench.now)
    for _ in range(12):
        (order,) = bench.take(SpawnWorker)
        bench.slots.spawn_failed(SpawnFailed(bench.now, order.worker, "EAGAIN", temporary=True))
        due = bench.slots.next_deadline()
        assert due is not None
        assert 0.2 <= due - bench.now <= 36
        bench.now = due
        bench.wait(0)

    assert bench.slots.over is None
    assert len(bench.spawn()) == 1


def test_a_command_that_cannot_be_started_is_the_workers_failure() -> None:
    bench = Bench(max_failures=2)
    bench.slots.want(1, bench.now)
    for _ in range(2):
        (order,) = bench.take(SpawnWorker)
        bench.slots.spawn_failed(SpawnFailed(bench.now, order.worker, "no such file", temporary=False))

    reason = "the worker in slot 0 failed 2 times in a row, the last time with: no such file"
    assert bench.slots.over == Over(True, reason)


@pytest.mark.parametrize("limit", [1, 3])
def test_so_many_failures_in_a_row_are_enough(limit: int) -> None:
    bench = Bench(max_failures=limit)
    (worker,) = bench.run(1)
    for failure in range(limit):
        assert bench.slots.over is None, failure
        bench.exit(worker, None, "SIGSEGV")
        worker = (bench.spawn() or [""])[0]

    assert bench.slots.over is not None
    assert bench.slots.over.reason.endswith("killed by SIGSEGV")


def test_a_stable_life_between_failures_begins_a_new_count() -> None:
    bench = Bench(max_failures=2)
    (worker,) = bench.run(1)
    for alive in (0, 10, 0, 10, 0):
        bench.now += alive
        bench.exit(worker)
        (worker,) = bench.spawn()

    assert bench.slots.over is None


def test_a_stop_that_was_asked_for_is_no_failure() -> None:
    bench = Bench(max_failures=1)
    workers = bench.run(1)
    bench.slots.want(0, bench.now)
    bench.exit(workers[0], 143)

    assert bench.slots.over is None
    assert [report["code"] for report in bench.reports("worker.stopped")] == [143]


# ---- stopping


def test_what_does_not_stop_in_time_is_killed_again_and_again_until_it_is_gone(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.slots.want(0, bench.now)
    assert bench.signals() == [(worker, STOP)]

    assert bench.lives.next_deadline() == bench.now + STOP_TIMEOUT_S
    bench.wait(STOP_TIMEOUT_S - 0.001)
    assert bench.signals() == []
    bench.wait(0.001)
    assert bench.signals() == [(worker, SIGKILL)]
    bench.wait(REPEAT_KILL_S)
    assert bench.signals() == [(worker, SIGKILL)]

    bench.exit(worker, None, "SIGKILL")
    assert bench.slots.next_deadline() is None


def test_what_a_stopped_worker_left_behind_gets_the_same_time_to_end(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.slots.want(0, bench.now)
    bench.exit(worker, 0)

    assert bench.take(EndOrphans) == [EndOrphans(worker, STOP, STOP_TIMEOUT_S)]


def test_nothing_is_left_only_when_orphans_are_gone_too(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.slots.want(0, bench.now)
    assert not bench.lives.empty
    bench.exit(worker, 0)
    assert not bench.lives.empty
    bench.lives.orphans_ended(worker)

    assert bench.lives.empty


def test_a_faulty_worker_gives_evidence_is_stopped_and_replaced(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.condemn(worker, "it is gone")
    assert bench.orders == [TakeEvidence(worker)]

    bench.lives.evidence(EvidenceTaken(bench.now, worker, Evidence(state="in a lock")))
    told, signal = bench.orders[1:]
    assert told == EmitEvent(WorkerFaulty(worker, 4711, 0, "registration", "it is gone", "state in a lock"))
    assert signal == SignalWorker(worker, STOP)
    assert bench.lives.next_deadline() == bench.now + STOP_TIMEOUT_S

    bench.exit(worker, 0)
    assert [order.slot for order in bench.take(SpawnWorker)] == [0]


def test_evidence_that_does_not_come_is_not_waited_for(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.condemn(worker)
    bench.wait(EVIDENCE_S)
    assert bench.signals() == [(worker, STOP)]

    bench.lives.evidence(EvidenceTaken(bench.now, worker, Evidence(state="too late")))
    assert bench.signals() == []


def test_a_fault_found_twice_or_in_a_worker_that_stops_is_no_news(bench: Bench) -> None:
    one, other = bench.run(2)
    bench.slots.want(1, bench.now)
    bench.orders.clear()
    bench.condemn(other)
    assert bench.orders == []

    bench.condemn(one)
    bench.condemn(one)
    assert bench.orders == [TakeEvidence(one)]


def test_only_a_worker_that_lives_here_is_killed(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.lives.kill("me-0-former")
    assert bench.signals() == []
    bench.lives.kill(worker)

    assert bench.signals() == [(worker, SIGKILL)]


def test_kill_all_kills_what_runs_what_stops_and_what_they_left(bench: Bench) -> None:
    runs, stops, left = bench.run(3)
    bench.slots.want(2, bench.now)
    bench.exit(left, 0)
    bench.condemn(stops)
    bench.orders.clear()
    bench.slots.kill_all(bench.now)

    assert {worker for worker, signum in bench.signals() if signum == SIGKILL} == {runs, stops}
    assert bench.take(EndOrphans) == [EndOrphans(left, SIGKILL, 0.0)]


def test_kill_all_leaves_no_time_to_what_starts_only_now(bench: Bench) -> None:
    bench.slots.want(1, bench.now)
    bench.slots.kill_all(bench.now)
    (worker,) = bench.spawn()

    assert (worker, SIGKILL) in bench.signals()


def test_kill_all_leaves_no_time_to_what_the_killed_left_behind(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.slots.kill_all(bench.now)
    bench.exit(worker, None, "SIGKILL")

    assert bench.take(EndOrphans) == [EndOrphans(worker, SIGKILL, 0.0)]


# ---- adoption


def adopt(bench: Bench, worker: str, slot: int, age_s: float = 100.0) -> None:
    bench.slots.adopt(WorkerFound(bench.now, worker, slot, 99, "then", age_s))


def test_an_adopted_worker_keeps_its_slot_and_the_rest_is_filled(bench: Bench) -> None:
    adopt(bench, "me-1-old", 1)
    bench.slots.want(3, bench.now)

    assert [order.slot for order in bench.take(SpawnWorker)] == [0, 2]
    assert bench.signals() == []
    assert [(told["worker"], told["pid"]) for told in bench.reports("worker.adopted")] == [("me-1-old", 99)]


def test_one_adopted_worker_too_many_in_a_slot_is_stopped(bench: Bench) -> None:
    adopt(bench, "me-0-old", 0)
    adopt(bench, "me-0-older", 0)
    adopt(bench, "me-0-oldest", 0)
    bench.slots.want(1, bench.now)

    assert [worker for worker, _ in bench.signals()] == ["me-0-older", "me-0-oldest"]


def test_an_adopted_worker_has_lived_as_long_as_it_has(bench: Bench) -> None:
    adopt(bench, "me-0-old", 0, age_s=100.0)
    bench.slots.want(1, bench.now)
    bench.now += 5
    bench.exit("me-0-old", None)

    (report,) = bench.reports("worker.exited")
    assert (report["uptime"], report["code"], report["signal"]) == (105.0, None, None)


def test_an_adopted_life_without_a_slot_is_stopped_once_the_share_is_known(bench: Bench) -> None:
    bench.slots.adopt(WorkerFound(bench.now, "me-7-surge", None, 99, "then", 1.0, 2, 7))
    assert bench.signals() == []

    bench.slots.want(1, bench.now)

    assert bench.signals() == [("me-7-surge", STOP)]


# ---- what ends for good


def finishing(restart: RestartPolicy, **fields: Any) -> tuple[Bench, str]:
    bench = Bench(restart=restart, **fields)
    (worker,) = bench.run(1)
    return bench, worker


@pytest.mark.parametrize(
    ("restart", "code", "signal", "state"),
    [
        (RestartPolicy.ON_FAILURE, 0, None, WorkerState.DONE),
        (RestartPolicy.ON_FAILURE, 3, None, WorkerState.DONE),
        (RestartPolicy.ON_FAILURE, None, "SIGUSR1", WorkerState.DONE),
        (RestartPolicy.ON_FAILURE, 1, None, WorkerState.STARTING),
        (RestartPolicy.ON_FAILURE, None, None, WorkerState.STARTING),
        (RestartPolicy.NEVER, 0, None, WorkerState.DONE),
        (RestartPolicy.NEVER, 1, None, WorkerState.FAILED),
        (RestartPolicy.NEVER, None, None, WorkerState.FAILED),
        (RestartPolicy.NEVER, None, "SIGKILL", WorkerState.FAILED),
        (RestartPolicy.ALWAYS, 0, None, WorkerState.STARTING),
    ],
)
def test_the_policy_and_the_end_decide_what_becomes_of_a_slot(
    restart: RestartPolicy, code: int | None, signal: str | None, state: WorkerState
) -> None:
    bench, worker = finishing(restart, ok_exit=frozenset({0, 3, "SIGUSR1"}))
    bench.exit(worker, code, signal)

    assert [slot.state for slot in bench.slots] == [state]
    finished = [state is WorkerState.FAILED] if state in {WorkerState.DONE, WorkerState.FAILED} else []
    assert [told["failed"] for told in bench.reports("worker.done")] == finished


@pytest.mark.parametrize("restart", [RestartPolicy.ON_FAILURE, RestartPolicy.NEVER])
def test_a_stop_that_was_asked_for_finishes_nothing(restart: RestartPolicy) -> None:
    bench, worker = finishing(restart)
    bench.slots.replace(0, 1, bench.now)
    bench.exit(worker, 1)

    assert len(bench.take(SpawnWorker)) == 1


def test_what_a_sense_condemned_did_not_end_well_whatever_its_exit_code() -> None:
    bench, worker = finishing(RestartPolicy.ON_FAILURE)
    bench.condemn(worker)
    bench.exit(worker, 0)

    assert len(bench.take(SpawnWorker)) == 1


def test_a_finished_slot_is_not_filled_again_by_scaling_down_and_up() -> None:
    bench, worker = finishing(RestartPolicy.ON_FAILURE)
    bench.exit(worker, 0)
    bench.slots.want(0, bench.now)
    bench.slots.want(2, bench.now)

    assert [order.slot for order in bench.take(SpawnWorker)] == [1]


def test_with_on_failure_a_slot_that_fails_too_often_is_failed_and_the_others_go_on() -> None:
    bench = Bench(restart=RestartPolicy.ON_FAILURE, max_failures=2)
    worker, _ = bench.run(2)
    bench.exit(worker)
    (worker,) = bench.spawn()
    bench.exit(worker)

    assert bench.slots.over is None
    assert [slot.state for slot in bench.slots] == [WorkerState.FAILED, WorkerState.RUNNING]
    assert [told["failed"] for told in bench.reports("worker.done")] == [True]


def test_a_replacement_is_told_how_often_and_why(bench: Bench) -> None:
    (worker,) = bench.run(1)
    told = []
    for code, signal in ((3, None), (None, "SIGKILL"), (None, None)):
        bench.exit(worker, code, signal)
        told += [(order.restarts, order.last_exit) for order in bench.orders if isinstance(order, SpawnWorker)]
        (worker,) = bench.spawn()

    assert told == [(1, "3"), (2, "SIGKILL"), (3, "")]


def test_the_pool_is_over_when_all_that_is_wanted_has_finished() -> None:
    bench = Bench(restart=RestartPolicy.ON_FAILURE)
    one, other = bench.run(2)
    bench.exit(one, 0)
    assert (bench.slots.finished, bench.slots.over) == ((1, 0), None)
    bench.exit(other, 0)

    assert (bench.slots.finished, bench.slots.over) == ((2, 0), Over(False, "all workers have ended well"))
    assert bench.take(KeepFinished) == [KeepFinished(0, False, 1), KeepFinished(1, False, 1)]


@pytest.mark.parametrize(
    ("exit_on", "codes", "failed"),
    [
        (ExitOn.NEVER, (0, 1), True),
        (ExitOn.NEVER, (1,), None),
        (ExitOn.ANY_FAILED, (0,), None),
        (ExitOn.ANY_FAILED, (1,), True),
        (ExitOn.ALL_FAILED, (1,), None),
        (ExitOn.ALL_FAILED, (1, 1), True),
        (ExitOn.ALL_FAILED, (0, 0), False),
        (ExitOn.FIRST_EXIT, (0,), False),
        (ExitOn.FIRST_EXIT, (1,), True),
    ],
)
def test_whose_end_is_enough_for_the_agent(exit_on: ExitOn, codes: tuple[int, ...], failed: bool | None) -> None:
    bench = Bench(restart=RestartPolicy.NEVER, exit_on=exit_on)
    for worker, code in zip(bench.run(2), codes, strict=False):
        bench.exit(worker, code)

    assert (bench.slots.over.failed if bench.slots.over else None) is failed


def test_with_always_a_slot_fails_by_its_failures_and_all_failed_waits_for_all() -> None:
    bench = Bench(max_failures=1, exit_on=ExitOn.ALL_FAILED)
    one, other = bench.run(2)
    bench.exit(one)
    assert bench.slots.over is None
    bench.exit(other)

    assert bench.slots.over == Over(True, "the worker in slot 0 failed: once, the last time with: exit code 1")


def test_what_was_finished_in_a_former_life_is_not_started_again() -> None:
    bench = Bench(restart=RestartPolicy.ON_FAILURE)
    bench.slots.restore(FinishedFound(bench.now, frozenset({0}), frozenset({2})))
    bench.slots.want(3, bench.now)
    (worker,) = bench.spawn()
    assert bench.life(worker).slot == 1
    bench.exit(worker, 0)

    assert bench.slots.finished == (2, 1)
    assert bench.slots.over == Over(True, "the worker in slot 2 failed: before this agent was started")


# ---- for rollouts


def test_a_replaced_slot_starts_the_other_revision_at_once_and_heals_nothing(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.slots.replace(0, 2, bench.now)
    assert bench.signals() == [(worker, STOP)]
    bench.exit(worker, None, "SIGTERM")
    (order,) = [order for order in bench.orders if isinstance(order, SpawnWorker)]
    bench.spawn()

    assert order.revision == 2
    assert [("heal_ms" in told, told["revision"]) for told in bench.reports("worker.started")] == [(False, 2)]


def test_a_slot_whose_number_a_surge_has_waits_for_its_end(bench: Bench) -> None:
    bench.run(1)
    bench.slots.reserve(1)
    bench.slots.want(2, bench.now)
    assert bench.take(SpawnWorker) == []
    bench.slots.release(1, bench.now)

    assert [order.slot for order in bench.take(SpawnWorker)] == [1]


def test_the_end_of_a_life_on_trial_counts_for_nothing_and_is_filled_when_that_has_been_decided(bench: Bench) -> None:
    (worker,) = bench.run(1)
    for _ in range(20):
        bench.slots.exited(ProcessExited(bench.now, worker, 1, None), on_trial=True)
        assert bench.take(SpawnWorker) == []
        bench.slots.fill_left(bench.now)
        (worker,) = bench.spawn()

    assert bench.reports("worker.backoff") == []


def test_a_start_that_fails_for_want_of_resources_waits_even_in_a_rollout(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.slots.replace(0, 2, bench.now)
    bench.exit(worker, None, "SIGTERM")
    (order,) = bench.take(SpawnWorker)
    bench.slots.spawn_failed(SpawnFailed(bench.now, order.worker, "too many processes", temporary=True))
    bench.slots.retry(0, 2, bench.now)
    assert bench.take(SpawnWorker) == []
    bench.wait(1)

    assert [order.revision for order in bench.take(SpawnWorker)] == [2]


def test_a_slot_heals_in_its_own_revision(bench: Bench) -> None:
    one, other = bench.run(2)
    bench.slots.replace(0, 2, bench.now)
    bench.exit(one, None, "SIGTERM")
    bench.exit(other)

    assert [(order.slot, order.revision) for order in bench.take(SpawnWorker)] == [(0, 2), (1, 1)]


def test_a_slot_that_waits_is_tried_at_once_when_it_is_replaced_or_backoff_is_reset(bench: Bench) -> None:
    (worker,) = bench.run(1)
    empty_the_bucket(bench, worker)
    bench.slots.replace(0, 2, bench.now)
    (worker,) = bench.spawn()
    empty_the_bucket(bench, worker)
    bench.slots.reset_backoff(bench.now)

    assert len(bench.take(SpawnWorker)) == 1


def test_what_a_worker_left_ends_before_its_replacement_starts(bench: Bench) -> None:
    """It may hold the port that the replacement needs, and a start that fails for that is nobody's failure."""
    first, _ = bench.run(2)

    bench.exit(first, left=True)

    assert bench.take(SpawnWorker) == []
    assert [order.worker for order in bench.take(EndOrphans)] == [first]
    bench.slots.orphans_ended(OrphansEnded(bench.now, first))
    assert [order.slot for order in bench.take(SpawnWorker)] == [0]


def test_what_cannot_be_ended_holds_no_slot_for_ever(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.exit(worker, left=True)

    bench.wait(ORPHANS_S + 0.01)

    assert len(bench.take(SpawnWorker)) == 1
    bench.slots.orphans_ended(OrphansEnded(bench.now, worker))
    assert bench.take(SpawnWorker) == []


def test_a_slot_that_is_gone_waits_for_nothing(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.exit(worker, left=True)
    bench.slots.want(0, bench.now)

    bench.slots.orphans_ended(OrphansEnded(bench.now, worker))

    assert bench.take(SpawnWorker) == []
    assert bench.lives.empty
