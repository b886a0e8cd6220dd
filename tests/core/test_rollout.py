"""The rollout machine alone, on virtual time: what it orders, and what must hold whatever workers do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from autohealer.core.model import part
from autohealer.core.pool.rollout import RolloutOutcome
from autohealer.core.rollout_spec import RolloutSpec, parallel_of
from tests.core.rollout_world import START_TIMEOUT_S, Nature, World

GOOD, DIES, NEVER_READY = Nature(), Nature(dies_in_s=0.5), Nature(ready_in_s=None)
UPDATE = RolloutSpec("update", "id", "ann@web1", old=3, new=4, soak_s=10.0, reversible=True)
RESTART = RolloutSpec("restart", "id", "ann@web1", old=3, new=4, lenient=True)


def world(spec: RolloutSpec, share: int = 4, new: Nature = GOOD, old: Nature = GOOD, **more: object) -> World:
    return World(spec, share, {spec.new: new, spec.old: old} if spec.new != spec.old else {spec.new: new}, **more)  # type: ignore[arg-type]  # passed on as they are


def revisions(world: World) -> list[int | None]:
    return [life.revision if life else None for _, life in sorted(world.slots().items())]


@pytest.mark.parametrize("spec", [UPDATE, RESTART])
@pytest.mark.parametrize("room", [1000, 1, 0])
@pytest.mark.parametrize("parallel", [1, 3, 0.5])
def test_a_good_revision_is_everywhere_in_the_end(spec: RolloutSpec, room: int, parallel: int | float) -> None:
    fleet = world(replace(spec, parallel=parallel), share=5, most_surges=room)
    rollout = fleet.run()

    assert rollout.outcome is RolloutOutcome.DONE
    assert revisions(fleet) == [4] * 5
    assert fleet.surges() == {}
    assert fleet.most_exposed <= part(parallel, 5)
    assert (rollout.exchanged, rollout.of, rollout.left) == (5, 5, 0)


@pytest.mark.parametrize("bad", [DIES, NEVER_READY, Nature(dies_in_s=7.0)])
@pytest.mark.parametrize("parallel", [1, 3])
def test_a_bad_release_costs_no_good_worker(bad: Nature, parallel: int) -> None:
    fleet = world(replace(UPDATE, parallel=parallel), new=bad)
    before = fleet.slots()
    rollout = fleet.run()

    assert rollout.outcome is RolloutOutcome.UNDONE
    assert rollout.reason
    assert fleet.slots() == before
    assert fleet.most_seen_surges == 1, "the first is alone"


def test_without_room_for_a_surge_one_slot_is_exposed_and_goes_back() -> None:
    fleet = world(UPDATE, new=DIES, most_surges=0)
    before = fleet.slots()
    rollout = fleet.run()

    assert rollout.outcome is RolloutOutcome.UNDONE
    assert revisions(fleet) == [3] * 4
    assert dict(list(fleet.slots().items())[1:]) == dict(list(before.items())[1:])


def test_the_first_is_alone_until_it_has_soaked_and_the_last_soaks_too() -> None:
    fleet = world(replace(UPDATE, parallel=2), share=6)
    begun = fleet.now
    rollout = fleet.begin()
    fleet.until(begun + 11.9)
    assert (fleet.most_seen_surges, fleet.exchanges) == (1, 0)
    fleet.run()

    assert fleet.most_seen_surges == 2
    assert rollout.outcome is RolloutOutcome.DONE
    assert fleet.now - begun >= 22.0


def test_a_revision_that_is_bad_only_beyond_the_first_goes_back_in_the_same_way() -> None:
    fleet = world(replace(UPDATE, soak_s=1.0), share=6)
    rollout = fleet.begin()
    while rollout.exchanged < 2:
        fleet.until(fleet.next_moment())
    fleet.natures = {**fleet.natures, 4: DIES}
    fleet.run()

    assert rollout.outcome is RolloutOutcome.UNDONE
    assert "ended 3 times" in rollout.reason
    assert {step.of for step in rollout.steps} == {6}
    assert revisions(fleet) == [3] * 6
    assert fleet.surges() == {}


def test_a_restart_that_fails_has_nothing_to_go_back_to() -> None:
    fleet = world(RESTART, share=4)
    rollout = fleet.begin()
    while rollout.exchanged < 2:
        fleet.until(fleet.next_moment())
    fleet.natures = {**fleet.natures, 4: DIES}
    fleet.run()

    assert rollout.outcome is RolloutOutcome.UNDONE
    assert revisions(fleet)[:2] == [4, 4]
    assert revisions(fleet)[3] == 3


def test_in_a_restart_a_life_that_was_ready_once_counts_as_exchanged() -> None:
    fleet = world(replace(RESTART, soak_s=10.0), new=Nature(dies_in_s=4.0))

    assert fleet.run().outcome is RolloutOutcome.DONE


def test_forced_it_goes_on_past_failures_and_says_what_lacks() -> None:
    fleet = world(replace(UPDATE, force=True), new=NEVER_READY, share=2)
    rollout = fleet.run()

    assert rollout.outcome is RolloutOutcome.DONE
    assert rollout.reason == "2 of 2 workers of the new revision are not ready"


def test_a_pool_that_is_sick_is_cured_by_a_good_revision() -> None:
    fleet = world(UPDATE, old=DIES)

    assert fleet.run().outcome is RolloutOutcome.DONE
    assert revisions(fleet) == [4] * 4


def test_what_somebody_had_killed_is_no_failure() -> None:
    fleet = world(replace(UPDATE, soak_s=30.0), share=1)
    rollout = fleet.begin()
    for _ in range(5):
        fleet.until(fleet.now + 4)
        (surge,) = fleet.all_lives()[1:]
        surge.was_asked, surge.dies_at = True, fleet.now
    fleet.run()

    assert rollout.outcome is RolloutOutcome.DONE


def test_what_somebody_has_ended_is_not_judged_while_it_stops() -> None:
    fleet = world(UPDATE, share=1)
    rollout = fleet.begin()
    fleet.until(fleet.now + 4)
    (surge,) = fleet.all_lives()[1:]
    assert surge.first_ready is not None
    surge.is_stopping = surge.was_asked = True
    surge.gone_at = surge.first_ready + UPDATE.soak_s + START_TIMEOUT_S + 1.0
    fleet.run()

    assert rollout.outcome is RolloutOutcome.DONE, rollout.reason


def test_one_worker_alone_is_exchanged_with_a_surge_in_its_place() -> None:
    spec = replace(RESTART, old=3, new=3, worker="w2")
    fleet = world(spec)
    before = fleet.slots()
    rollout = fleet.run()
    after = fleet.slots()

    assert rollout.outcome is RolloutOutcome.DONE
    assert [number for number in after if after[number] is not before[number]] == [1]


def test_one_worker_that_is_gone_needs_no_exchange() -> None:
    fleet = world(replace(RESTART, new=3, worker="w77"))

    assert fleet.run().outcome is RolloutOutcome.DONE
    assert fleet.exchanges == 0


def test_what_an_agent_exchanged_before_it_was_killed_is_not_exchanged_again() -> None:
    fleet = world(RESTART)
    life = fleet.lives[0]
    assert life is not None
    life.revision = 4
    rollout = fleet.run()

    assert rollout.outcome is RolloutOutcome.DONE
    assert fleet.lives[0] is life
    assert revisions(fleet) == [4] * 4


def test_who_is_ready_at_once_must_have_lived_for_a_while_too() -> None:
    spec = replace(RESTART, parallel=1)
    fleet = world(spec, new=Nature(ready_in_s=0.1, dies_in_s=0.5), alive_s=2.0)
    before = fleet.slots()

    assert fleet.run().outcome is RolloutOutcome.UNDONE
    assert fleet.slots() == before


def test_an_agent_that_comes_back_in_the_middle_goes_back() -> None:
    fleet = world(UPDATE)
    for number in (0, 2):
        life = fleet.lives[number]
        assert life is not None
        life.revision = 4
    rollout = fleet.begin(undo_because="the agent was ended in the middle of it")
    fleet.run()

    assert rollout.outcome is RolloutOutcome.UNDONE
    assert rollout.reason == "the agent was ended in the middle of it"
    assert revisions(fleet) == [3] * 4
    assert fleet.exchanges == 2


def test_a_soak_ends_at_its_deadline_whatever_the_rounding() -> None:
    """15.419810589453535 + 1.0 is called for, and less than 1.0 after 15.419810589453535."""
    spec = replace(UPDATE, soak_s=1.0, parallel=2, lenient=True)

    assert world(spec, share=2, new=Nature(ready_in_s=1.4732701964845116)).run().outcome is RolloutOutcome.DONE


@pytest.mark.parametrize("share", [1, 3])
def test_a_change_of_share_ends_a_surge_once_it_stands_for_nobody(share: int) -> None:
    fleet = world(replace(UPDATE, soak_s=0.0), share=2)
    rollout = fleet.begin()
    while not fleet.exchanges:
        fleet.until(fleet.next_moment())
    fleet.shares = [(fleet.now, share)]
    before = fleet.now
    while rollout.outcome is None:
        fleet.until(fleet.next_moment())
        growing = [life for life in fleet.all_lives() if life.number == 2 and life.since > before]
        ready = sum(life.serves for life in fleet.all_lives() if life not in growing)
        assert ready >= min(share, 2)

    assert rollout.outcome is RolloutOutcome.DONE
    assert revisions(fleet) == [4] * share


@pytest.mark.parametrize(("spec", "outcome"), [(UPDATE, RolloutOutcome.UNDONE), (RESTART, RolloutOutcome.DONE)])
def test_an_agent_that_is_to_run_nothing_ends_its_rollout(spec: RolloutSpec, outcome: RolloutOutcome) -> None:
    fleet = world(spec, shares=[(5.0, 0)])

    assert fleet.run().outcome is outcome
    assert fleet.surges() == {}


def test_while_the_share_is_not_known_nothing_is_ordered() -> None:
    fleet = world(UPDATE)
    fleet.share = None
    rollout = fleet.begin()

    assert rollout.outcome is None
    assert fleet.surges() == {}


def test_a_part_is_of_the_share_and_at_least_one() -> None:
    assert [part(parallel_of("10%"), share) for share in (1, 9, 10, 25, 100)] == [1, 1, 1, 2, 10]
    assert part(parallel_of("3"), 100) == 3
    for text in ("", "0", "-1", "x", "3.5", "10 %", "0%"):
        with pytest.raises(ValueError, match="neither"):
            parallel_of(text)


natures = st.builds(
    Nature,
    ready_in_s=st.one_of(st.none(), st.floats(0, 80)),
    dies_in_s=st.one_of(st.none(), st.floats(0.1, 40)),
    death_chance=st.sampled_from([0.0, 0.3, 0.9]),
    flap_chance=st.sampled_from([0.0, 0.5]),
    faulty_chance=st.sampled_from([0.0, 0.3]),
)
specs = st.builds(
    RolloutSpec,
    verb=st.just("any"),
    id=st.just("id"),
    by=st.just("ann"),
    old=st.just(3),
    new=st.just(4),
    soak_s=st.sampled_from([0.0, 1.0, 10.0]),
    parallel=st.integers(1, 4) | st.integers(1, 100).map(lambda percent: percent / 100),
    force=st.booleans(),
    reversible=st.booleans(),
    lenient=st.booleans(),
    worker=st.sampled_from([None, None, "w1"]),
)


worlds = st.fixed_dictionaries(
    {
        "spec": specs,
        "share": st.integers(1, 8),
        "natures": st.fixed_dictionaries({3: natures, 4: natures}),
        "most_surges": st.sampled_from([1000, 1000, 2, 1, 0]),
        "seed": st.integers(0, 2**32),
        "shares": st.lists(st.tuples(st.floats(0, 60), st.integers(1, 10)), max_size=2).map(sorted),
        "kills": st.lists(st.floats(0, 60), max_size=3).map(sorted),
    }
)


@settings(deadline=None, max_examples=300)
@given(worlds)
def test_it_ends_with_never_fewer_ready_and_never_more_exposed(of: dict[str, Any]) -> None:
    spec = of["spec"]
    fleet = World(**of)
    rollout = fleet.run()  # the world holds each order to what may be ordered then

    assert rollout.outcome is not None
    assert rollout.left == 0
    assert rollout.reason or rollout.outcome is RolloutOutcome.DONE
    if rollout.outcome is RolloutOutcome.DONE and spec.worker is None and not rollout.reason:
        assert all(revision in (4, None) for revision in revisions(fleet))
    if rollout.outcome is RolloutOutcome.UNDONE and spec.reversible:
        assert all(revision in (3, None) for revision in revisions(fleet))


@settings(deadline=None, max_examples=100)
@given(share=st.integers(1, 12), parallel=st.integers(1, 5), soak_s=st.sampled_from([0.0, 5.0]), seed=st.integers(0))
def test_good_workers_make_a_rollout_that_never_has_fewer_ready(
    share: int, parallel: int, soak_s: float, seed: int
) -> None:
    spec = replace(UPDATE, parallel=parallel, soak_s=soak_s)
    fleet = world(spec, share=share, seed=seed)
    rollout = fleet.begin()
    while rollout.outcome is None:
        ready = sum(life.serves for life in fleet.all_lives())
        assert ready >= share
        fleet.until(fleet.next_moment())

    assert rollout.outcome is RolloutOutcome.DONE
