"""What of an operation makes no sense whatever the pool is like."""

from __future__ import annotations

import math

import pytest

from autohealer.core.model import MOST_WORKERS
from autohealer.core.operations import MEANINGLESS, MOST_TEXT, Operation, Options, Outcome, check


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        (Operation("1", "dance"), "there is no verb 'dance'"),
        (Operation("", "stop"), "an operation needs an id"),
        (Operation("a\nb", "stop"), "an operation needs an id"),
        (Operation("1", "restart", "x" * (MOST_TEXT + 1)), "the subject is too long, or holds what cannot be printed"),
        (Operation("1", "restart", "a\0b"), "the subject is too long, or holds what cannot be printed"),
        (Operation("1", "scale", "-1"), "'-1' is not a number of workers from 0 to"),
        (Operation("1", "scale", str(MOST_WORKERS + 1)), f"'{MOST_WORKERS + 1}' is not a number of workers"),
        (Operation("1", "kill", "nobody"), "'nobody' is not the id of a worker"),
        (Operation("1", "drain"), "no agent is named"),
        (Operation("1", "hold", "smell"), "there is no sense 'smell'; there are "),
        (Operation("1", "stop", "web"), "stop is about the pool as a whole"),
        (Operation("1", "restart", options=Options(soak=-1.0)), "soak is not a number of seconds"),
        (Operation("1", "restart", options=Options(soak=math.inf)), "soak is not a number of seconds"),
        (Operation("1", "restart", options=Options(parallel="0")), "parallel is neither a number of workers nor"),
        (Operation("1", "update"), "an update needs a command, and nothing else has one"),
        (Operation("1", "restart", options=Options(command=("a",))), "an update needs a command, and nothing else has"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_is_wrong_with_it(operation: Operation, problem: str) -> None:
    answer = check(operation)

    assert answer is not None
    assert (answer.outcome, answer.code) == (Outcome.REFUSED, MEANINGLESS)
    assert answer.detail.startswith(problem)


@pytest.mark.parametrize(
    "operation",
    [
        Operation("1", "scale", str(MOST_WORKERS)),
        Operation("1", "kill", "me-0-n1"),
        Operation("1", "drain", "me"),
        Operation("1", "hold", "all"),
        Operation("1", "hold", "probe"),
        Operation("1", "release"),
        Operation("1", "restart", options=Options(soak=0.0, parallel="25%")),
        Operation("1", "update", options=Options(command=("a", "b"))),
    ],
)
def test_what_makes_sense_is_left_to_the_pool(operation: Operation) -> None:
    assert check(operation) is None
