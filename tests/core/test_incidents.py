"""The one story of each death, verdict and failed start, from what opened it to its heal."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from autohealer.core import events
from autohealer.core.actions import RecordIncident
from autohealer.core.incident import Exit, Incident, IncidentKind, IncidentOutcome
from autohealer.core.model import RestartPolicy
from autohealer.core.operations import Operation
from tests.core.clinic import PROBE, Clinic, Ward


def recorded(book: Clinic) -> list[Incident]:
    """The last word of each incident since the last time, the oldest first."""
    last = {order.incident.id: order.incident for order in book.take(RecordIncident)}
    return list(last.values())


def the_only(book: Clinic) -> Incident:
    (incident,) = recorded(book)
    return incident


def test_a_death_is_closed_when_its_replacement_is_ready() -> None:
    book = Clinic(probes=(PROBE,))
    (worker,) = book.workers
    book.probe(worker, ok=True)
    book.now += 10
    book.tell(events.ProcessExited, worker, None, "SIGSEGV")
    opened = the_only(book)
    assert (opened.id, opened.kind, opened.cause, opened.detail) == (
        worker,
        IncidentKind.DEATH,
        "signal",
        "killed by SIGSEGV",
    )
    assert (opened.exit, opened.uptime_s, opened.noticed_by) == (Exit(None, "SIGSEGV", oom=False), 10.0, "pidfd")
    assert (opened.outcome, opened.is_closed) == (IncidentOutcome.OPEN, False)
    book.now += 0.004
    (successor,) = book.spawn()
    book.now += 0.5
    book.probe(successor, ok=True)

    healed = the_only(book)
    assert (healed.decided_ms, healed.started_ms, healed.ready_ms) == (0.0, 4.0, 504.0)
    assert (healed.outcome, healed.is_closed, healed.replacement) == (IncidentOutcome.HEALED, True, successor)
    assert healed.action == "started again"


def test_a_verdict_and_the_end_that_follows_are_one_story_with_evidence() -> None:
    book = Clinic(probes=(PROBE,), probe_failures=2)
    (worker,) = book.workers
    book.probe(worker, ok=True)
    book.probe(worker, ok=False)
    book.now += 3
    book.probe(worker, ok=False)
    book.tell(events.EvidenceTaken, worker, events.Evidence(state="S (sleeping)"))
    book.now += 1
    book.heal(worker)

    incident = the_only(book)
    assert (incident.kind, incident.cause, incident.detail) == (IncidentKind.VERDICT, "probe", f"{PROBE}: 500")
    assert (incident.noticed_by, incident.noticed_ms) == ("sense", 3000.0)
    assert incident.evidence == events.Evidence(state="S (sleeping)")
    assert incident.exit == Exit(0, None, oom=False)
    assert (incident.action, incident.outcome, incident.started_ms) == (
        "stopped, started again",
        IncidentOutcome.HEALED,
        1000.0,
    )


def test_a_verdict_that_is_held_is_told_as_such_until_it_is_none_any_more() -> None:
    book = Ward()
    book.fail_all()
    held = {incident.worker: incident for incident in recorded(book)}
    assert [held[worker].outcome for worker in book.workers] == [IncidentOutcome.OPEN] * 2 + [IncidentOutcome.HELD] * 6
    assert held[book.workers[2]].action == "left running"
    book.probe(book.workers[2], ok=True)

    recovered = the_only(book)
    assert (recovered.worker, recovered.outcome, recovered.is_closed) == (book.workers[2], IncidentOutcome.HELD, True)


def test_one_that_dies_while_its_verdict_is_held_died() -> None:
    book = Ward()
    book.tell(events.HoldRead, frozenset({"all"}))
    worker = book.workers[0]
    book.probe(worker, ok=False)
    book.tell(events.ProcessExited, worker, 1, None)
    orders = [order.incident for order in book.take(RecordIncident)]

    assert [(told.kind, told.outcome, told.is_closed) for told in orders[1:]] == [
        (IncidentKind.VERDICT, IncidentOutcome.HELD, True),
        (IncidentKind.DEATH, IncidentOutcome.OPEN, False),
    ]


def test_a_death_that_somebody_asked_for_says_who() -> None:
    book = Clinic()
    (worker,) = book.workers
    book.tell(events.OperationRequested, Operation(id="1", verb="kill", subject=worker, by="ann@host"))
    book.tell(events.ProcessExited, worker, None, "SIGKILL")

    incident = the_only(book)
    assert (incident.by, incident.action) == ("ann@host", "killed")


def test_the_kernels_killing_for_want_of_memory_has_its_name() -> None:
    book = Clinic()
    (worker,) = book.workers
    book.orders += book.supervisor.handle(events.ProcessExited(book.now, worker, None, "SIGKILL", oom=True))

    incident = the_only(book)
    assert (incident.cause, incident.detail) == ("oom", "killed by the kernel for want of memory")


def test_a_start_that_failed_and_what_it_waits_for() -> None:
    book = Clinic()
    (worker,) = book.workers
    book.tell(events.ProcessExited, worker, 1, None)
    book.orders.clear()
    (life,) = [view.worker for view in book.supervisor.snapshot(book.now).workers]
    book.tell(events.SpawnFailed, life, "Resource temporarily unavailable", True, "EAGAIN")

    opened = [incident for incident in recorded(book) if incident.kind is IncidentKind.SPAWN]
    assert [(told.cause, told.outcome, told.noticed_by) for told in opened] == [
        ("EAGAIN", IncidentOutcome.BACKOFF, "spawn")
    ]
    book.wait(1)
    (successor,) = book.spawn()
    book.wait(3)
    book.tell(events.StandInMade, successor)
    assert the_only(book).outcome is IncidentOutcome.HEALED


def test_a_crash_loop_is_a_row_of_stories_of_which_none_was_healed() -> None:
    """Each replacement ran, and ended before it was ready."""
    book = Clinic()
    (worker,) = book.workers
    ids = []
    for _ in range(3):
        book.tell(events.ProcessExited, worker, 1, None)
        ids.append(worker)
        (worker,) = book.spawn()
    last = {incident.id: incident for incident in recorded(book)}

    assert [(last[worker].outcome, last[worker].is_closed) for worker in ids] == [
        (IncidentOutcome.OPEN, True),
        (IncidentOutcome.OPEN, True),
        (IncidentOutcome.OPEN, False),
    ]
    assert [last[worker].replacement for worker in ids[:2]] == ids[1:]


def test_a_replacement_that_had_to_wait_is_no_heal_of_that_time() -> None:
    """How long the slot waited is known beside it."""
    book = Clinic()
    (worker,) = book.workers
    while not book.told("worker.backoff"):
        book.tell(events.ProcessExited, worker, 1, None)
        (worker,) = book.spawn() or [worker]
    book.take(RecordIncident)
    book.wait(60)
    (successor,) = book.spawn()
    book.wait(3)
    book.tell(events.StandInMade, successor)

    healed = the_only(book)
    assert (healed.outcome, healed.backoff_ms, healed.ready_ms) == (IncidentOutcome.HEALED, 60_000.0, 63_000.0)


def test_what_is_open_can_be_asked_for() -> None:
    """Also what has not been told of since: that the replacement runs."""
    book = Clinic()
    (worker,) = book.workers
    book.tell(events.ProcessExited, worker, 1, None)
    book.now += 0.001
    (successor,) = book.spawn()
    (standing,) = book.supervisor.open_incidents

    assert (standing.id, standing.replacement, standing.started_ms) == (worker, successor, 1.0)
    book.wait(3)
    book.tell(events.StandInMade, successor)
    assert book.supervisor.open_incidents == []


def test_what_finished_needs_no_heal() -> None:
    book = Clinic(2, restart=RestartPolicy.NEVER)
    book.tell(events.ProcessExited, book.workers[0], 0, None)
    assert the_only(book).outcome is IncidentOutcome.DONE
    book.tell(events.ProcessExited, book.workers[1], 1, None)
    assert the_only(book).outcome is IncidentOutcome.GAVE_UP


def test_a_stop_that_was_asked_for_is_no_story() -> None:
    book = Clinic()
    book.tell(events.DrainRequested, "SIGTERM")
    book.tell(events.ProcessExited, book.workers[0], 1, None)

    assert recorded(book) == []


def incident(opened: float, **fields: Any) -> Incident:
    known = Incident("w", IncidentKind.DEATH, "w", 1, 0, 0, 1, "exit", "exit code 1", opened)
    return replace(known, **fields)


def test_a_worker_that_was_held_and_is_stopped_for_another_reason_takes_its_incident_with_it() -> None:
    book = Clinic(probes=(PROBE,), probe_failures=1)
    (worker,) = book.workers
    book.tell(events.HoldRead, frozenset({"probe"}))
    for ok in (True, False):
        book.probe(worker, ok=ok)
    assert (the_only(book).outcome, book.faults()) == (IncidentOutcome.HELD, [])
    book.follow(me=0)
    book.now += 1
    book.tell(events.ProcessExited, worker, None, "SIGTERM")

    incident = the_only(book)
    assert (incident.id, incident.is_closed, incident.exit) == (worker, True, Exit(None, "SIGTERM", oom=False))
