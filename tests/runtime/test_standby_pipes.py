"""The pipes of spares: told once, or left when we are gone."""

from __future__ import annotations

import os

import pytest

from autohealer.runtime.standby_pipes import StandbyPipes


def test_a_promotion_is_one_line_with_the_slot_and_then_the_end() -> None:
    """Nothing else is ever said there."""
    pipes = StandbyPipes()
    reading = pipes.open("spare")
    pipes.promote("spare", 7)

    with os.fdopen(reading) as spare:
        assert spare.read() == "7\n"
    with pytest.raises(BrokenPipeError):
        pipes.promote("spare", 8)


def test_a_spare_that_has_gone_cannot_be_promoted() -> None:
    """Its end of the pipe is closed."""
    pipes = StandbyPipes()
    os.close(pipes.open("spare"))

    with pytest.raises(BrokenPipeError):
        pipes.promote("spare", 0)


def test_a_pipe_that_is_closed_says_nothing() -> None:
    """The spare reads its end, and leaves. Workers that are no spares have none."""
    pipes = StandbyPipes()
    reading = pipes.open("spare")
    pipes.close("spare")
    pipes.close("no spare")

    with os.fdopen(reading) as spare:
        assert spare.read() == ""
