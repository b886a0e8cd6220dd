"""Which revision a run goes on with, and what becomes of one that is tried."""

from __future__ import annotations

from typing import cast

import msgspec
import pytest

from autohealer.core.operations import Answer, Operation
from autohealer.core.rollout_spec import RolloutOrder
from autohealer.errors import UsageError
from autohealer.processes.launch.spawn import Spawner
from autohealer.processes.launch.spec import LaunchSpec, Revision
from autohealer.runtime.revisions import Launch, Revisions, record_for, unfinished

OLD = LaunchSpec(command=("sleep", "60"), env={}, cwd="/", output="file")
NEW = msgspec.structs.replace(OLD, command=("sleep", "61"))
THIRD = msgspec.structs.replace(OLD, env={"LEVEL": "debug"})


def prepare(spec: LaunchSpec) -> Launch:
    if spec.command[0] != "sleep":
        raise UsageError("command not found", "look for it")
    return Launch(cast(Spawner, spec), spec.cwd, spec.port_base, None, {})


def revisions(spec: LaunchSpec = OLD) -> Revisions:
    return Revisions(record_for(None, spec), prepare, prepare(spec))


def tried(of: Revisions, spec: LaunchSpec, *, done: bool) -> Revision:
    revision = of.begin(spec, verb="update", operation="op", by="ann@web1")
    of.settle(revision.number, present=done)
    return revision


def test_the_hash_tells_specs_apart_and_nothing_else() -> None:
    same = LaunchSpec(command=("sleep", "60"), env={}, cwd="/", output="file")

    assert same.hash == OLD.hash
    assert len({spec.hash for spec in (OLD, NEW, THIRD)}) == 3
    swapped = [msgspec.structs.replace(OLD, env=env) for env in ({"A": "1", "B": "2"}, {"B": "2", "A": "1"})]
    assert swapped[0].hash == swapped[1].hash


def test_an_update_becomes_present_and_outlives_the_agent_where_run_asks_for_the_same_as_before() -> None:
    here = revisions()
    assert tried(here, NEW, done=True) == here.present == Revision(2, NEW)
    assert here.former == Revision(1, OLD)

    assert record_for(here.record, OLD) == here.record


def test_no_revision_gets_the_number_of_workers_that_live() -> None:
    """Of which a ledger that was lost told."""
    here = revisions()
    here.found(4)
    here.found(2)

    assert here.begin(NEW, verb="update", operation="op", by="ann").number == 5


def test_a_run_that_differs_is_another_revision_and_one_that_asks_for_what_is_present_is_none() -> None:
    here = revisions()
    tried(here, NEW, done=True)

    differs = record_for(here.record, THIRD)
    assert (differs.present, differs.former) == (Revision(3, THIRD), Revision(2, NEW))
    assert record_for(here.record, NEW).present == Revision(2, NEW)


def test_a_revision_that_was_undone_leaves_nothing_but_its_number() -> None:
    here = revisions()
    tried(here, NEW, done=False)

    assert (here.present, here.former, here.record.highest) == (Revision(1, OLD), None, 2)
    assert tried(here, NEW, done=True).number == 3


def test_a_restart_has_a_number_of_its_own_and_undo_still_goes_to_another_spec() -> None:
    here = revisions()
    tried(here, NEW, done=True)
    tried(here, NEW, done=True)

    assert here.present == Revision(3, NEW)
    assert here.former == Revision(1, OLD)


def test_while_it_is_tried_both_can_be_started() -> None:
    here = revisions()
    revision = here.begin(NEW, verb="update", operation="op", by="ann")

    assert here.launch(revision.number) == prepare(NEW)
    assert here.launch(1) == prepare(OLD)
    assert here.record.trial is not None


def test_what_cannot_be_run_is_not_tried() -> None:
    here = revisions()
    before = here.record
    with pytest.raises(UsageError):
        here.begin(msgspec.structs.replace(OLD, command=("nonsense",)), verb="update", operation="op", by="ann")

    assert here.record == before


def ask(
    of: Revisions, verb: str = "restart", *, by_id: str = "op", request: str | None = None
) -> RolloutOrder | Answer:
    return of.order(Operation(by_id, verb, request=request))


def test_one_rollout_at_a_time() -> None:
    here = revisions()
    assert isinstance(ask(here), RolloutOrder)

    refused = ask(here, by_id="other")
    assert isinstance(refused, Answer)
    assert "a rollout is under way: restart by somebody" in refused.detail


def test_a_restart_by_request_goes_on_after_the_agents_end_with_the_number_that_it_had() -> None:
    here = revisions()
    first = ask(here, request="request-1")
    again = Revisions(here.record, prepare, prepare(OLD))
    second = ask(again, request="request-1")

    assert isinstance(first, RolloutOrder)
    assert isinstance(second, RolloutOrder)
    assert first.spec == second.spec
    assert unfinished(here.record) is None


def test_a_restart_whose_request_is_gone_keeps_nothing_from_being_begun() -> None:
    here = revisions()
    ask(here, request="request-1")
    again = Revisions(here.record, prepare, prepare(OLD))

    assert isinstance(ask(again, by_id="other"), RolloutOrder)


@pytest.mark.parametrize("verb", ["restart", "undo"])
def test_what_was_not_finished_is_undone_and_holds_back_others_meanwhile(verb: str) -> None:
    here = revisions()
    tried(here, NEW, done=True)
    ask(here, verb)
    order = unfinished(here.record)
    again = Revisions(here.record, prepare, prepare(NEW))

    assert order is not None
    assert (order.spec.old, order.spec.new, order.spec.reversible) == (2, 3, verb == "undo")
    assert not order.by_turns
    assert isinstance(ask(again, by_id="other"), Answer)
    again.settle(3, present=False)
    assert isinstance(ask(again, by_id="other"), RolloutOrder)


def test_without_a_former_revision_there_is_nothing_to_undo() -> None:
    assert isinstance(ask(revisions(), "undo"), Answer)


def test_a_port_is_base_and_number() -> None:
    assert prepare(msgspec.structs.replace(OLD, port_base=8000)).port(3) == 8003
    assert prepare(OLD).port(3) is None
