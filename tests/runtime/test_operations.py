"""Requests for rollouts of the whole pool that wait for another rollout of this agent."""

from __future__ import annotations

from typing import Any

from autohealer.core.events import Event, OperationRequested, PoolRequestStands, RolloutRequested
from autohealer.core.operations import Operation, done
from autohealer.runtime.operations import FormerLife, OperationCallbacks, Operations
from tests.runtime.test_revisions import NEW, revisions


def ignore(*_: Any) -> None:
    """Nobody wants to hear of it."""


def test_a_request_that_cannot_be_begun_keeps_the_next_one_from_nothing() -> None:
    """An update is under way that fails, an undo waits and after it a restart; there is nothing to go back to."""
    posted: list[Event] = []
    here = revisions()
    callbacks = OperationCallbacks(
        post=posted.append,
        forward=ignore,
        tell=ignore,
        delete=ignore,
        follow=ignore,  # type: ignore[arg-type]  # nothing is asked of others
        leave=done,
        reload=ignore,
    )
    operations = Operations("me", ignore, here, FormerLife(False, None), callbacks, file=None)  # type: ignore[arg-type]  # nobody asks here
    trial = here.begin(NEW, verb="update", operation="op", by="ann@web1")
    for verb in ("undo", "restart"):
        operation = Operation(verb, verb, request=f"r-{verb}")
        operations.heard(OperationRequested(0.0, operation))
    here.settle(trial.number, present=False)
    operations.settled()

    assert [(each.request, each.outcome) for each in posted if isinstance(each, PoolRequestStands)] == [
        ("r-undo", None),
        ("r-restart", None),
        ("r-undo", "undone"),
    ]
    assert [each.order.name for each in posted if isinstance(each, RolloutRequested)] == ["r-restart"]
