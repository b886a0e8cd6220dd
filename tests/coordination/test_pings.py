"""When a client pings: at the same moments as others, and never later than it would by itself."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from autohealer.coordination.session.client import wait_in_step


def ping_times(session_timeout_s: float, began: float, dice: random.Random) -> list[float]:
    """When a client that is connected at ``began`` pings; how long it may wait it works out as kazoo does."""
    sent_at = began
    times: list[float] = []
    while len(times) < 12:
        now = sent_at + dice.uniform(0, 0.004)  # the answer has come
        jitter_s = dice.randint(1, 40) / 100
        wait_s = max(sent_at + session_timeout_s / 3 - jitter_s - now, jitter_s)
        now += wait_in_step(now, wait_s, sent_at, session_timeout_s) + dice.uniform(0, 0.001)
        times.append(now)
        sent_at = now
    return times


def test_clients_of_one_machine_ping_together() -> None:
    """Whenever they have begun, soon all pings fall into the same few moments of a period."""
    dice = random.Random(7)
    pings = [ping_times(6.0, dice.uniform(100, 103), dice)[-4:] for _ in range(20)]
    moments = {round(at % 2.0, 2) % 2.0 for times in pings for at in times}

    assert moments <= {0.0, 0.5, 1.0, 1.5}


@pytest.mark.parametrize("session_timeout_s", [0.4, 2.0, 6.0, 60.0])
def test_no_ping_comes_later_than_it_may_without(session_timeout_s: float) -> None:
    """A third of a session timeout after the last one, or kazoo's own pause where the session is that short."""
    dice = random.Random(11)
    for _ in range(50):
        began = dice.uniform(100, 200)
        times = [began, *ping_times(session_timeout_s, began, dice)]
        pauses = [later - former for former, later in pairwise(times)]

        assert max(pauses) <= max(session_timeout_s / 3, 0.4) + 0.006


def test_before_the_first_answer_nothing_is_changed() -> None:
    """What the server grants is not known yet."""
    assert wait_in_step(100.0, 1.5, 99.0, 0.0) == 1.5
