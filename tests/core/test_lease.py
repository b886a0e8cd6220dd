"""Lease counts from the sending of what was answered, and ends before any server can end the session."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autohealer.core.cluster.lease import KILL_AFTER, REQUEST_AFTER, STOP_AFTER, Lease

TIMEOUTS = st.floats(0.4, 60)
MOMENTS = st.floats(0, 1e6)


def test_without_an_answer_there_is_none() -> None:
    authority = Lease()
    authority.granted(6)
    authority.asked(10)

    assert not authority.holds(10)
    assert authority.stop_at is authority.kill_at is None


@given(TIMEOUTS, st.lists(MOMENTS, min_size=1), st.data())
def test_it_counts_from_the_latest_sending_in_whatever_order_answers_come(
    timeout: float, sent: list[float], data: st.DataObject
) -> None:
    authority = Lease()
    authority.granted(timeout)
    for at in sorted(sent):
        authority.asked(at)
    answered = data.draw(st.lists(st.sampled_from(sent), min_size=1))
    for at in answered:
        moments = authority.answered(at)

    assert authority.stop_at == max(answered) + timeout * STOP_AFTER
    assert authority.kill_at == max(answered) + timeout * KILL_AFTER
    assert moments == (authority.stop_at, authority.kill_at)


@given(TIMEOUTS, MOMENTS)
def test_the_order_of_what_happens(timeout: float, sent: float) -> None:
    authority = Lease()
    authority.granted(timeout)
    authority.asked(sent)
    authority.answered(sent)

    ask_at, stop_at, kill_at = authority.ask_at(), authority.stop_at, authority.kill_at
    assert ask_at is not None
    assert stop_at is not None
    assert kill_at is not None
    assert sent < ask_at < stop_at < kill_at < sent + timeout
    assert authority.holds(sent)
    assert not authority.holds(stop_at)
    # A third of the timeout may pass in silence: a request and its answer may be lost, and the next two be slow.
    assert stop_at - ask_at > timeout / 3


@given(TIMEOUTS, st.lists(st.floats(0, 0.45), min_size=1, max_size=50))
def test_it_never_lapses_while_every_request_is_answered_within_less_than_half(
    timeout: float, delays: list[float]
) -> None:
    authority = Lease()
    authority.granted(timeout)
    now = 0.0
    authority.asked(now)
    authority.answered(now)
    answers: list[tuple[float, float]] = []
    for delay in delays:
        asked_at = authority.ask_at()
        assert asked_at is not None
        for arrives, sent in sorted(answers):
            if arrives <= asked_at:
                authority.answered(sent)
        authority.asked(asked_at)
        answers.append((asked_at + delay * timeout, asked_at))
        assert authority.holds(asked_at)


def test_the_next_request_does_not_wait_for_the_last_ones_answer() -> None:
    authority = Lease()
    assert authority.ask_at() is None
    authority.granted(6)
    authority.asked(10)

    assert authority.ask_at() == 10 + 6 * REQUEST_AFTER


def test_with_its_session_everything_ends() -> None:
    authority = Lease()
    authority.granted(6)
    authority.asked(10)
    authority.answered(10)
    authority.ended()

    assert not authority.holds(10)
    assert authority.ask_at() is None
