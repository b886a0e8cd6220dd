"""Verdicts are held because somebody asked for it, and carried out once nobody does any more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autohealer.core import events
from autohealer.core.actions import AnswerOperation, TakeEvidence, WriteHold
from autohealer.core.model import Sense
from autohealer.core.operations import Operation, check
from autohealer.core.pool.brake import ALL, held_after
from tests.core.clinic import PROBE, Clinic

SENSES = st.sampled_from(sorted(Sense))
HELD = st.frozensets(SENSES) | st.just(frozenset({ALL}))


@given(HELD, SENSES)
def test_holding_and_releasing_one_sense(held: frozenset[str], sense: str) -> None:
    """It changes nothing for the others."""
    after, before = held_after(held, sense, release=False), held_after(held, sense, release=True)
    all_but = frozenset(Sense) - {sense}

    assert sense in after or ALL in after
    assert sense not in before
    assert ALL not in before
    assert (frozenset(Sense) if ALL in held else held) & all_but == before
    assert (frozenset(Sense) if ALL in after else after) & all_but == before


@given(HELD, st.sampled_from(["", ALL]))
def test_all_of_them(held: frozenset[str], subject: str) -> None:
    """Whatever was held."""
    assert held_after(held, subject, release=False) == {ALL}
    assert held_after(held, subject, release=True) == frozenset()


def ask(book: Clinic, verb: str, sense: str = "") -> str:
    """Somebody asks; the answer."""
    book.tell(events.OperationRequested, Operation(f"{verb}-{book.now}", verb, sense, "kim@host"))
    (answer,) = book.take(AnswerOperation)
    return answer.answer.detail


def test_a_verdict_is_held_and_carried_out_after_release() -> None:
    """On what is seen after it; a worker that recovers in between is left alone."""
    book = Clinic(2, probes=(PROBE,), probe_failures=1)
    for worker in book.workers:
        book.probe(worker, ok=True)
    sick, recovering = book.workers
    assert ask(book, "hold", "probe") == "held: probe"
    assert [(order.senses, order.by) for order in book.take(WriteHold)] == [(frozenset({"probe"}), "kim@host")]
    for worker in book.workers:
        book.probe(worker, ok=False)

    assert book.faults() == []
    assert [book.view(worker).held for worker in book.workers] == ["probe", "probe"]
    book.probe(recovering, ok=True)
    assert ask(book, "release") == "nothing is held"
    book.wait(10.0)
    book.probe(sick, ok=False)
    assert book.faults() == [(sick, "probe")]
    assert book.view(recovering).held is None


def test_what_another_agent_wrote_holds_here() -> None:
    """Pool-wide; and what is not held is carried out."""
    book = Clinic(1, probes=(PROBE,), probe_failures=1, beat_timeout_s=5.0)
    (worker,) = book.workers
    book.probe(worker, ok=True)
    book.tell(events.HoldRead, frozenset({"probe"}))
    book.probe(worker, ok=False)
    assert book.take(TakeEvidence) == []
    book.wait(5.0)

    assert book.faults() == [(worker, "beat")]


def test_without_zookeeper_it_holds_here_and_says_so() -> None:
    """It is written when ZooKeeper is back."""
    book = Clinic(1, probes=(PROBE,))
    book.tell(events.ConnectionSuspended)

    assert ask(book, "hold") == "held: all; it is written when ZooKeeper is back"
    assert [order.senses for order in book.take(WriteHold)] == [frozenset({ALL})]


def test_what_is_no_sense_is_refused() -> None:
    """With the names of all."""
    refused = check(Operation("1", "hold", "nonsense"))

    assert refused is not None
    assert refused.detail.startswith("there is no sense 'nonsense'; there are registration, probe,")
    assert check(Operation("1", "release", "probe")) is None
