"""The life of a worker, as a table."""

from __future__ import annotations

import itertools

import pytest

from autohealer.core.pool.lifecycle import TRANSITIONS, Trigger, WorkerState, advance

ALIVE = [WorkerState.STARTING, WorkerState.STANDBY, WorkerState.RUNNING, WorkerState.STOPPING]
EVERY_PAIR = list(itertools.product(WorkerState, Trigger))


@pytest.mark.parametrize(("state", "trigger"), EVERY_PAIR)
def test_every_trigger_leads_to_a_legal_state_or_is_refused_by_name(state: WorkerState, trigger: Trigger) -> None:
    if (state, trigger) in TRANSITIONS:
        assert advance(state, trigger) is TRANSITIONS[state, trigger]
    else:
        with pytest.raises(ValueError, match=f"a worker that is {state} cannot {trigger}"):
            advance(state, trigger)


@pytest.mark.parametrize(
    "state", [WorkerState.STARTING, WorkerState.STANDBY, WorkerState.RUNNING, WorkerState.STOPPING]
)
def test_an_exit_ends_every_life(state: WorkerState) -> None:
    assert advance(state, Trigger.EXIT) is WorkerState.GONE


@pytest.mark.parametrize(
    "state", [WorkerState.STARTING, WorkerState.STANDBY, WorkerState.RUNNING, WorkerState.STOPPING]
)
def test_nothing_is_spawned_where_a_worker_still_lives(state: WorkerState) -> None:
    assert (state, Trigger.SPAWN) not in TRANSITIONS


def test_every_state_can_be_reached_and_all_but_the_finished_be_left() -> None:
    finished = {WorkerState.DONE, WorkerState.FAILED}
    assert set(WorkerState) == set(TRANSITIONS.values()) == {state for state, _ in TRANSITIONS} | finished


def test_a_worker_that_is_being_stopped_can_only_end() -> None:
    assert [trigger for state, trigger in TRANSITIONS if state is WorkerState.STOPPING] == [Trigger.EXIT]
